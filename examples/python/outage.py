"""Many callers (CALLERS, default 200) ask for the token ten times a second. Each line on standard input moves the library's
clock by so many seconds, and is answered with a line of JSON before: the calls served and failed so far. Ends with the input."""

import json
import os
import sys
import threading
import time

import tokenwell
from tokenwell.testing import advance_clock


def call(client: tokenwell.Client, counts: dict[str, int]) -> None:
    while True:
        try:
            client.token()
            counts["served"] += 1
        except tokenwell.TokenwellError:
            counts["failed"] += 1
        time.sleep(0.1)


client = tokenwell.Client.from_env()
callers = [{"served": 0, "failed": 0} for _ in range(int(os.environ.get("CALLERS", "200")))]
for counts in callers:
    threading.Thread(target=call, args=(client, counts), daemon=True).start()
for line in sys.stdin:
    print(json.dumps({name: sum(counts[name] for counts in callers) for name in ("served", "failed")}), flush=True)
    advance_clock(float(line))
