"""B8: what a cached call costs with more clients and with more threads, in Rust."""

from __future__ import annotations

from harness import Bench, Figure, Goal, Result, short

CLIENTS = (1, 10, 100, 1_000, 10_000)
THREADS = (1, 2, 4, 8, 16, 32, 64)
# Calls of all threads.
CALLS = 3_200_000
# Within this, a cost is flat: figures of this length differ by so much from run to run.
NOISE = 1.25
WHO = "rust/tokenwell"


def run(bench: Bench) -> Result:
    who = bench.ours(WHO)
    # Not https: it is not the fetch that is measured, and there are ten thousand.
    environment = bench.environment() | {"TOKEN_ENDPOINT": bench.realm_facts["token_endpoint"]}
    # Clients, threads, and whether one client alone is asked.
    points = [*((count, 1, "one") for count in CLIENTS), *((count, 1, "turn") for count in CLIENTS), *((1, count, "one") for count in THREADS)]
    samples: dict[tuple[int, int, str], list[float]] = {point: [] for point in dict.fromkeys(points)}
    for _ in range(bench.rounds):
        for (clients, threads, which), values in samples.items():
            answer = bench.run(who, "growth", CALLS // threads, clients, threads, which, environment=environment).answer
            values.append(answer["cpu_ns"])
    figures = {point: Figure(tuple(values)) for point, values in samples.items()}
    labels = {"one": "one of them is asked", "turn": "all are asked in turn"}
    rows = [[f"{clients:,}", f"{threads}", labels[which], str(figure)] for (clients, threads, which), figure in figures.items()]

    def flat(text: str, line: list[tuple[int, int, str]]) -> Goal:
        ratio = max(figures[point].median for point in line) / figures[line[0]].median
        return Goal(f"{text}: flat (within {NOISE})", f"at most {short(ratio)} times the first", ratio <= NOISE)

    return Result(
        title="Growth: nanoseconds for a cached call in Rust",
        columns=["clients", "threads", "", "ns a call"],
        rows=rows,
        goals=[
            flat("1 to 10,000 clients, of which one is asked", [(count, 1, "one") for count in CLIENTS]),
            flat("1 to 10,000 clients, asked in turn", [(count, 1, "turn") for count in CLIENTS]),
            flat("1 to 64 threads", [(1, count, "one") for count in THREADS]),
        ],
        notes=[
            "Processor time of the process, divided by the calls of all threads. Each client has a token of its own. Ten thousand that are asked in turn do not stay"
            " in the processor's cache: the difference to the line above is what the memory takes.",
        ],
        samples={f"{clients} clients, {threads} threads, {which}": figure.samples for (clients, threads, which), figure in figures.items()},
    )
