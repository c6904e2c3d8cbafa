"""A development authorization server for tests, and doors to the library's clock and faults.

    with tokenwell.testing.AuthorizationServer() as server:
        client = tokenwell.Client(**server.options)

In pytest: `pytest_plugins = ["tokenwell.testing"]` gives the fixture `authorization_server`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ._native import testing_door

__all__ = ["AuthorizationServer", "Realm", "advance_clock", "jump_wall_clock", "panic_in_next_flight"]


def advance_clock(seconds: float) -> None:
    """Moves the library's clock of this process, so that tokens age without waiting."""
    testing_door("advance_clock", seconds)


def jump_wall_clock(seconds: float) -> None:
    """Moves the wall clock alone, as the library sees it: as when somebody sets the clock."""
    testing_door("jump_wall_clock", seconds)


def panic_in_next_flight() -> None:
    """Lets the next fetch panic inside the core."""
    testing_door("panic_in_next_flight", 0)


class Realm:
    """One authorization server: its own client, log, script and clock. `variables` holds all that is known of it."""

    issuer: str
    token_endpoint: str
    introspection_endpoint: str
    https_issuer: str
    https_token_endpoint: str
    ca_file: str
    client_id: str
    client_secret: str
    variables: dict[str, Any]

    def __init__(self, control: str, name: str, variables: dict[str, Any]) -> None:
        self._control, self._name = control, name
        self.variables = variables
        self.__dict__.update(variables)

    @property
    def options(self) -> dict[str, Any]:
        """What a Client needs to use it."""
        return {name: self.variables[name] for name in ("token_endpoint", "client_id", "client_secret")}

    def log(self) -> dict[str, Any]:
        """What has arrived: `requests`, `issued` (tokens), `in_flight` and `canary` (counts)."""
        log: dict[str, Any] = self._ask("GET", "/requests")
        return log

    def requests(self) -> list[dict[str, Any]]:
        """The token requests so far, oldest first: method, path, headers, form and so on."""
        requests: list[dict[str, Any]] = self.log()["requests"]
        return requests

    def script(self, answers: list[dict[str, Any]]) -> None:
        """Answers for the next token requests, one each; afterwards the realm behaves again."""
        self._ask("POST", "/script", answers)

    def advance(self, seconds: float) -> None:
        """Moves the server's clock and the library's in this process."""
        self._ask("POST", "/clock", {"advance": seconds})
        advance_clock(seconds)

    def delete(self) -> None:
        """Ends the realm; its endpoints answer no more."""
        self._ask("DELETE", "")

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        return _call(self._control, method, f"/realms/{self._name}{path}", body)


class AuthorizationServer(Realm):
    """Runs the development server on a loopback port while the context lasts.

    It is the program that $TOKENWELL_DEV_SERVER names, else `tokenwell-dev-server` on PATH, else `python -m tokenwell serve`.
    """

    def __init__(self) -> None:
        pass

    def __enter__(self) -> AuthorizationServer:
        self._process = _start()
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the development server ended at once, with status {self._process.wait()}")
        variables = json.loads(line)
        super().__init__(variables["control"], "root", variables)
        return self

    def __exit__(self, *exception: object) -> None:
        # The server serves until its standard input ends.
        with self._process as process:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()

    def realm(self, **server: Any) -> Realm:
        """One more authorization server in the same process, e.g. `realm(expires_in=60, auth_methods=["none"])`."""
        made = _call(self._control, "POST", "/realms", server)
        return Realm(self._control, made["realm"], made["vars"])


def _start() -> subprocess.Popen[str]:
    program = os.environ.get("TOKENWELL_DEV_SERVER") or shutil.which("tokenwell-dev-server")
    if program and not os.path.exists(program):
        raise RuntimeError(f"TOKENWELL_DEV_SERVER names {program}, which does not exist: correct it, or unset it")
    command = [program] if program else [sys.executable, "-m", "tokenwell", "serve"]
    pipe = subprocess.PIPE
    return subprocess.Popen([*command, "--port", "0"], stdin=pipe, stdout=pipe, text=True)


def _call(control: str, method: str, path: str, body: Any) -> Any:
    """One call of the control interface, past any proxy."""
    address = urlsplit(control)
    connection = HTTPConnection(address.hostname or "127.0.0.1", address.port, timeout=30)
    try:
        content = None if body is None else json.dumps(body)
        connection.request(method, address.path + path, content, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = response.read()
        if response.status >= 300:
            raise RuntimeError(f"{method} {path}: {response.status} {answer[:200]!r}")
        return json.loads(answer)
    finally:
        connection.close()


if not TYPE_CHECKING and "pytest" in sys.modules:
    import pytest

    @pytest.fixture
    def authorization_server() -> Iterator[AuthorizationServer]:
        """A running AuthorizationServer."""
        with AuthorizationServer() as server:
            yield server
