"""B3: what a fetch costs that nothing is kept for but the connection: one after the other, and 64 at a time."""

from __future__ import annotations

from chart import Bar, bars
from contestants import Contestant
from harness import Bench, Figure, Goal, Result

AT_ONCE = 64
# A loop of this many microseconds is measured, of so many fetches at least and at most.
LONG, FEWEST, MOST = 300e3, 20, 5000
# Whoever works longer than this for a fetch connects for each, microseconds.
CONNECTS = 15e3
LIMIT = "rust/hyper"
# At most this part of the peer's CPU time: ours, the peer, the part, and what is said of it.
PARTS = (
    ("python/with_tokenwell", "python/with_requests_session", 12.0),
    ("python/with_tokenwell", "python/with_requests_snippet", 500.0),
    ("node/tokenwell", "node/axios", 12.0),
    ("node/tokenwell", "node/fetch", 12.0),
    ("php/tokenwell", "php/curl_kept", 1.0),
    ("php/tokenwell", "php/curl_snippet", 500.0),
    ("rust/tokenwell", LIMIT, 0.5),
    ("c/tokenwell", LIMIT, 0.5),
)


def measure(bench: Bench) -> list[dict[str, Figure | str]]:
    """CPU microseconds of a fetch: one after the other with the server on the same processor, and wherever the kernel runs the two;
    many at a time."""
    lengths: dict[str, int] = {}

    def length(who: Contestant) -> int:
        if who.id not in lengths:
            guess = bench.run(who, "fetch", FEWEST, 1).answer
            lengths[who.id] = FEWEST if guess["cpu_us"] > CONNECTS else min(max(int(LONG / guess["wall_us"]), FEWEST + 1), MOST)
        return lengths[who.id]

    def one(who: Contestant) -> float:
        cpu: float = bench.run(who, "fetch", length(who), 1).answer["cpu_us"]
        return cpu

    def many(who: Contestant) -> float:
        # So many that each of the callers has its connection when the warm-up, a tenth of them, is over.
        count = length(who) if length(who) == FEWEST else max(length(who), 10 * AT_ONCE)
        cpu: float = bench.run(who, "fetch", count, AT_ONCE).answer["cpu_us"]
        return cpu

    with bench.on_one_processor():
        together = bench.take_turns(one)
    return [together, bench.take_turns(one), bench.take_turns(many)]


def goals(figures: dict[str, Figure | str], how: str) -> list[Goal]:
    found = []
    for ours, peer, part in PARTS:
        mine, its = figures.get(ours), figures.get(peer)
        if isinstance(mine, Figure) and isinstance(its, Figure):
            wanted = "less than" if part == 1 else f"at most {1 / part:.0f} times" if part < 1 else f"at most 1/{part:.0f} of"
            ratio = mine.median / its.median
            said = f"{ratio:.2f} times" if part <= 1 else f"1/{1 / ratio:.1f}"
            found.append(Goal(f"{ours}, {how}: {wanted} {peer}", said, ratio * part <= 1))
    return found


def run(bench: Bench) -> Result:
    one, apart, many = measure(bench)
    groups: dict[str, list[Bar]] = {}
    for who in bench.everybody:
        figure = one[who.id]
        if isinstance(figure, Figure):
            groups.setdefault(who.language.name, []).append(Bar(bench.name(who), figure.median, figure.low, figure.high, who.ours))
    return Result(
        title="A fetch over a kept connection: CPU microseconds",
        columns=["language", "contestant", "one after the other", "the same across processors", f"{AT_ONCE} at a time"],
        rows=[[who.language.name, bench.name(who), *(str(figures[who.id]) for figures in (one, apart, many))] for who in bench.everybody],
        goals=goals(one, "one after the other") + goals(many, f"{AT_ONCE} at a time"),
        notes=[
            "One after the other: the server is on the contestant's processor; for the second column the kernel runs the two where it likes, mostly on two.",
            "Snippets, and libcurl and ext-curl with a handle each, connect and read the machine's roots for each token; all others keep what they can.",
            "hyper alone is no library for tokens but the limit: it sends the request, reads the answer, and does not look into it.",
        ],
        chart=bars("A fetch without a cache", "CPU microseconds a fetch, one after the other; logarithmic.", list(groups.items())),
        samples={
            id: {name: getattr(figures[id], "samples", figures[id]) for name, figures in (("one", one), ("apart", apart), ("many", many))} for id in one
        },
    )
