"""What several test files need."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tokenwell
from tokenwell.testing import Realm


HANG: list[dict[str, Any]] = [{"fault": "hang"}]


def client_of(realm: Realm, **options: Any) -> tokenwell.Client:
    return tokenwell.Client(**{**realm.options, **options})


def until(condition: Callable[[], Any], seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "not within the time"
        time.sleep(0.002)


class Redis:
    """The Redis of a case: real servers, driven by core/conformance/redis.py."""

    def __init__(self, kind: str) -> None:
        script = Path(__file__).parents[2] / "core/conformance/redis.py"
        pipe = subprocess.PIPE
        self.script = subprocess.Popen([sys.executable, str(script), kind], stdin=pipe, stdout=pipe, text=True, bufsize=1)
        self.variables = self.answer()

    def answer(self) -> dict[str, str]:
        assert self.script.stdout
        answer: dict[str, str] = json.loads(self.script.stdout.readline())
        return answer

    def step(self, step: dict[str, Any]) -> None:
        assert self.script.stdin
        self.script.stdin.write(json.dumps(step) + "\n")
        assert self.answer() == {}

    def close(self) -> None:
        self.script.communicate()


# --- processes


def environment_of(realm: Realm | None) -> dict[str, str]:
    """This process's environment, and the realm's options for `Client.from_env`."""
    options = realm.options if realm else {}
    return {**os.environ, **{f"TOKENWELL_{name.upper()}": value for name, value in options.items()}}


def start(program: str, realm: Realm | None = None, *flags: str) -> subprocess.Popen[str]:
    command = [sys.executable, *flags, "-c", textwrap.dedent(program)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment_of(realm), stdout=pipe, stderr=pipe, text=True)


def run(program: str, realm: Realm | None = None, *flags: str) -> tuple[str, str]:
    process = start(program, realm, *flags)
    output, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    return output.strip(), errors


def interrupt(process: subprocess.Popen[str], realm: Realm) -> tuple[float, str, str]:
    """Ctrl-C once the request has arrived; seconds until the end, output, errors."""
    while not realm.log()["in_flight"]:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    time.sleep(0.1)
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=8)
    return time.monotonic() - sent, output.strip(), errors
