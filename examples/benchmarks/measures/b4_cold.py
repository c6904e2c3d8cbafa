"""B4: many callers when there is no token yet: how many requests reach the server, and how long all wait."""

from __future__ import annotations

from typing import Any

from chart import Bar, bars
from contestants import Contestant
from harness import REALM, Bench, Cannot, Figure, Goal, Result, short

# Libraries that make a request for each caller, or nearly, get fewer.
CALLERS, OF_PEERS = 10_000, 1_000
# Of the times: Python's threads lie not far from what is asked of them, and vary.
ROUNDS = 9
# Seconds that the server holds its answers, so that all callers are waiting when the first one comes: thousands of threads are
# not started in the time of a fetch. It is taken off all times. A longer one is for whom the shorter one does not suffice.
HOLDS = (1.0, 3.0, 8.0)
# What is allowed: so many times one fetch, and so many microseconds for each caller.
FETCHES, EACH_US = 2, 20


class Cold:
    """The runs of one contestant."""

    def __init__(self) -> None:
        self.hold = HOLDS[0]
        self.requests: list[int] = []
        self.one: list[float] = []
        self.callers = ""

    def alone(self, bench: Bench, who: Contestant) -> None:
        with bench.realm() as (_, environment):
            self.one.append(float(bench.run(who, "cold", 1, environment=environment).answer["wall_ms"]))

    def all(self, bench: Bench, who: Contestant, count: int) -> float:
        """Milliseconds for all, without the hold."""
        for hold in HOLDS:
            if hold < self.hold:
                continue
            self.hold = hold
            with bench.realm({**REALM, "script": [{"delay": hold, "times": -1}]}) as (realm, environment):
                answer: dict[str, Any] = bench.run(who, "cold", count, environment=environment).answer
                requests = bench.requests(realm)
            if answer["last_ms"] < hold * 1000:
                self.requests.append(requests)
                self.callers = answer["callers"]
                return float(answer["wall_ms"]) - hold * 1000
        raise Cannot(f"the last of {count} callers began after {answer['last_ms'] / 1000:.1f} s")


def run(bench: Bench) -> Result:
    bench.rounds = min(bench.rounds, ROUNDS)
    cold: dict[str, Cold] = {}

    def count(who: Contestant) -> int:
        return CALLERS if who.ours else OF_PEERS

    def measure(who: Contestant) -> float:
        runs = cold.setdefault(who.id, Cold())
        runs.alone(bench, who)
        return runs.all(bench, who, count(who))

    figures = bench.take_turns(measure)
    rows, goals, groups = [], [], {}
    for who in bench.everybody:
        figure, runs = figures[who.id], cold[who.id]
        if not isinstance(figure, Figure):
            rows.append([who.language.name, bench.name(who), figure, "", "", "", ""])
            if who.ours and runs.one:  # it can, and did not
                goals.append(Goal(f"{who.id}: {CALLERS:,} callers are one request", figure, False))
            continue
        one = Figure(tuple(runs.one))
        limit = FETCHES * one.median + EACH_US * count(who) / 1000
        most, least = max(runs.requests), min(runs.requests)
        rows.append([
            who.language.name, bench.name(who), f"{count(who):,} {runs.callers}", short(most) if most == least else f"{least:,} to {most:,}",
            str(figure), short(one.median), short((figure.median - one.median) * 1000 / count(who)),
        ])  # fmt: skip
        groups.setdefault(who.language.name, []).append(Bar(f"{bench.name(who)}: {count(who):,}", most, least, most, who.ours))
        if who.ours:
            goals.append(Goal(f"{who.id}: {CALLERS:,} callers are one request", f"{most}", most == 1))
            text = f"{who.id}: at most {FETCHES} fetches and {EACH_US} us for each caller ({limit:,.0f} ms)"
            goals.append(Goal(text, f"{figure.median:,.0f} ms", figure.median <= limit))
    return Result(
        title="Cold callers: requests that reach the server, and how long all wait",
        columns=["language", "contestant", "callers", "token requests", "wall time for all, ms", "for one, ms", "us for each caller more"],
        rows=rows,
        goals=goals,
        notes=[
            f"All callers are waiting before the server answers: it holds each answer for {HOLDS[0]:.0f} s or, where that is too short for so many threads to"
            f" begin, longer, and this is taken off the times; and none ends before all are answered. What it costs to start and to end the callers is so left out."
            f" {bench.rounds} rounds.",
        ],
        chart=bars("Token requests that reach the server", "Behind each name how many callers found no token; logarithmic.", list(groups.items())),
        samples={
            id: {"all_ms": getattr(figures[id], "samples", figures[id]), "one_ms": runs.one, "requests": runs.requests} for id, runs in cold.items()
        },
    )  # fmt: skip
