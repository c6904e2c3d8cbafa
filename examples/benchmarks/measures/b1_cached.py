"""B1: what a call costs when the token is in memory, with one thread and with eight."""

from __future__ import annotations

from chart import Bar, bars
from contestants import Contestant
from harness import Bench, Figure, Goal, Result, short

THREADS = 8
# A loop of this many nanoseconds is measured; of many threads each makes half of the calls.
LONG = 300e6
# How much slower eight threads may seem: figures of this length differ by so much from run to run.
NOISE = 1.15
# Nanoseconds at most, by program.
LIMITS = {"python/with_tokenwell": 150, "node/tokenwell_sync": 250, "node/tokenwell": 1200, "php/tokenwell": 600, "c/tokenwell": 40, "rust/tokenwell": 20}
GO = "go/x_oauth2"
# Shown, and no goal is measured by it: nobody is shown to use it so.
ASIDE = "python/with_authlib_check"


def measure(bench: Bench, threads: int) -> dict[str, Figure | str]:
    """Nanoseconds that a processor works for a call."""
    lengths: dict[str, int] = {}

    def once(who: Contestant) -> float:
        if who.id not in lengths:
            guess = bench.run(who, "cached", 200).answer["cpu_ns"]
            guess = bench.run(who, "cached", max(int(LONG / 30 / guess), 200)).answer["cpu_ns"]
            lengths[who.id] = max(int(LONG / guess), 200)
        count = lengths[who.id] if threads == 1 else max(lengths[who.id] // 2, 200)
        ns: float = bench.run(who, "cached", count, threads).answer["cpu_ns"]
        return ns

    return bench.take_turns(once)


def goals(bench: Bench, one: dict[str, Figure | str], eight: dict[str, Figure | str]) -> list[Goal]:
    found = []
    median = {id: figure.median for id, figure in one.items() if isinstance(figure, Figure)}
    for id, limit in LIMITS.items():
        figure = f"{short(median[id])} ns" if id in median else str(one.get(id, "not measured"))
        found.append(Goal(f"{id}: under {limit} ns", figure, id in median and median[id] < limit))
    peers = {id: value for id, value in median.items() if id.startswith("python/") and "tokenwell" not in id and id != ASIDE}
    if peers and "python/with_tokenwell" in median:
        ratio = min(peers.values()) / median["python/with_tokenwell"]
        found.append(Goal(f"Python: at least 8 times faster than the best peer ({min(peers, key=lambda id: peers[id])})", f"{ratio:.1f} times", ratio >= 8))
    for id in ("rust/tokenwell", "c/tokenwell"):
        if GO in median and id in median:
            found.append(Goal(f"{id}: faster than Go's ReuseTokenSource", f"{median[GO] / median[id]:.1f} times", median[id] < median[GO]))
    for who in bench.everybody:
        alone, together = one.get(who.id), eight.get(who.id)
        if who.ours and who.language.parallel and isinstance(alone, Figure) and isinstance(together, Figure):
            ratio = together.median / alone.median
            found.append(Goal(f"{who.id}: a call is no slower in {THREADS} threads (within {NOISE:.2f})", f"{ratio:.2f} of one thread's", ratio <= NOISE))
    return found


def run(bench: Bench) -> Result:
    one, eight = measure(bench, 1), measure(bench, THREADS)
    rows, groups = [], {}
    for who in bench.everybody:
        figure = one[who.id]
        rows.append([who.language.name, bench.name(who), str(figure), str(eight[who.id])])
        if isinstance(figure, Figure):
            bar = Bar(bench.name(who), figure.median, figure.low, figure.high, who.ours)
            groups.setdefault(who.language.name, []).append(bar)
    return Result(
        title="A cached token: nanoseconds a call",
        columns=["language", "contestant", "one thread", f"{THREADS} threads"],
        rows=rows,
        goals=goals(bench, one, eight),
        notes=[
            "A figure is the processor time of the whole process during the loop, divided by the calls of all threads: more threads than cores do not count"
            " against it, what they do to each other does.",
            "In Node each thread is a worker with a client of its own, since workers share no objects; the token is one for all, in the library.",
        ],
        chart=bars("A cached token", "Nanoseconds of a processor for a call, one thread; logarithmic. The line in a bar is the spread of the rounds.", list(groups.items())),
        samples={
            id: {"one": getattr(one[id], "samples", one[id]), "eight": getattr(eight[id], "samples", eight[id])} for id in one
        },
    )  # fmt: skip
