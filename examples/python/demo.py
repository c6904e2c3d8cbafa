"""Asks for a token twice and prints, for each call, a line of JSON: where it came from and how long it took."""

import json
import time

import tokenwell

with tokenwell.Client.from_env() as client:
    for _ in range(2):
        started = time.perf_counter()
        token = client.access_token()
        seconds = time.perf_counter() - started
        print(json.dumps({"call": "client.access_token()", "token": token.value[:6], "seconds": seconds, "source": token.source}))
