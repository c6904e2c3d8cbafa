"""What the measures share: the server, running a contestant, taking turns, figures and tables."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import statistics
import subprocess
import tempfile
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from contestants import BUILT, ROOT, Contestant, contestants, processes

TIME_LIMIT = 120.0  # seconds, for one run of a program
# What a machine trusts, which a program reads and parses at its start or with each connection.
ROOTS = Path("/etc/ssl/certs/ca-certificates.crt")
# An endpoint that MSAL does not start without.
REALM = {"metadata_script": [{"issue": {"authorization_endpoint": "${https_issuer}/authorize"}, "times": -1}]}


class Cannot(Exception):
    """Why a contestant has no figure: it cannot do this (exit code 3), or it failed."""


@dataclass(frozen=True)
class Run:
    """One run of a program: its last line, and what the kernel says."""

    line: str
    wall_ms: float
    cpu_ms: float  # user and system
    peak_kb: int  # resident memory

    @property
    def answer(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.line)
        return answer


@dataclass(frozen=True)
class Figure:
    """What was measured in each round."""

    samples: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def low(self) -> float:
        return min(self.samples)

    @property
    def high(self) -> float:
        return max(self.samples)

    def __str__(self) -> str:
        """The median, and between which values all rounds lie."""
        return f"{short(self.median)} ({short(self.low)} to {short(self.high)})"


def short(number: float) -> str:
    """Three digits that count, with commas between thousands."""
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.3g}" if number >= 1 else f"{number:.2g}"


@dataclass
class Goal:
    """A sentence, the figure that decides it, and whether it holds."""

    text: str
    figure: str
    held: bool


@dataclass
class Result:
    """A row of the plan, measured."""

    title: str
    columns: list[str]
    rows: list[list[str]]
    goals: list[Goal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    chart: str | None = None  # an SVG
    samples: dict[str, Any] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """As results.json keeps it; the chart is a file of its own."""
        plain = asdict(self)
        plain["chart"] = self.chart is not None
        return plain


class Bench:
    """The server that all ask, and the contestants."""

    def __init__(self, server: dict[str, Any], rounds: int, everybody: Sequence[Contestant]) -> None:
        self.server = server
        self.rounds = rounds
        self.everybody = list(everybody)
        self._names: dict[str, str] = {}
        self._trust = BUILT / "trusted.pem"
        self._trust.write_text("".join(file.read_text() for file in (ROOTS, Path(server["ca_file"])) if file.exists()))
        self.realm_facts: dict[str, Any] = self.control("realms", REALM)["vars"]

    def control(self, path: str, body: Any = None) -> Any:
        """Asks the server's control interface (core/conformance/README.md)."""
        request = urllib.request.Request(f"{self.server['control']}/{path}", data=None if body is None else json.dumps(body).encode())
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, timeout=30) as answer:
            return json.load(answer)

    def requests(self, realm: str) -> int:
        """Token requests that have arrived; of other ones, the server still knows those among the last thousand."""
        log = self.control(f"realms/{realm}/requests")
        total: int = log["total"]
        return total - sum(not request["path"].endswith("/token") for request in log["requests"])

    @contextlib.contextmanager
    def realm(self, server: dict[str, Any] = REALM) -> Iterator[tuple[str, dict[str, str]]]:
        """An authorization server of its own: its name, and the environment of who asks it."""
        made = self.control("realms", server)
        try:
            yield made["realm"], self.environment(made["vars"])
        finally:
            remove = urllib.request.Request(f"{self.server['control']}/realms/{made['realm']}", method="DELETE")
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(remove, timeout=30).close()

    def environment(self, about: dict[str, Any] | None = None) -> dict[str, str]:
        """What a contestant is told: the server's public facts, by default those of the realm that all share."""
        about = about or self.realm_facts
        return processes.clean_environment(
            TOKEN_ENDPOINT=about["https_token_endpoint"],
            CLIENT_ID=about["client_id"],
            CLIENT_SECRET=about["client_secret"],
            CA_FILE=str(self._trust),
            SCOPE="read",
            # For those that can be told no other way; the last two for who brings roots and adds to them.
            SSL_CERT_FILE=str(self._trust),
            NODE_EXTRA_CA_CERTS=self.server["ca_file"],
            PRIVATE_CA_FILE=self.server["ca_file"],
            RUST_BACKTRACE="0",
        )

    def run(self, who: Contestant | Sequence[str | Path], *words: object, environment: dict[str, str] | None = None) -> Run:
        """Runs a program to its end. Raises `Cannot` where it does not succeed."""
        command = [str(part) for part in (who.command if isinstance(who, Contestant) else who)] + [str(word) for word in words]
        with tempfile.NamedTemporaryFile("r") as usage:
            ended = self._end(subprocess.Popen(
                [str(BUILT / "launch"), usage.name, *command], env=environment or self.environment(), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
            ))  # fmt: skip
            lines = ended.stdout.strip().splitlines() or [""]
            if ended.returncode == 3:
                raise Cannot(lines[-1])
            if ended.returncode != 0:
                said = ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"]
                why = ([line for line in said if "rror" in line] or said)[-1]
                raise Cannot(f"failed: {why.replace(str(ROOT), '.')[:120]}")
            return Run(lines[-1], **json.load(usage))

    @staticmethod
    def _end(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
        try:
            output, errors = process.communicate(timeout=TIME_LIMIT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise Cannot(f"still running after {TIME_LIMIT:.0f} s") from None
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    @contextlib.contextmanager
    def on_one_processor(self) -> Iterator[None]:
        """The server, and whoever is run meanwhile, share a processor."""
        before = os.sched_getaffinity(0)
        self._move({max(before)})
        try:
            yield
        finally:
            self._move(before)

    def _move(self, processors: set[int]) -> None:
        """This process, whose children follow it, and the server's threads."""
        os.sched_setaffinity(0, processors)
        for thread in Path(f"/proc/{self.server['pid']}/task").iterdir():
            os.sched_setaffinity(int(thread.name), processors)

    def name(self, who: Contestant) -> str:
        """What it calls itself, with its version."""
        if who.id not in self._names:
            try:
                answer = self.run(who, "versions").answer
                self._names[who.id] = f"{answer['name']} {answer['version']}"
            except (Cannot, KeyError, ValueError):
                self._names[who.id] = who.program
        return self._names[who.id]

    def ours(self, program: str) -> Contestant:
        """One of our own programs, by its id."""
        return next(one for one in self.everybody if one.id == program)

    def take_turns(self, measure: Callable[[Contestant], float], who: Sequence[Contestant] | None = None) -> dict[str, Figure | str]:
        """Lets all make one run after the other, as often as there are rounds: what changes on the machine meanwhile meets each of
        them. A figure for each id, or why there is none."""
        samples: dict[str, list[float]] = {}
        reasons: dict[str, str] = {}
        for _ in range(self.rounds):
            for one in who or self.everybody:
                if one.id in reasons:
                    continue
                try:
                    samples.setdefault(one.id, []).append(measure(one))
                except Cannot as why:
                    reasons[one.id] = str(why)
                except (KeyError, ValueError) as why:
                    reasons[one.id] = f"said nothing that can be read: {why}"
        figures: dict[str, Figure | str] = {id: Figure(tuple(values)) for id, values in samples.items() if values}
        return figures | reasons


@contextlib.contextmanager
def bench(rounds: int, profile: str = "plain", everybody: Sequence[Contestant] | None = None) -> Iterator[Bench]:
    """Starts the server, as cargo's `profile` made it."""
    with processes.server("bench-server", processes.target_folder(profile) / "tokenwell-dev-server", "--port", "0") as description:
        yield Bench(description, rounds, contestants() if everybody is None else everybody)
