"""The command line of the wheel: `python -m tokenwell`, and the development server in it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import tokenwell
from tokenwell.testing import AuthorizationServer, Realm

COMMAND = [sys.executable, "-m", "tokenwell"]


def variables(realm: Realm) -> dict[str, str]:
    return {**os.environ, **{f"TOKENWELL_{name.upper()}": value for name, value in realm.options.items()}}


def run(realm: Realm, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], env=variables(realm), capture_output=True, text=True, timeout=30)


def test_a_token_alone_on_standard_output(realm: Realm) -> None:
    done = run(realm, "token")
    assert (done.returncode, done.stderr, [done.stdout.strip()]) == (0, "", realm.log()["issued"])
    assert done.stdout.count("\n") == 1


def test_exit_code_and_error_of_the_tree(realm: Realm) -> None:
    done = run(realm, "token", "--client-id", "nobody", "--json")
    assert (done.returncode, done.stdout) == (5, "")
    error = json.loads(done.stderr)["error"]
    assert (error["kind"], error["code"]) == ("ServerError", "invalid_client")


def test_the_console_script_is_declared() -> None:
    scripts = {entry.name: entry.value for entry in entry_points(group="console_scripts")}
    assert scripts["tokenwell"] == "tokenwell.__main__:main"


def test_ctrl_c_ends_a_command_at_once(realm: Realm) -> None:
    realm.script([{"fault": "hang"}])
    process = subprocess.Popen([*COMMAND, "token"], env=variables(realm), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while not realm.log()["in_flight"]:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=8) == (b"", b"")
    assert process.returncode == -signal.SIGINT
    assert time.monotonic() - sent < 1


def test_ctrl_c_ends_the_development_server_and_takes_its_files_away(realm: Realm) -> None:
    process = subprocess.Popen([*COMMAND, "serve", "--no-stdin"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    ca_file = Path(json.loads(process.stdout.readline())["ca_file"])
    assert ca_file.exists()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=8)
    assert process.returncode == 0
    assert not ca_file.exists()


def test_without_a_program_the_package_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOKENWELL_DEV_SERVER", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    with AuthorizationServer() as server:
        assert tokenwell.Client(**server.options).token() in server.log()["issued"]
