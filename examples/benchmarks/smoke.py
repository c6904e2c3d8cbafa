"""Our own programs, in each mode, with small numbers: that they say what the measures read, and ask the server as often as they
should. No time is judged here."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from contestants import ROOT, Contestant, contestants
from harness import Bench, Cannot, bench

# The modes, what is in the answer, and the token requests that belong to it: at least, at most.
MODES: tuple[tuple[tuple[object, ...], tuple[str, ...], tuple[int, int]], ...] = (
    (("cached", 20, 1), ("ns", "cpu_ns", "calls"), (1, 1)),
    (("cached", 20, 2), ("ns", "cpu_ns", "calls"), (1, 1)),
    (("fetch", 10, 1), ("cpu_us", "wall_us"), (12, 12)),
    (("fetch", 10, 4), ("cpu_us", "wall_us"), (12, 12)),
    (("cold", 50), ("wall_ms", "last_ms"), (1, 1)),
)


def wrong(place: Bench, who: Contestant) -> Iterator[str]:
    """What is not as it should be; the modes that it cannot do are printed with its reason."""
    answer = place.run(who, "versions").answer
    if not answer["name"].startswith("Tokenwell") or not answer["version"]:
        yield f"versions: {answer}"
    if (line := place.run(who, "once").line) != "ok":
        yield f"once: {line}"
    for words, members, (least, most) in MODES:
        with place.realm() as (realm, environment):
            try:
                answer = place.run(who, *words, environment=environment).answer
            except Cannot as why:
                print(f"  {who.id} {words[0]}: {why}")
                if str(why).startswith(("failed", "still")):
                    yield f"{words}: {why}"
                continue
            if not all(answer.get(member, 0) > 0 for member in members):
                yield f"{words}: {answer}"
            if not least <= (count := place.requests(realm)) <= most:
                yield f"{words}: {count} token requests"


def main() -> int:
    ours = [one for one in contestants(python=ROOT / ".venv/bin/python", profile="debug") if one.ours]
    failed = 0
    with bench(rounds=1, profile="debug", everybody=ours) as place:
        for who in ours:
            try:
                faults = list(wrong(place, who))
            except Cannot as why:
                faults = [str(why)]
            failed += bool(faults)
            print(f"{'FAILED' if faults else 'ok':8}{who.id}", *faults, sep="\n         " if faults else "")
    print(f"\n{len(ours) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
