"""B2: what a whole process costs: start, load, one token over https, print."""

from __future__ import annotations

from chart import Bar, bars
from contestants import Contestant
from harness import Bench, Figure, Goal, Result

# A program of the language that does nothing; where it is compiled, a process that does nothing.
BARE = {"python": ("-c", "pass"), "node": ("-e", "0"), "php": ("-r", "0;")}
# Of the CPU time that the peer takes above the bare interpreter, ours is at most this part.
PARTS = (
    ("python/with_tokenwell", "python/with_requests_snippet", 15),
    ("node/tokenwell_sync", "node/axios", 10),
    ("php/tokenwell", "php/curl_snippet", 4),
    ("c/tokenwell", "c/libcurl", 5),
)


def bare(everybody: list[Contestant]) -> list[Contestant]:
    """The bare interpreter of each language, as one more contestant."""
    first: dict[str, Contestant] = {}
    for one in everybody:
        first.setdefault(one.language.name, one)
    return [Contestant(one.language, "bare", (one.command[0], *BARE[name]) if name in BARE else ("true",)) for name, one in first.items()]


def above(figure: Figure, floor: Figure | str) -> Figure:
    """What is more than the bare interpreter's."""
    return Figure(tuple(sample - floor.median for sample in figure.samples)) if isinstance(floor, Figure) else figure


def goals(cpu: dict[str, Figure]) -> list[Goal]:
    found = []
    for ours, peer, part in PARTS:
        if ours in cpu and peer in cpu:
            mine, its = cpu[ours].median, cpu[peer].median
            figure = f"{mine:.1f} ms of {its:.1f} ms, 1/{its / mine:.1f}" if mine > 0 else f"not more than the bare interpreter; the peer {its:.1f} ms"
            found.append(Goal(f"{ours}: at most 1/{part} of {peer}", figure, mine * part <= its))
    return found


def run(bench: Bench) -> Result:
    floors = bare(bench.everybody)
    wall: dict[str, list[float]] = {}

    def once(who: Contestant) -> float:
        ran = bench.run(who, "once")
        wall.setdefault(who.id, []).append(ran.wall_ms)
        return ran.cpu_ms

    cpu = bench.take_turns(once, [*bench.everybody, *floors])
    rows: list[list[str]] = []
    groups: dict[str, list[Bar]] = {}
    over: dict[str, Figure] = {}
    for floor in floors:
        name = floor.language.name
        rows.append([name, "nothing", str(cpu[floor.id]), "", str(Figure(tuple(wall.get(floor.id, [0]))))])
        for who in (one for one in bench.everybody if one.language.name == name):
            figure = cpu[who.id]
            if isinstance(figure, str):
                rows.append([name, bench.name(who), figure, "", ""])
                continue
            more = over[who.id] = above(figure, cpu[floor.id])
            rows.append([name, bench.name(who), str(figure), str(more), str(Figure(tuple(wall[who.id])))])
            groups.setdefault(name, []).append(Bar(bench.name(who), more.median, more.low, more.high, who.ours))
    return Result(
        title="A whole process that prints a token: CPU milliseconds",
        columns=["language", "contestant", "CPU ms", "above nothing", "wall ms"],
        rows=rows,
        goals=goals(over),
        notes=["Nothing: the interpreter with an empty program; for what is compiled, the command `true`."],
        chart=bars("A whole process", "CPU milliseconds above the bare interpreter; logarithmic.", list(groups.items())),
        samples={id: getattr(figure, "samples", figure) for id, figure in cpu.items()},
    )
