"""What the programs of this folder share: a client of the parent, which is used before it forks, after, or just then.

$FORK says when (`before_use`, `after_use`, `during_a_flight`), $REPORTS names the folder into which each process writes what it got.
"""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

import tokenwell

REPORTS = Path(os.environ["REPORTS"])
FORK = os.environ["FORK"]
CHILDREN = 2

client = tokenwell.Client.from_env()
flights_at_fork: list[int] = []


def until(condition: Path | str, count: int = 1) -> None:
    end = time.monotonic() + 20
    while len(list(REPORTS.glob(str(condition)))) < count:
        assert time.monotonic() < end, f"{os.getpid()}: no {condition}"
        time.sleep(0.005)


def report(role: str, token: tokenwell.AccessToken, started: float) -> None:
    seconds = time.monotonic() - started
    text = json.dumps(
        {"pid": os.getpid(), "source": token.source, "seconds": seconds, "flights_at_fork": flights_at_fork}
    )
    unfinished = REPORTS / f"unfinished-{os.getpid()}"
    unfinished.write_text(text)
    unfinished.rename(REPORTS / f"{role}-{os.getpid()}")


def child() -> None:
    """A token, and then a wait until every child has one: so no child is asked twice."""
    started = time.monotonic()
    report("child", client.access_token(), started)
    until("child-*", CHILDREN)


def parent() -> None:
    until("parents-turn")
    started = time.monotonic()
    report("parent", client.access_token(), started)


def fly() -> None:
    """A flight is under way before each fork; the server answers the first one late."""
    if not flights_at_fork:
        threading.Thread(target=client.token, daemon=True).start()
        until("flying")
    flights_at_fork.append(client.stats()["in_flight"])


threading.Thread(target=parent, daemon=True).start()
if FORK == "after_use":
    client.token()
if FORK == "during_a_flight":
    os.register_at_fork(before=fly)
