"""F26: real servers that fork: before the client is used, after, and during a flight. Child and parent both get tokens within a second."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import celery  # type: ignore[import-untyped]
import pytest

from support import environment_of, run, until
from tokenwell.testing import Realm

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

PROGRAMS = Path(__file__).parent / "served"
CHILDREN = 2
WHEN = ["before_use", "after_use", "during_a_flight"]
# Where the children's tokens come from, and the requests in all.
EXPECTED = {
    "before_use": ("network", CHILDREN + 1),
    "after_use": ("memory", 1),
    "during_a_flight": ("network", CHILDREN + 1),
}
CRASHED = ("panicked", "Fatal Python error", "Segmentation", "Traceback", "SIGSEGV", "SIGABRT")


class Server:
    """A program of `served`, and what its processes report."""

    def __init__(self, folder: Path, realm: Realm, when: str, module: str, *arguments: str) -> None:
        self.folder, self.realm, self.when = folder, realm, when
        self.log = folder / "log"
        self.is_stopped = True
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, *(["-m"] if not module.endswith(".py") else []), module, *arguments],
                env={**environment_of(realm), "REPORTS": str(folder), "FORK": when, "PYTHONPATH": str(PROGRAMS)},
                cwd=PROGRAMS,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def reports(self, role: str, count: int) -> list[dict[str, Any]]:
        """Waits until so many processes of this role have reported."""
        found: list[Path] = []

        def enough() -> bool:
            found[:] = self.folder.glob(f"{role}-*")
            assert self.process.poll() is None or len(found) >= count, self.log.read_text()
            return len(found) >= count

        try:
            until(enough, 20)
        except AssertionError as error:
            raise AssertionError(f"{len(found)} of {count} {role}: {self.log.read_text()}") from error
        return [json.loads(path.read_text()) for path in found]

    def check(self, ask: Callable[[], Any]) -> None:
        """Asks one child after the other, each kept busy until all have answered; then the parent."""
        for number in range(CHILDREN):
            ask()
            children = self.reports("child", number + 1)
        if self.when == "during_a_flight":
            assert [child["flights_at_fork"][-1] for child in children] == [1] * CHILDREN
        until(lambda: not self.realm.log()["in_flight"])
        (self.folder / "parents-turn").touch()
        [parent] = self.reports("parent", 1)
        assert len({parent["pid"], *(child["pid"] for child in children)}) == CHILDREN + 1
        source, requests = EXPECTED[self.when]
        assert [child["source"] for child in children] == [source] * CHILDREN
        assert len(self.realm.requests()) == requests
        seconds = [report["seconds"] for report in [parent, *children]]
        assert max(seconds) < 1, f"{seconds} s"

    def stop(self) -> None:
        """Ends as it should: on SIGTERM, soon, and without a crash."""
        assert self.process.stdin
        assert self.process.poll() is None, self.log.read_text()
        self.process.stdin.close()
        self.process.terminate()
        code = self.process.wait(10)
        output = self.log.read_text()
        assert code in (0, -signal.SIGTERM), output
        assert not [word for word in CRASHED if word in output], output


@pytest.fixture
def start(tmp_path: Path, realm: Realm) -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(when: str, module: str, *arguments: str) -> Server:
        if when == "during_a_flight":
            realm.script([{"issue": {}, "delay": 2}])
            threading.Thread(target=tell_of_flight, daemon=True).start()
        servers.append(Server(tmp_path, realm, when, module, *arguments))
        return servers[-1]

    def tell_of_flight() -> None:
        """The late answer is the parent's, whose request the server has before a child sends its own."""
        until(lambda: realm.log()["in_flight"], 20)
        (tmp_path / "flying").touch()

    yield start
    for server in servers:
        try:
            if server.is_stopped:
                server.stop()
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.process.pid, signal.SIGKILL)
            server.process.wait()


class Unix(HTTPConnection):
    """HTTP to a socket that is a file; the server may still be starting."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=20)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)

        def connected() -> bool:
            with contextlib.suppress(OSError):
                self.sock.connect(str(self.path))
                return True
            return False

        until(connected, 20)


def asker(path: Path) -> Callable[[], None]:
    """Sends a request, whose answer comes when all children have been asked."""
    open_connections: list[Unix] = []

    def ask() -> None:
        open_connections.append(Unix(path))
        open_connections[-1].request("GET", "/")

    return ask


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("worker, application", [("sync", "wsgi"), ("asgi", "asgi")])
def test_f26_gunicorn_preload(
    worker: str, application: str, when: str, start: Callable[..., Server], tmp_path: Path
) -> None:
    path = tmp_path / "socket"
    options = ["--preload", "--workers", str(CHILDREN), "--bind", f"unix:{path}", "--no-control-socket"]
    server = start(when, "gunicorn", *options, "--worker-class", worker, f"{application}:application")
    server.check(asker(path))


@pytest.mark.parametrize("when", WHEN)
def test_f26_celery_prefork(when: str, start: Callable[..., Server], tmp_path: Path) -> None:
    options = ["--pool", "prefork", "--concurrency", str(CHILDREN), "--without-gossip", "--without-mingle"]
    server = start(when, "celery", "--app", "tasks", "worker", *options)
    server.is_stopped = when == "after_use"  # Celery's own way to its end takes 5 seconds
    inbox, outbox = tmp_path / "broker", tmp_path / "outbox"
    outbox.mkdir()
    folders = dict.fromkeys(("data_folder_in", "data_folder_out", "control_folder"), str(outbox))
    sender = celery.Celery(broker="filesystem://", broker_transport_options=folders)

    def ask() -> None:
        """The worker may see a message before it is written, so it is moved to where the worker looks."""
        sender.send_task("tasks.child")
        [message] = outbox.glob("*.msg")
        message.rename(inbox / message.name)

    until(inbox.exists, 20)
    server.check(ask)


def test_f26_uvicorn_workers(start: Callable[..., Server], tmp_path: Path, realm: Realm) -> None:
    """They are spawned, not forked: each makes a client and fetches for itself."""
    path = tmp_path / "socket"
    server = start("before_use", "uvicorn", "--workers", str(CHILDREN), "--uds", str(path), "asgi:application")
    ask = asker(path)
    for number in range(CHILDREN):
        ask()
        reports = server.reports("child", number + 1)
    assert {report["source"] for report in reports} == {"network"}
    assert max(report["seconds"] for report in reports) < 1
    assert len(realm.requests()) == CHILDREN


@pytest.mark.parametrize("when", WHEN)
def test_f26_multiprocessing_fork(when: str, start: Callable[..., Server]) -> None:
    start(when, "children.py", "fork").check(lambda: None)


@pytest.mark.parametrize("when", WHEN)
def test_f26_multiprocessing_forkserver(when: str, start: Callable[..., Server]) -> None:
    """The parent is the fork server, which has loaded the module that makes the client."""
    start(when, "children.py", "forkserver").check(lambda: None)


def test_f26_a_hundred_forks_during_flights(realm: Realm) -> None:
    """Four threads keep flights under way, so that forks meet them at every point; each child, and the parent, goes on."""
    program = """
        import os, signal, sys, threading, time, tokenwell
        client = tokenwell.Client.from_env()
        ended = False
        flown = [0] * 4

        def fly(number):
            while not ended:
                client.token(scope=f"{number}-{flown[number]}")
                flown[number] += 1

        threads = [threading.Thread(target=fly, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        slowest = 0
        for number in range(100):
            while not client.stats()["in_flight"]:
                time.sleep(0)
            started = time.monotonic()
            child = os.fork()
            if child == 0:
                os._exit(client.access_token(scope=f"child-{number}").source != "network")
            while True:
                ended_child, status = os.waitpid(child, os.WNOHANG)
                if ended_child:
                    break
                if time.monotonic() - started > 5:
                    os.kill(child, signal.SIGKILL)
                    sys.exit(f"child {number} hangs")
                time.sleep(0.001)
            assert status == 0, (number, status)
            slowest = max(slowest, time.monotonic() - started)
        ended = True
        for thread in threads:
            thread.join(5)
        assert not any(thread.is_alive() for thread in threads)
        assert all(flown), flown
        print(f"{slowest:.3f}")
    """
    output, _ = run(program, realm)
    assert float(output) < 1, f"a child took {output} s"
