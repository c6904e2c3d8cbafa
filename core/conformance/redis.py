"""The Redis of a case: real servers, driven by lines of JSON, gone when standard input is closed.

`redis.py server`, `redis.py cluster` or `redis.py sentinel` prints the variables of the case first. Then each line is a step
(README.md), answered by {} or {"error": WHY}.
"""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE = 30.0
# How long two nodes may take to greet each other before they try again, seconds, and how often they try.
GREETING = 2.0
GREETINGS = 10
# The first answer on a connection through `far` comes so much later, seconds.
FAR = 0.2


class Server:
    """One redis-server, on ports of its own and on a socket."""

    def __init__(self, folder: Path, **options: object) -> None:
        self.folder = folder
        folder.mkdir()
        self.socket = folder / "socket"
        self.port = free_port()
        self.options = options
        self.start()

    def start(self) -> None:
        options = {"port": self.port, "bind": "127.0.0.1 -::1", "unixsocket": self.socket, "dir": self.folder, **self.options}
        watch = options.pop("sentinel", None)
        lines = [f"{name} {value}" for name, value in options.items()]
        lines += [f"sentinel {line}" for line in watch] if watch else ['save ""']
        configuration = self.folder / "redis.conf"
        configuration.write_text("\n".join([*lines, ""]))
        mode = ["--sentinel"] if watch else []
        arguments = ["redis-server", configuration, *mode]
        self.process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        wait_for(lambda: self.command("PING") == b"PONG", lambda: self.process.poll() is None)

    def id(self) -> str:
        """Its name in the cluster."""
        return self.command("CLUSTER", "MYID").decode()

    def nodes(self) -> str:
        """What it knows of the cluster, a line for each node."""
        return self.command("CLUSTER", "NODES").decode()

    def is_in_order(self) -> bool:
        """It knows a living node for every slot of the cluster."""
        return b"cluster_state:ok" in self.command("CLUSTER", "INFO")

    def knows(self, other: Server) -> bool:
        return any(line.startswith(other.id()) and "handshake" not in line for line in self.nodes().splitlines())

    def join(self, others: list[Server]) -> None:
        """Meets other nodes of a cluster, again where that came to nothing: two that greet each other at once may both give up."""
        for _ in range(GREETINGS):
            strangers = [other for other in others if not (self.knows(other) and other.knows(self))]
            if not strangers:
                return
            for other in strangers:
                self.command("CLUSTER", "MEET", "127.0.0.1", other.port, other.options["cluster-port"])
            with contextlib.suppress(TimeoutError):
                wait_for(lambda: all(self.knows(other) and other.knows(self) for other in strangers), patience=GREETING)
        raise TimeoutError("the nodes do not come to know each other")

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def command(self, *words: object) -> object:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PATIENCE)
            connection.connect(str(self.socket))
            parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
            connection.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
            with connection.makefile("rb") as answer:
                return read(answer)


class Place:
    """The servers of a case, and what can happen to them. The first one is the one that steps are about."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.servers: list[Server] = []
        self.kept: dict[bytes, bytes] = {}
        self.variables = {"redis_closed": f"redis://127.0.0.1:{free_port()}"}

    def add(self, **options: object) -> Server:
        self.servers.append(Server(self.folder / str(len(self.servers)), **options))
        return self.servers[-1]

    def server(self) -> None:
        key, certificate = self.folder / "key.pem", self.folder / "cert.pem"
        make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
        more = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"]
        subprocess.run([*make, *more, "-keyout", key, "-out", certificate], check=True, capture_output=True)
        tls_port = free_port()
        tls = {"tls-port": tls_port, "tls-cert-file": certificate, "tls-key-file": key, "tls-auth-clients": "no"}
        server = self.add(**tls)
        rights = ["-@all", "+getrange", "+set", "+eval", "+get", "+del", "+pttl", "+pexpire"]
        server.command("ACL", "SETUSER", "tokenwell", "on", ">pass:word", "~tokenwell:*", *rights)
        server.command("ACL", "SETUSER", "denied", "on", ">pass:word", "~*", "-@all")
        self.variables |= {
            "redis": f"redis://127.0.0.1:{server.port}/0",
            "redis_by_name": f"valkey://localhost:{server.port}/0",
            "rediss": f"rediss://localhost:{tls_port}",
            "redis_ca_file": str(certificate),
            "redis_socket": f"unix://{server.socket}",
            "redis_user": f"redis://tokenwell:pass%3Aword@127.0.0.1:{server.port}",
            "redis_denied": f"redis://denied:pass%3Aword@127.0.0.1:{server.port}",
            "redis_far": f"redis://127.0.0.1:{far(server.port)}",
        }

    def node(self) -> Server:
        options = {"cluster-enabled": "yes", "cluster-config-file": "nodes", "repl-diskless-sync-delay": 0}
        return self.add(**options, **{"cluster-port": free_port()})

    def cluster(self) -> None:
        for slots in ("0 5000", "5001 11000", "11001 16383"):
            server = self.node()
            server.command("CLUSTER", "ADDSLOTSRANGE", *slots.split())
            server.join(self.servers[:-1])
        for server in self.servers:
            wait_for(server.is_in_order)
        addresses = [f"127.0.0.1:{server.port}" for server in self.servers]
        names = [f"localhost:{server.port}" for server in reversed(self.servers)]
        self.variables |= {
            "redis": f"redis://{','.join(addresses)}",
            "redis_by_name": ",".join([self.variables["redis_closed"], *names]),
        }

    def sentinel(self) -> None:
        master = self.add(**{"repl-diskless-sync-delay": 0})
        replica = self.add(replicaof=f"127.0.0.1 {master.port}")
        wait_for(lambda: b"master_link_status:up" in replica.command("INFO", "replication"))
        watch = [f"monitor main 127.0.0.1 {master.port} 1", "down-after-milliseconds main 200", "failover-timeout main 1000"]
        sentinel = self.add(sentinel=watch)
        wait_for(lambda: sentinel.command("SENTINEL", "REPLICAS", "main") != [])
        closed = self.variables["redis_closed"].removeprefix("redis://")
        self.variables |= {
            "redis": f"redis+sentinel://{closed},127.0.0.1:{sentinel.port}/main",
            "redis_by_name": f"redis+sentinel://localhost:{sentinel.port},{closed}/main",
        }

    def fill(self) -> None:
        """Writes something else until the server has thrown the entries away, as a cache does that is too small."""
        server = self.servers[0]
        for name, value in (("maxmemory-policy", "allkeys-lru"), ("maxmemory-samples", "64"), ("maxmemory", "4mb")):
            server.command("CONFIG", "SET", name, value)
        for number in range(10_000):
            if server.command("KEYS", "tokenwell:*") == []:
                return
            server.command("SET", f"other:{number}", "x" * 10_000)
        raise ValueError("the entries are still there")

    def move(self, how: str) -> None:
        """Gives the slot of the entry, which is the only one, to another node: `begin`, and later `end`."""
        if how == "begin":
            self.source = self.owner()
            self.target = next(server for server in self.servers if server is not self.source)
            keys = self.source.command("KEYS", "*")
            self.slot = self.source.command("CLUSTER", "KEYSLOT", keys[0])
            self.target.command("CLUSTER", "SETSLOT", self.slot, "IMPORTING", self.source.id())
            self.source.command("CLUSTER", "SETSLOT", self.slot, "MIGRATING", self.target.id())
            self.source.command("MIGRATE", "127.0.0.1", self.target.port, "", 0, 5000, "KEYS", *keys)
        else:
            for server in (self.target, self.source, *self.servers):
                server.command("CLUSTER", "SETSLOT", self.slot, "NODE", self.target.id())

    def owner(self) -> Server:
        """The node that has the entry."""
        return next(server for server in self.servers if server.command("KEYS", "*"))

    def take_over(self) -> None:
        """The node that has the entry dies, and its replica takes its place."""
        master = self.owner()
        replica = self.node()
        replica.join(self.servers[:-1])
        replica.command("CLUSTER", "REPLICATE", master.id())
        wait_for(lambda: b"master_link_status:up" in replica.command("INFO", "replication"))
        # It knows the slots of all others: else it would refuse every command once it is a master.
        wait_for(replica.is_in_order)
        self.servers.remove(master)
        master.stop()
        replica.command("CLUSTER", "FAILOVER", "TAKEOVER")
        # The slots, the last word of a line, are its own now.
        place = f"127.0.0.1:{replica.port}@"
        for server in self.servers[:-1]:
            wait_for(lambda: any(place in line and "-" in line.split()[-1] for line in server.nodes().splitlines()))

    def entries(self) -> list[bytes]:
        """The keys of entries, without locks."""
        return sorted(key for key in self.keys() if not key.endswith(b":lock"))

    def keys(self) -> list[bytes]:
        return self.servers[0].command("KEYS", "*")

    def step(self, step: dict[str, object]) -> None:
        """A name and its argument: what happens, or what must be."""
        first = self.servers[0]
        for what, value in step.items():
            match what:
                case "kill":
                    first.stop()
                case "start":
                    first.start()
                case "pause":
                    first.process.send_signal(signal.SIGSTOP)
                case "continue":
                    first.process.send_signal(signal.SIGCONT)
                case "fail_over":
                    first.stop()
                    del self.servers[0]
                    replica, sentinel = self.servers
                    port = str(replica.port).encode()
                    wait_for(lambda: sentinel.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main")[1] == port)
                case "fill":
                    self.fill()
                case "move":
                    self.move(value)
                case "take_over":
                    self.take_over()
                case "command":
                    first.command(*value)
                case "change":
                    for key in self.entries():
                        entry = first.command("GET", key)
                        first.command("SET", key, entry[:-1] + bytes([entry[-1] ^ 1]))
                case "wrong_type":
                    for key in self.entries():
                        first.command("DEL", key)
                        first.command("RPUSH", key, "something else")
                case "swap":
                    one, other = self.entries()
                    entries = [first.command("GET", key) for key in (one, other)]
                    first.command("SET", one, entries[1])
                    first.command("SET", other, entries[0])
                case "lock":
                    for key in self.entries():
                        first.command("SET", key + b":lock", "another process")
                case "keep":
                    self.kept = {key: first.command("GET", key) for key in self.entries()}
                case "put_back":
                    for key, entry in self.kept.items():
                        first.command("SET", key, entry)
                case "connections":
                    # What asks is one of them; one that was closed may still be counted.
                    wait_for(lambda: len(first.command("CLIENT", "LIST", "TYPE", "normal").splitlines()) == value + 1)
                case "keys":
                    must(len(self.keys()) == value, f"{len(self.keys())} keys")
                case "all_expire":
                    must(all(first.command("PTTL", key) > 0 for key in self.keys()), "a key has no end to its life")
                case "hides":
                    shown = b" ".join(key + first.command("GET", key) for key in self.keys())
                    must(not any(text.encode() in shown for text in value), "a key or an entry shows what it must not")
                case _:
                    raise ValueError(f"the step {what} is not known")

    def close(self) -> None:
        for server in self.servers:
            server.stop()


def must(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)


def wait_for(holds: Callable[[], bool], goes_on: Callable[[], bool] = lambda: True, patience: float = PATIENCE) -> None:
    until = time.monotonic() + patience
    while time.monotonic() < until and goes_on():
        try:
            if holds():
                return
        except OSError:
            pass
        time.sleep(0.005)
    raise TimeoutError("Redis was not ready in time")


def read(answer: object) -> object:
    line = answer.readline()
    kind, rest = line[:1], line[1:].strip()
    match kind:
        case b"+":
            return rest
        case b":":
            return int(rest)
        case b"$":
            return None if rest == b"-1" else answer.read(int(rest) + 2)[:-2]
        case b"*":
            return [read(answer) for _ in range(int(rest))]
        case b"-":
            raise ValueError(rest.decode())
    raise ConnectionError("Redis closed the connection")


def far(port: int) -> int:
    """A port that leads to this one, to which a new connection takes its time."""
    listener = socket.create_server(("127.0.0.1", 0))

    def copy(source: socket.socket, target: socket.socket, delay: float) -> None:
        with contextlib.suppress(OSError), target:
            while data := source.recv(65536):
                time.sleep(delay)
                delay = 0
                target.sendall(data)

    def accept() -> None:
        while True:
            client, _ = listener.accept()
            server = socket.create_connection(("127.0.0.1", port))
            threading.Thread(target=copy, args=(client, server, 0), daemon=True).start()
            threading.Thread(target=copy, args=(server, client, FAR), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def free_port() -> int:
    """Below the ports that the kernel gives to connections, so that none takes it before the server does."""
    while True:
        port = random.randrange(15_000, 32_000)
        with socket.socket() as one, contextlib.suppress(OSError):
            one.bind(("127.0.0.1", port))
            return port


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="tokenwell-redis-"))
    place = Place(folder)
    try:
        {"server": place.server, "cluster": place.cluster, "sentinel": place.sentinel}[sys.argv[1]]()
        print(json.dumps(place.variables), flush=True)
        for line in sys.stdin:
            try:
                place.step(json.loads(line))
                print("{}", flush=True)
            except (OSError, ValueError) as error:
                print(json.dumps({"error": f"{type(error).__name__}: {error}"}), flush=True)
    finally:
        place.close()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    # Ctrl-C is for the runner, which then closes standard input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    main()
