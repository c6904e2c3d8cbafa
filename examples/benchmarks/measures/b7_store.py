"""B7: eight processes over a store that they share, in files or in Redis: what a hit costs there, and that one in memory goes nowhere."""

from __future__ import annotations

import contextlib
import json
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from contestants import HERE
from harness import Bench, Figure, Goal, Result

PROCESSES = 8
SCOPES, HITS = 100, 20_000
# A hit in the store takes less, microseconds.
LIMIT = 1000.0
WORKER = (HERE / ".venv/bin/python", HERE / "measures/store_worker.py")


@dataclass
class Worker:
    process: subprocess.Popen[str]

    def line(self) -> dict[str, Any]:
        assert self.process.stdout
        answer: dict[str, Any] = json.loads(self.process.stdout.readline() or "{}")
        return answer

    def go_on(self) -> None:
        print(file=self.process.stdin, flush=True)


def start(environment: dict[str, str], *before: str, hits: int = HITS) -> Worker:
    command = [*before, *(str(part) for part in WORKER), str(SCOPES), str(hits)]
    return Worker(subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))


class Redis:
    """A Redis of our own, and how many commands it has been given."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        quiet = ("--bind", "127.0.0.1", "--save", "", "--logfile", "/dev/null")
        process = subprocess.Popen(["redis-server", "--port", str(self.port), *quiet])
        try:
            end = time.monotonic() + 10
            while time.monotonic() < end:
                with contextlib.suppress(OSError):
                    self.commands()
                    break
                time.sleep(0.05)
            yield
        finally:
            process.kill()
            process.wait()

    def commands(self) -> int:
        """What it has done so far; asking is one of them, which it counts the next time."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            connection.sendall(b"INFO stats\r\n")
            said = b""
            while b"total_commands_processed:" not in said or not said.endswith(b"\r\n"):
                said += connection.recv(65536)
        return int(said.split(b"total_commands_processed:")[1].split(b"\r")[0])


def system_calls(environment: dict[str, str]) -> int:
    """System calls on files and on sockets that a process makes while it hits its memory, as strace sees them."""
    with tempfile.NamedTemporaryFile("r") as log:
        calls = "trace=%file,%network,read,write,pread64,pwrite64,readv,writev,fsync,flock"
        worker = start(environment, "strace", "-f", "-qq", "-o", log.name, "-e", calls)
        worker.line()
        worker.go_on()
        worker.line()
        worker.process.communicate(timeout=60)
        lines = log.read().splitlines()
    begin = next(place for place, line in enumerate(lines) if "/tokenwell-loop-begins" in line)
    end = next(place for place, line in enumerate(lines) if "/tokenwell-loop-ends" in line)
    return end - begin - 1


def measure(environment: dict[str, str], redis: Redis | None) -> dict[str, Any]:
    """The first process fills the store; then eight find all there, and hit their memory."""
    first = start(environment, hits=1)
    first.line()
    first.go_on()
    first.line()
    first.process.communicate(timeout=60)
    workers = [start(environment) for _ in range(PROCESSES)]
    found = [worker.line() for worker in workers]
    before = redis.commands() if redis else 0
    for worker in workers:
        worker.go_on()
    hits = [worker.line()["cpu_ns"] for worker in workers]
    # The first of the two questions is one of the commands between them.
    touched = redis.commands() - before - 1 if redis else system_calls(environment)
    for worker in workers:
        worker.process.communicate(timeout=60)
    others = sum(count for one in found for source, count in one["sources"].items() if source in ("network", "memory"))
    return {"took_us": [took for one in found for took in one["took_us"]], "hit_ns": hits, "touched": touched, "others": others}


def run(bench: Bench) -> Result:
    rows, goals, samples = [], [], {}
    with tempfile.TemporaryDirectory() as folder:
        redis = Redis()
        with redis.running():
            for name, cache in {"files": {"file": f"{folder}/store"}, "Redis": {"redis": f"redis://127.0.0.1:{redis.port}"}}.items():
                with bench.realm() as (realm, facts):
                    told = {f"TOKENWELL_{key}": facts[key] for key in ("TOKEN_ENDPOINT", "CLIENT_ID", "CLIENT_SECRET")}
                    told |= {"TOKENWELL_TLS_CA_FILE": facts["CA_FILE"], "TOKENWELL_CACHE": json.dumps(cache)}
                    base = {key: value for key, value in facts.items() if key not in ("TOKEN_ENDPOINT", "CLIENT_ID", "CLIENT_SECRET", "CA_FILE")}
                    measured = measure(base | told, redis if name == "Redis" else None)
                    requests = bench.requests(realm)
                samples[name] = {**measured, "requests": requests}
                took, hit = Figure(tuple(measured["took_us"])), Figure(tuple(measured["hit_ns"]))
                slowest = statistics.quantiles(took.samples, n=100)[98]
                rows.append([name, str(took), f"{slowest:,.0f}", str(hit), str(measured["touched"]), str(requests)])
                goals.append(Goal(f"{name}: a hit in the store under 1 ms (median; {PROCESSES} processes at once)", f"{took.median:.0f} us", took.median < LIMIT))
                what = "commands to Redis" if name == "Redis" else "system calls on files and sockets"
                goals.append(Goal(f"{name}: a hit in memory touches no store", f"{measured['touched']} {what} in {HITS:,} hits a process", measured["touched"] == 0))
                expected = SCOPES + 1
                goals.append(Goal(f"{name}: all but the first process find the tokens there", f"{requests} token requests for {expected} tokens", requests == expected))
    return Result(
        title=f"{PROCESSES} processes with a shared store",
        columns=["store", "a hit there, us", "99 of 100 below, us", "a hit in memory, CPU ns", "what the store sees of those", "token requests"],
        rows=rows,
        goals=goals,
        notes=[
            f"In Python. One process fills the store with tokens for {SCOPES} scopes; then {PROCESSES} at once take each of them, first from the store, then {HITS:,}"
            " times from memory. The call for a scope is the one with `scope=`, which costs more than one without. With files, strace counts the system calls of a"
            " process on files and sockets; Redis counts its commands.",
        ],
        samples=samples,
    )
