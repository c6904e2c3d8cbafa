"""B5: memory: what a process takes more than the bare interpreter after its first token, and what a thousand clients add."""

from __future__ import annotations

from pathlib import Path

from chart import Bar, bars
from contestants import HERE
from harness import Bench, Cannot, Figure, Goal, Result
from measures.b2_process import above, bare

MB = 1e3  # kilobytes
# Above the bare interpreter, megabytes.
LIMIT = 5.0
LIMITED = ("python/with_tokenwell", "node/tokenwell_sync", "node/tokenwell", "php/tokenwell")
# After so many, so many more; each adds at most so many bytes.
WARM, CLIENTS, EACH = 100, 1000, 2048
FOLDER = HERE / "measures/clients"


def after_fetch(bench: Bench) -> tuple[list[list[str]], dict[str, Figure], list[Goal]]:
    """The peak of a process that takes one token: rows, what is above the bare interpreter, and goals."""
    floors = bare(bench.everybody)
    peaks = bench.take_turns(lambda who: bench.run(who, "once").peak_kb / MB, [*bench.everybody, *floors])
    rows, over = [], {}
    for floor in floors:
        name = floor.language.name
        rows.append([name, "nothing", str(peaks[floor.id]), ""])
        for who in (one for one in bench.everybody if one.language.name == name):
            figure = peaks[who.id]
            if isinstance(figure, Figure):
                over[who.id] = above(figure, peaks[floor.id])
            rows.append([name, bench.name(who), str(figure), str(over.get(who.id, ""))])
    limited = [(id, over[id].median) for id in LIMITED if id in over]
    return rows, over, [Goal(f"{id}: at most {LIMIT:.0f} MB above the bare interpreter", f"{more:.1f} MB", more <= LIMIT) for id, more in limited]


def many_clients(bench: Bench) -> tuple[list[list[str]], list[Goal]]:
    """Bytes that a client with its token adds."""
    by_language = {one.language.name: one for one in bench.everybody if one.ours}
    command: dict[str, tuple[str | Path, ...]] = {
        "python": (by_language["python"].command[0], FOLDER / "clients.py"),
        "node": ("node", "--expose-gc", FOLDER / "clients.mjs"),
        "php": ("php", FOLDER / "clients.php"),
    }
    rows, goals = [], []

    def add(name: str, sizes: list[float], later: list[float]) -> None:
        figure = Figure(tuple(sizes))
        rows.append([name, f"a client with its token, of {CLIENTS:,}", "", f"{figure} bytes"])
        rows.append([name, f"the same, of the {CLIENTS:,} after those", "", f"{Figure(tuple(later))} bytes"])
        goals.append(Goal(f"{name}: {CLIENTS:,} clients add at most {EACH:,} bytes each", f"{figure.median:,.0f} bytes", figure.median <= EACH))

    for name, program in command.items():
        sizes = [[float(bench.run(program, warm, CLIENTS).answer["bytes"]) for _ in range(bench.rounds)] for warm in (WARM, WARM + CLIENTS)]
        add(name, *sizes)
    rust = by_language["rust"]
    counts = (WARM, WARM + CLIENTS, WARM + 2 * CLIENTS)
    peaks = [[bench.run(rust, "growth", 1, count, 1).peak_kb for count in counts] for _ in range(bench.rounds)]
    add("rust", *([(peak[more] - peak[more - 1]) * 1024 / CLIENTS for peak in peaks] for more in (1, 2)))
    return rows, goals


def run(bench: Bench) -> Result:
    rows, over, goals = after_fetch(bench)
    try:
        more, about = many_clients(bench)
    except Cannot as why:
        more, about = [["", "many clients", "", str(why)]], [Goal(f"{CLIENTS:,} clients add at most {EACH:,} bytes each", str(why), False)]
    groups: dict[str, list[Bar]] = {}
    for who in bench.everybody:
        if who.id in over:
            figure = over[who.id]
            groups.setdefault(who.language.name, []).append(Bar(bench.name(who), figure.median, figure.low, figure.high, who.ours))
    return Result(
        title="Memory after one token",
        columns=["language", "contestant", "peak, MB", "above nothing, MB"],
        rows=[*rows, *more],
        goals=[*goals, *about],
        notes=[
            "The peak of resident memory, which has the pages of shared libraries in it. A client of the thousand has a scope of its own, and so a token; it is"
            f" what resident memory grows by, after {WARM} clients, divided by them; in Rust the peak of a process with {WARM} is taken from that of one with {WARM + CLIENTS:,}.",
            "What a language takes once, for code that has run often, is among the first thousand: in Node.js 4 MB, the pages of its compiler.",
        ],
        chart=bars("Memory after one token", "Megabytes above the bare interpreter; logarithmic.", list(groups.items())),
        samples={id: figure.samples for id, figure in over.items()},
    )
