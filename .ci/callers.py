"""Programs of all languages, each of which stands for 200 callers that ask ten times a second (examples/*/outage.*).

Each has an authorization server of its own: a realm of the development server, whose answers are scripted, behind a door that
can be shut.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import processes
from door import Door
from processes import ROOT, target_folder

CALLERS = 200
DOWN = {"status": 503}
# Nobody listens, whatever the other answers are.
REFUSING = {"door": "shut"}
SLOW = {"fault": "slow_body"}
HANGING = {"fault": "hang"}
RESETTING = {"fault": "reset"}


def programs() -> dict[str, list[list[str]]]:
    """Each language's processes. PHP has no threads: four processes, each a loop that stands for a quarter of the callers."""
    return {
        "Python": [[str(ROOT / ".venv/bin/python"), "examples/python/outage.py"]],
        "Node": [["node", "examples/node/outage.mjs"]],
        "PHP": [["php", "examples/php/outage.php"]] * 4,
        "C": [[str(ROOT / "build/c/outage")]],
        "Rust": [[str(target_folder("release") / "outage")]],
    }


@dataclass(frozen=True)
class Counts:
    served: int = 0
    failed: int = 0
    early: int = 0  # of those that failed: while a token was valid

    def __sub__(self, other: Counts) -> Counts:
        return Counts(self.served - other.served, self.failed - other.failed, self.early - other.early)


class Language:
    """The callers of one language, and their authorization server."""

    def __init__(self, name: str, control: str, commands: list[list[str]], options: dict[str, str]) -> None:
        self.name, self._control = name, control
        made = self._ask("POST", "", {})
        self._realm = f"/{made['realm']}"
        endpoint = urllib.parse.urlsplit(made["vars"]["token_endpoint"])
        self._door = Door(endpoint.port or 80)
        server = {f"TOKENWELL_{name.upper()}": made["vars"][name] for name in ("client_id", "client_secret")}
        server["TOKENWELL_TOKEN_ENDPOINT"] = endpoint._replace(netloc=f"127.0.0.1:{self._door.port}").geturl()
        environment = processes.clean_environment(**server, **options, CALLERS=str(CALLERS // len(commands)))
        pipe = subprocess.PIPE
        self.processes = [subprocess.Popen(command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True) for command in commands]

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._control}/realms{path}", content, {"Content-Type": "application/json"}, method=method)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            return json.load(answer)

    def answer(self, *answers: dict[str, Any]) -> None:
        """How the server answers from now on, each of these in turn; none: as a server should."""
        self._ask("POST", f"{self._realm}/script", [answer | {"times": -1} for answer in answers if answer != REFUSING])
        (self._door.shut if REFUSING in answers else self._door.open)()

    def requests(self) -> int:
        """Token requests that have reached the server."""
        total: int = self._ask("GET", f"{self._realm}/requests")["total"]
        return total

    def memory(self) -> int:
        """Resident memory of the processes, in KiB (Linux)."""
        lines = [line for process in self.processes for line in Path(f"/proc/{process.pid}/status").read_text().splitlines()]
        return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))

    def heap(self, folder: Path) -> int:
        """What of their heap is in use, in KiB, as heap.c writes it to this folder."""
        return sum(int((folder / str(process.pid)).read_text()) for process in self.processes)


def tick(languages: list[Language], seconds: float) -> dict[str, Counts]:
    """The counts so far; then every program's clock is moved by so many seconds."""
    for language in languages:
        for process in language.processes:
            assert process.stdin
            process.stdin.write(f"{seconds}\n")
            process.stdin.flush()
    counts = {}
    for language in languages:
        answers = [json.loads(process.stdout.readline() or "{}") for process in language.processes if process.stdout]
        if not all(answers):
            raise SystemExit(f"{language.name}: the program has ended")
        counts[language.name] = Counts(*(sum(answer[name] for answer in answers) for name in ("served", "failed", "early")))
    return counts


@contextlib.contextmanager
def started(options: dict[str, str]) -> Iterator[list[Language]]:
    """All languages, each with its first tokens; they end with the block."""
    languages: list[Language] = []
    with processes.development_server() as server:
        try:
            for name, commands in programs().items():
                languages.append(Language(name, server["control"], commands, options))
            while not all(counts.served for counts in tick(languages, 0).values()):
                time.sleep(0.1)
            yield languages
        finally:
            for process in (process for language in languages for process in language.processes):
                assert process.stdin
                with contextlib.suppress(OSError):
                    process.stdin.close()
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()
