"""B9: what is left of the secret and the token in a process that has fetched one token and is about to end."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import memory
from contestants import Contestant
from harness import Bench, Cannot, Goal, Result

COLUMNS = ("secret", "secret in base64", "token")
PATIENCE = 60.0  # seconds
IDLE = 3.0  # seconds without work; ours closes a connection after two, and wipes what it held


@contextlib.contextmanager
def full_pipe() -> Iterator[int]:
    """A pipe that takes no more: who writes to it waits."""
    reader, writer = os.pipe()
    try:
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
        os.set_blocking(writer, False)
        with contextlib.suppress(BlockingIOError):
            while os.write(writer, bytes(4096)):
                pass
        os.set_blocking(writer, True)
        yield writer
    finally:
        os.close(reader)
        os.close(writer)


def wait_for_the_end(process: subprocess.Popen[bytes]) -> None:
    """Until the program has not worked for a while: it waits for the pipe."""
    until = time.monotonic() + PATIENCE
    worked, since = "", time.monotonic()
    while time.monotonic() - since < IDLE:
        time.sleep(0.1)
        if process.poll() is not None or time.monotonic() > until:
            raise Cannot(f"it ended with {process.poll()}")
        now = " ".join(Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[11:13])
        if now != worked:
            worked, since = now, time.monotonic()


def look(bench: Bench, who: Contestant, mode: str) -> Counter[str]:
    """Copies in the memory of the program while it writes the last thing that it has to say."""
    with bench.realm() as (realm, environment), full_pipe() as output:
        command = [str(part) for part in who.command] + [mode]
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.DEVNULL)
        try:
            wait_for_the_end(process)
            issued = bench.control(f"realms/{realm}/requests")["issued"]
            if mode == "once" and not issued:
                raise Cannot("it has fetched no token")
            secret = memory.forms(environment["CLIENT_SECRET"])
            needles = {COLUMNS[0]: secret["raw"], COLUMNS[1]: secret["base64"], COLUMNS[2]: memory.forms(issued[0])["raw"] if issued else []}
            found: Counter[str] = Counter()
            for content in memory.regions(process.pid):
                found += Counter({name: memory.copies(content, pieces) for name, pieces in needles.items() if pieces})
            return found
        finally:
            process.kill()
            process.wait()


def measure(bench: Bench, who: Contestant) -> list[int] | str:
    """What is there beyond what the program itself has in its hands before it asks for a token: the variable of the environment."""
    try:
        left = look(bench, who, "once") - look(bench, who, "versions")
    except (Cannot, OSError) as why:
        return str(why)
    return [left[column] for column in COLUMNS]


def goals(found: dict[str, list[int] | str], everybody: list[Contestant]) -> list[Goal]:
    """Ours leaves fewer copies than whichever other of its language leaves the fewest."""
    totals = {who: sum(counts) for who in everybody if isinstance(counts := found[who.id], list)}
    reached = []
    for who, total in totals.items():
        others = [other for other in totals if who.ours and not other.ours and other.language.name == who.language.name]
        if others:
            best = min(others, key=lambda other: totals[other])
            reached.append(Goal(f"{who.id}: fewer copies than {best.id}", f"{total} to {totals[best]}", total < totals[best]))
    return reached


def run(bench: Bench) -> Result:
    found = {who.id: measure(bench, who) for who in bench.everybody}
    rows = []
    for who in bench.everybody:
        counts = found[who.id]
        cells = [str(count) for count in counts] if isinstance(counts, list) else [counts, "", ""]
        rows.append([who.language.name, bench.name(who), *cells])
    return Result(
        title="Copies of the secret and of the token in memory, after one token",
        columns=["language", "contestant", *COLUMNS],
        rows=rows,
        goals=goals(found, bench.everybody),
        notes=[
            "Read from outside while the program is about to write its last line, three seconds after it last worked; a piece of 16 bytes counts, in each"
            " of its regions. What the same program has in memory before it asks for a token (the environment, and its own string of it) is taken off.",
            "Ours hold the secret once, since these programs give it as a string; of a secret that is read from a file or a command they hold none (S32, `make test`).",
        ],
        samples=dict(found),
    )
