"""Holds tokens for a program that looks into this one's memory (../../../.ci/memory.py): the options are the first line of standard
input; each further line moves the library's clock by so many seconds and asks for a token, whose value is never read (what else
there is of it and of errors goes to standard error), or is `close`."""

import json
import sys
import traceback

import tokenwell
from tokenwell.testing import advance_clock


def call(client: tokenwell.Client) -> str:
    try:
        print(client, client.access_token(), client.stats(), file=sys.stderr)
        return "served"
    except tokenwell.TokenwellError as error:
        traceback.print_exc()
        print(repr(error), vars(error), file=sys.stderr)
        return f"{type(error).__name__} {error.code}"


print("ready", flush=True)
client = tokenwell.Client(**json.loads(sys.stdin.readline()))
print("made", flush=True)
for line in sys.stdin:
    if line == "close\n":
        client.close()
        del client
        print("closed", flush=True)
        continue
    advance_clock(float(line))
    print(call(client), flush=True)
