"""Many callers (CALLERS, default 200) ask for the token ten times a second. Each line on standard input moves the library's
clock by so many seconds, and is answered with a line of JSON before: the calls served so far, those that failed, and how many of
these were early: a token was valid. Ends with the input."""

import json
import os
import sys
import threading
import time

import tokenwell
from tokenwell.testing import advance_clock


class Caller(threading.Thread):
    # Seconds that the library's clock has been moved: raised before that, and raised after it. While it is being moved a caller
    # takes the one by which fewer failures are early.
    ahead = moved = 0.0

    def __init__(self, client: tokenwell.Client) -> None:
        super().__init__(daemon=True)
        self.client = client
        self.counts = {"served": 0, "failed": 0, "early": 0}
        self.end = 0.0  # of the last token, on that clock

    def run(self) -> None:
        while True:
            began = time.monotonic() + self.moved
            try:
                self.end = max(self.end, began + self.client.access_token().expires_in)
                self.counts["served"] += 1
            except tokenwell.TokenwellError:
                self.counts["failed"] += 1
                self.counts["early"] += time.monotonic() + self.ahead < self.end
            time.sleep(0.1)


shared = tokenwell.Client.from_env()
callers = [Caller(shared) for _ in range(int(os.environ.get("CALLERS", "200")))]
for caller in callers:
    caller.start()
for line in sys.stdin:
    print(json.dumps({name: sum(caller.counts[name] for caller in callers) for name in callers[0].counts}), flush=True)
    Caller.ahead += float(line)
    advance_clock(float(line))
    Caller.moved = Caller.ahead
