"""Starting, describing and ending the programs that the demo and the tests need."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "logs"

# What a machine may have set for its own traffic, and what a user may have set for Tokenwell: neither may change a result.
_OF_THE_MACHINE = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")


def clean_environment(**more: str) -> dict[str, str]:
    """The environment without certificates, proxies and options that come from outside, and with `more`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in _OF_THE_MACHINE and not name.lower().endswith("_proxy") and not name.startswith("TOKENWELL_")
    }
    return kept | more


def _host() -> str:
    version = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
    return version.split("host: ")[1].split()[0]


os.environ["CARGO_BUILD_TARGET"] = os.environ.get("CARGO_BUILD_TARGET") or _host()


def target_folder(profile: str) -> Path:
    """Where cargo puts the programs of a profile: `debug` or `release`."""
    return ROOT / "target" / os.environ["CARGO_BUILD_TARGET"] / profile


@contextlib.contextmanager
def server(name: str, *command: str | Path, environment: dict[str, str] | None = None) -> Iterator[dict[str, Any]]:
    """Runs a server that prints one line of JSON and ends with its standard input; gives that JSON, and its `pid`."""
    LOGS.mkdir(parents=True, exist_ok=True)
    with open(LOGS / f"{name}.log", "wb") as log:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment or clean_environment(),
            start_new_session=True,
        )
        assert process.stdin and process.stdout
        try:
            line = process.stdout.readline()
            if not line:
                raise SystemExit(f"{name} did not start; see {log.name}\n{Path(log.name).read_text(errors='replace')[-2000:]}")
            yield json.loads(line) | {"pid": process.pid}
        finally:
            process.stdin.close()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            process.stdout.close()


@contextlib.contextmanager
def development_server() -> Iterator[dict[str, Any]]:
    """The development authorization server, as its own line describes it."""
    with server("dev-server", target_folder("debug") / "tokenwell-dev-server", "--port", "0") as description:
        yield description


def request_log(description: dict[str, Any]) -> dict[str, Any]:
    """What the development server has seen and issued so far."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(f"{description['control']}/realms/root/requests", timeout=10) as answer:
        log: dict[str, Any] = json.load(answer)
        return log


def adopt_orphans() -> None:
    """Makes this process the parent of whatever its children leave behind (Linux only; elsewhere nothing happens)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def children() -> dict[int, str]:
    """Living child processes of this one, and their command lines."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError, ValueError):
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            if int(parent) == os.getpid():
                if state == "Z":
                    os.waitpid(int(entry.name), os.WNOHANG)
                else:
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return found


def end_orphans(known: Iterable[int], grace: float = 3.0) -> list[str]:
    """Ends the children that are not `known`, after a grace period; returns their command lines."""
    deadline = time.monotonic() + grace
    while left := {pid: line for pid, line in children().items() if pid not in known}:
        if time.monotonic() > deadline:
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return list(left.values())
        time.sleep(0.05)
    return []
