"""Faults at random for a long time (soak.py SECONDS, default 600), under 200 callers in each language: counts and memory at the end.

Twice a second or so each authorization server changes how it answers, and the callers' clocks go ahead by up to half of a
token's life: tokens are renewed, run out during outages and come back again and again.

Memory is that of the process, and what of its heap is in use (heap.c): the former grows until each of 200 threads has been
everywhere once, the latter must not. What of JavaScript is alive is not on that heap: Node ends if it is ever more than 16 MB.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from typing import Any

import processes
from callers import CALLERS, DOWN, HANGING, REFUSING, RESETTING, SLOW, Counts, Language, started, tick

HEAPS = processes.ROOT / "build" / "heaps"
OPTIONS = {
    "TOKENWELL_TIMEOUT": "2",
    "HEAP_FOLDER": str(HEAPS),
    "LD_PRELOAD": str(HEAPS / "heap.so"),
    # Everything comes from the one heap, and what is given back is given back at once.
    "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0",
    "PYTHONMALLOC": "malloc",
    "USE_ZEND_ALLOC": "0",
    "NODE_OPTIONS": "--max-semi-space-size=1 --max-old-space-size=16",
}
LIFETIME = 3600
FAULTS: tuple[dict[str, Any], ...] = (
    DOWN,
    REFUSING,
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
# An answer that is being read may be as long as this; a leak of a hundred bytes at each request is more in ten minutes.
TOLERANCE = 128  # KiB


def memory(languages: list[Language]) -> dict[str, tuple[int, int]]:
    """Of each language, KiB: the processes, and what of their heaps is in use."""
    return {language.name: (language.memory(), language.heap(HEAPS)) for language in languages}


def line(title: str, now: dict[str, tuple[int, int]]) -> None:
    print(f"{title:>8}  " + "".join(f"{f'{whole} ({heap})':>18}" for whole, heap in now.values()), flush=True)


def play(languages: list[Language], seconds: float, chance: random.Random) -> list[dict[str, tuple[int, int]]]:
    """Faults for so long; the memory after the warm-up, and each tenth of the time from then on."""
    moments: list[dict[str, tuple[int, int]]] = []
    start = time.monotonic()
    while (passed := time.monotonic() - start) < seconds:
        for language in languages:
            well = chance.random() < 0.5
            language.answer(*([] if well else chance.sample(FAULTS, chance.randint(1, 3))))
        tick(languages, chance.uniform(0, LIFETIME / 2))
        time.sleep(chance.uniform(0.1, 0.9))
        if passed > seconds * WARM_UP * (len(moments) + 1):
            moments.append(memory(languages))
            line(f"{passed:.0f} s", moments[-1])
    return moments


def recover(languages: list[Language]) -> tuple[dict[str, Counts], dict[str, Counts]]:
    """The counts in all, and those of the last second, in which the server was well again."""
    for language in languages:
        language.answer()
    # Past any refusal, and long enough for the hanging requests to end.
    tick(languages, 300)
    time.sleep(4)
    recovered = tick(languages, 0)
    time.sleep(1)
    counts = tick(languages, 0)
    return counts, {name: counts[name] - recovered[name] for name in counts}


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 600
    seed = int(time.time())
    HEAPS.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-pthread", ".ci/heap.c", "-o", str(HEAPS / "heap.so")], cwd=processes.ROOT, check=True)
    print(f"{seconds:.0f} s of faults at random (seed {seed}), {CALLERS} callers in each language\n")
    with started(OPTIONS) as languages:
        print(f"{'KiB':>8}  " + "".join(f"{f'{language.name} (heap)':>18}" for language in languages), flush=True)
        moments = play(languages, seconds, random.Random(seed))
        counts, last = recover(languages)
        end = memory(languages)
        line("the end", end)
        print(f"\n{'':9}{'calls served':>14}{'failed while a token was valid':>32}{'failed after its end':>22}{'requests at the server':>24}")
        faults = 0
        for language in languages:
            name, total = language.name, counts[language.name]
            print(f"{name:9}{total.served:>14}{total.early:>32}{total.failed - total.early:>22}{language.requests():>24}")
            complaints = {
                f"the server is well again, and {last[name].failed} calls failed": last[name].failed or not last[name].served,
                f"{total.early} calls failed while a token was valid": total.early,
                "its heap grows": moments and end[name][1] > moments[0][name][1] + TOLERANCE,
            }
            for complaint in (complaint for complaint, holds in complaints.items() if holds):
                faults += 1
                print(f"{'':9}{complaint}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
