"""Twelve processes, of Python, Node and PHP, start cold at the same time and share a store: the server counts one token request.

First with files, as processes of one machine; then with Redis, as processes of two machines: network namespaces with a cable between
them and a way to the authorization server. Where namespaces may not be made, they are processes of one machine again. At last Redis is
killed: each process asks for itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Coroutine, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import processes
from processes import ROOT
from relay import relay

# Two of each language on each of the two machines.
PROGRAMS = {
    "Python": [str(ROOT / ".venv/bin/python"), "examples/python/demo.py"],
    "Node": ["node", "examples/node/demo.mjs"],
    "PHP": ["php", "examples/php/demo.php"],
}
EACH = 2
MACHINES = 2
PROCESSES = len(PROGRAMS) * EACH * MACHINES
# The server takes so long for an answer, seconds: all have asked by then.
DELAY = 1


@dataclass
class Task:
    """What a machine is to do."""

    environment: dict[str, str]
    issuer: tuple[int, str] | None = None  # the server's port, and the Unix socket that leads to it; none: it is reached as it is
    address: str = "127.0.0.1"
    peer: int | None = None  # a process on the other machine, to which a cable is laid
    redis: int = 0  # the port of the Redis that this machine runs; 0: it runs none
    killed: bool = False  # it is killed before anybody uses it


def machine() -> int:
    """One of the machines: says when it is ready, runs its programs when told to, prints the source of each one's token."""
    task = Task(**json.loads(sys.stdin.readline()))
    if task.issuer:
        connect(task)
        in_background(relay(task.issuer[1], task.issuer[0]))
    with redis(task.address, task.redis) if task.redis else contextlib.nullcontext() as server:
        if server and task.killed:
            server.kill()
            server.wait()
        print("ready", flush=True)
        sys.stdin.readline()
        started = [
            (name, subprocess.Popen(command, cwd=ROOT, env=task.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True))
            for name, command in PROGRAMS.items()
            for _ in range(EACH)
        ]
        rows = [(name, json.loads(program.communicate(timeout=60)[0].splitlines()[0])) for name, program in started]
        print(json.dumps([{"language": name, "source": row["source"], "token": row["token"]} for name, row in rows]), flush=True)
        # Until all machines are through: the other one's programs need this one's Redis, and the cable to it.
        sys.stdin.read()
    return 0


def ip(*words: str, patient: bool = False) -> None:
    """Configures this machine's network. `patient`: the other end of the cable may not be there yet."""
    end = time.monotonic() + 10
    while subprocess.run(["ip", *words], capture_output=patient).returncode:
        if not patient or time.monotonic() > end:
            raise SystemExit(f"ip {' '.join(words)} failed")
        time.sleep(0.02)


def connect(task: Task) -> None:
    """A cable between the two machines, laid by the one that knows the other."""
    here = "west" if task.peer is None else "east"
    ip("link", "set", "lo", "up")
    if task.peer is not None:
        ip("link", "add", "east", "type", "veth", "peer", "name", "west", "netns", str(task.peer))
    ip("address", "add", f"{task.address}/24", "dev", here, patient=True)
    ip("link", "set", here, "up")


def in_background(begin: Coroutine[Any, Any, None]) -> None:
    """Begins it on a loop that runs until the end of this process."""
    loop = asyncio.new_event_loop()
    loop.run_until_complete(begin)
    threading.Thread(target=loop.run_forever, daemon=True).start()


@contextlib.contextmanager
def redis(address: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A Redis of our own."""
    quiet = ("--bind", address, "--protected-mode", "no", "--save", "", "--logfile", "/dev/null")
    process = subprocess.Popen(["redis-server", "--port", str(port), *quiet])
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection((address, port), 1):
                break
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait()


def has_namespaces() -> bool:
    """Whether this user may make network namespaces, and cables between them."""
    if not (shutil.which("unshare") and shutil.which("ip")):
        return False
    cable = ["unshare", "--net", "ip", "link", "add", "east", "type", "veth", "peer", "name", "west"]
    return subprocess.run(cable, capture_output=True).returncode == 0


def run(tasks: list[Task], apart: bool) -> list[dict[str, str]]:
    """Gives each machine its task, and the sign to begin when all are ready."""
    command = [*(("unshare", "--net") if apart else ()), sys.executable, __file__, "--machine"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    machines: list[subprocess.Popen[str]] = [subprocess.Popen(command, **pipes) for _ in tasks]
    if apart:
        tasks[0].peer = machines[1].pid
        time.sleep(0.5)  # `unshare` has become the program by then
    for one, task in zip(machines, tasks):
        print(json.dumps(asdict(task)), file=one.stdin, flush=True)
    if not all(one.stdout and one.stdout.readline() for one in machines):
        raise SystemExit("a machine of the fleet did not start")
    for one in machines:
        print("go", file=one.stdin, flush=True)
    rows = [row for one in machines if one.stdout for row in json.loads(one.stdout.readline())]
    for one in machines:
        one.communicate(timeout=120)
    return rows


class Issuer:
    """The development authorization server, as the fleet is told about it."""

    def __init__(self, started: dict[str, Any]) -> None:
        self._started = started
        self.port = urllib.parse.urlsplit(started["token_endpoint"]).port or 0

    def environment(self, cache: dict[str, str]) -> dict[str, str]:
        return processes.clean_environment(
            TOKENWELL_TOKEN_ENDPOINT=self._started["token_endpoint"],
            TOKENWELL_CLIENT_ID=self._started["client_id"],
            TOKENWELL_CLIENT_SECRET=self._started["client_secret"],
            TOKENWELL_CACHE=json.dumps(cache),
        )

    def be_slow(self) -> None:
        body = json.dumps([{"delay": DELAY, "times": PROCESSES}]).encode()
        request = urllib.request.Request(f"{self._started['control']}/realms/root/script", body, method="POST")
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10).close()

    def requests(self) -> int:
        return int(processes.request_log(self._started)["total"])


def show(title: str, rows: list[dict[str, str]], requests: int) -> None:
    print(f"\n{title}")
    for language in PROGRAMS:
        sources = Counter(row["source"] for row in rows if row["language"] == language)
        print(f"  {language:8}" + ", ".join(f"{count} from {source}" for source, count in sorted(sources.items())))
    tokens = len({row["token"] for row in rows})
    print(f"  {len(rows)} processes, {tokens} token{'s' * (tokens != 1)}, {requests} token request{'s' * (requests != 1)}", flush=True)


def fleet(issuer: Issuer, title: str, tasks: list[Task], apart: bool = False) -> int:
    """Runs it, shows it, and gives the number of token requests."""
    issuer.be_slow()
    before = issuer.requests()
    rows = run(tasks, apart)
    requests = issuer.requests() - before
    show(title, rows, requests)
    return requests


def with_redis(issuer: Issuer, socket_path: str | None, *, killed: bool) -> int:
    """The fleet on two machines, the first of which runs Redis. `socket_path`: the way out of a machine to the issuer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    addresses = ("10.7.0.1", "10.7.0.2") if socket_path else ("127.0.0.1", "127.0.0.1")
    environment = issuer.environment({"redis": f"redis://{addresses[0]}:{port}"})
    way = (issuer.port, socket_path) if socket_path else None
    first, second = (Task(environment, issuer=way, address=address) for address in addresses)
    first.redis, first.killed = port, killed
    where = "two machines (network namespaces)" if socket_path else "one machine (namespaces may not be made here)"
    title = f"Redis{', which is killed before,' if killed else ''} on {where}"
    return fleet(issuer, title, [first, second], apart=socket_path is not None)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, processes.development_server() as started:
        issuer = Issuer(started)
        files = fleet(issuer, "files, on one machine", [Task(issuer.environment({"file": f"{folder}/store"})) for _ in range(MACHINES)])
        way = f"{folder}/issuer.sock" if has_namespaces() else None
        if way:
            in_background(relay(issuer.port, way))
        shared = with_redis(issuer, way, killed=False)
        alone = with_redis(issuer, way, killed=True)
    return 0 if (files, shared) == (1, 1) and alone <= PROCESSES else 1


if __name__ == "__main__":
    sys.exit(machine() if sys.argv[1:] == ["--machine"] else main())
