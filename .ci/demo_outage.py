"""An authorization server fails in every way, twice, while 200 callers in each language ask ten times a second.

The first outage ends before the kept token does: no call fails. The second goes on past the token's end: calls fail then, at once,
and are served again when the server is back. Time passes on the library's own clock, which can be moved: a token lives for an hour.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Any

from callers import CALLERS, DOWN, HANGING, REFUSING, RESETTING, SLOW, Counts, started, tick

# Of 3600 seconds a token is `due` from 2700 (give or take 5 %) and `spent` from 3480.
OPTIONS = {"TOKENWELL_TIMEOUT": "2", "TOKENWELL_LEEWAY": "120"}


@dataclass(frozen=True)
class Phase:
    name: str
    ahead: int = 0  # seconds that the callers' clock is moved at its beginning
    answers: tuple[dict[str, Any], ...] = ()
    seconds: float = 2


PHASES = (
    Phase("up"),
    Phase("down (503), the token is due", 2900, (DOWN,)),
    Phase("stopped, its port is closed", 80, (REFUSING,)),
    Phase("slow", 80, (SLOW,), 3),
    Phase("hanging", 80, (HANGING,), 3),
    Phase("resetting connections", 80, (RESETTING,)),
    Phase("stopped, the token is spent", 270, (REFUSING,)),
    Phase("back, before its end", 31),
    Phase("down again, all of it in turn", 2900, (DOWN, RESETTING, HANGING, SLOW)),
    Phase("down, the token has ended", 800, (DOWN, RESETTING)),
    Phase("stopped, the token has ended", 0, (REFUSING,)),
    Phase("back", 31),
)


def main() -> int:
    rows: list[dict[str, Counts]] = []
    with started(OPTIONS) as languages:
        print(f"\n{CALLERS} callers in each language, ten calls a second each: calls served and failed\n")
        print(f"{'the server is':32}" + "".join(f"{language.name:>14}" for language in languages), flush=True)
        # Whatever came before the first phase counts as a part of it.
        before = dict.fromkeys((language.name for language in languages), Counts())
        for number, phase in enumerate(PHASES):
            time.sleep(phase.seconds)
            following = PHASES[number + 1 : number + 2]
            for language in languages if following else ():
                language.answer(*following[0].answers)
            after = tick(languages, following[0].ahead if following else 0)
            rows.append({name: after[name] - before[name] for name in after})
            before = after
            print(f"{phase.name:32}" + "".join(f"{row.served:>8}{row.failed:>6}" for row in rows[-1].values()), flush=True)
        requests = {language.name: language.requests() for language in languages}
    print(f"\n{'':9}{'calls served':>14}{'failed while a token was valid':>32}{'failed after its end':>22}{'requests at the server':>24}")
    faults = 0
    for name in requests:
        total = after[name]
        past = total.failed - total.early
        print(f"{name:9}{total.served:>14}{total.early:>32}{past:>22}{requests[name]:>24}")
        faults += total.early > 0 or past == 0 or rows[-1][name].served == 0
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
