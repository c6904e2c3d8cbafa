"""One of B7's processes: takes a token for each of so many scopes, then hits them in memory; a line on standard input lets it go on.

usage: store_worker.py SCOPES HITS"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter

from tokenwell import Client

# Files that are not there: asking for them tells strace where the loop begins and ends.
BEGIN, END = "/tokenwell-loop-begins", "/tokenwell-loop-ends"


def main() -> None:
    scopes, hits = (int(word) for word in sys.argv[1:])
    names = [f"scope-{number}" for number in range(scopes)]
    client = Client.from_env()
    client.token(scope="first")  # the store is opened, the library's thread begun
    sources: Counter[str] = Counter()
    took = []
    for name in names:
        began = time.perf_counter_ns()
        token = client.access_token(scope=name)
        took.append((time.perf_counter_ns() - began) / 1e3)
        sources[token.source] += 1
    print(json.dumps({"sources": sources, "took_us": took}), flush=True)
    sys.stdin.readline()
    os.path.exists(BEGIN)
    worked = time.process_time_ns()
    for number in range(hits):
        client.token(scope=names[number % scopes])
    taken = time.process_time_ns() - worked
    os.path.exists(END)
    print(json.dumps({"cpu_ns": taken / hits}), flush=True)


if __name__ == "__main__":
    main()
