"""Faults at random for a long time (soak.py SECONDS, default 600), under 200 callers in each language: counts and memory at the end.

Twice a second or so each authorization server changes how it answers, and the callers' clocks go ahead by up to half of a
token's life: tokens are renewed, run out during outages and come back again and again.
"""

from __future__ import annotations

import random
import sys
import time

from callers import CALLERS, DOWN, HANGING, RESETTING, SLOW, started, tick

OPTIONS = {"TOKENWELL_TIMEOUT": "2"}
LIFETIME = 3600
FAULTS = (
    DOWN,
    SLOW,
    HANGING,
    RESETTING,
    {"fault": "close"},
    {"fault": "truncated_chunked"},
    {"status": 429, "headers": {"Retry-After": "20"}},
    {"status": 401, "json": {"error": "invalid_client"}},
    {"raw": "<html>not a token</html>"},
    {"issue": {"expires_in": 0}},
    {"issue": {}, "delay": 0.5},
)
# Memory is compared with what it was when every path had been taken.
WARM_UP = 0.1


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 600
    seed = int(time.time())
    chance = random.Random(seed)
    print(f"{seconds:.0f} s of faults at random (seed {seed}), {CALLERS} callers in each language", flush=True)
    began: dict[str, int] = {}
    with started(OPTIONS) as languages:
        start = shown = time.monotonic()
        while (now := time.monotonic()) < start + seconds:
            for language in languages:
                well = chance.random() < 0.5
                language.answer(*([] if well else chance.sample(FAULTS, chance.randint(1, 3))))
            counts = tick(languages, chance.uniform(0, LIFETIME / 2))
            time.sleep(chance.uniform(0.1, 0.9))
            if not began and now > start + seconds * WARM_UP:
                began = {language.name: language.memory() for language in languages}
            if now > shown + 60:
                shown = now
                print(f"{now - start:6.0f} s  " + "  ".join(f"{language.name} {language.memory()} KiB" for language in languages), flush=True)
        for language in languages:
            language.answer()
        # Past any refusal, and long enough for the hanging requests to end.
        tick(languages, 300)
        time.sleep(4)
        recovered = tick(languages, 0)
        time.sleep(1)
        counts = tick(languages, 0)
        print(f"\n{'':9}{'calls served':>14}{'calls failed':>14}{'requests at the server':>24}{'memory, KiB':>14}{'at the end':>12}")
        faults = 0
        for language in languages:
            total, last = counts[language.name], counts[language.name] - recovered[language.name]
            print(
                f"{language.name:9}{total.served:>14}{total.failed:>14}{language.requests():>24}"
                f"{began[language.name]:>14}{language.memory():>12}"
            )
            if last.failed or not last.served:
                faults += 1
                print(f"{'':9}the server is well again, and {last.failed} of {last.failed + last.served} calls failed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
