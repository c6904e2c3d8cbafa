"""Plays core/conformance/scenarios/*.json against the development server: each case with blocking calls and in asyncio.

The contract is core/conformance/README.md. This runner knows nothing about OAuth.
"""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import re
import signal
import subprocess
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import tokenwell
from tokenwell.testing import AuthorizationServer, Realm, advance_clock, jump_wall_clock, panic_in_next_flight

from support import Redis

SCENARIOS = Path(__file__).parents[2] / "core/conformance/scenarios"
DEFAULT = {name: f"${{{name}}}" for name in ("token_endpoint", "client_id", "client_secret")}


def cases() -> Iterator[Any]:
    wanted = tuple(os.environ.get("SCENARIOS", "").split(" "))
    for file in sorted(file for file in SCENARIOS.glob("*.json") if file.name.startswith(wanted)):
        scenario = json.loads(file.read_text())
        for case in scenario["cases"]:
            reason = case.get("not", {}).get("python")
            marks = [pytest.mark.skip(reason=reason)] if reason else []
            for mode in ("sync", "async"):
                yield pytest.param(case, mode, marks=marks, id=f"{scenario['id']} {case['name']} [{mode}]")


@pytest.mark.parametrize(("case", "mode"), list(cases()))
def test_scenario(
    case: dict[str, Any], mode: str, server: AuthorizationServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    realm = server.realm(**case.get("server", {}))
    play = (Async if mode == "async" else Sync)(case, realm, tmp_path)
    try:
        for name, value in play.fill(case.get("env", {})).items():
            monkeypatch.setenv(name, value)
        play.start()
    finally:
        play.end()
        realm.delete()


class Sync:
    """One case with blocking calls; callers at once are threads."""

    def __init__(self, case: dict[str, Any], realm: Realm, folder: Path) -> None:
        self.case, self.realm, self.folder = case, realm, folder
        self.redis = Redis(case["redis"]) if "redis" in case else None
        self.variables = {**realm.variables, **{f"file:{name}": str(folder / name) for name in case.get("files", {})}}
        self.variables |= self.redis.variables if self.redis else {}
        self.client: Any = None
        self.last: str | None = None
        self.hidden: set[str] = set()
        self.advanced = self.jumped = 0.0

    def start(self) -> None:
        for name, text in self.fill(self.case.get("files", {})).items():
            if text is not None:
                self.write(name, text)
        self.hide(self.realm.client_secret, os.environ.get("TOKENWELL_CLIENT_SECRET"))
        expected = self.fill(self.case.get("expect_new"))
        try:
            self.client = (
                tokenwell.Client.from_env() if self.case.get("from_env") else self.make(self.case.get("options"))
            )
        except tokenwell.TokenwellError as error:
            assert expected, f"the client was not made: {error!r}"
            self.check_error(error, expected)
            assert not self.realm.requests()
        else:
            assert not expected, "the client was made"
            self.play(self.case["steps"])

    def end(self) -> None:
        advance_clock(-self.advanced)
        jump_wall_clock(-self.jumped)
        if self.redis:
            self.redis.close()

    def hide(self, *texts: Any) -> None:
        self.hidden.update(text for text in texts if isinstance(text, str))

    def hide_lines(self, text: Any) -> None:
        self.hide(*(text.splitlines() if isinstance(text, str) else []))

    def write(self, name: str, text: str) -> None:
        self.hide_lines(text)
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_bytes(text.encode())

    def fill(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self.fill(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self.fill(item) for item in value]
        if not isinstance(value, str):
            return value
        if (whole := re.fullmatch(r"\$\{([\w:]+)\}", value)) and whole[1] in self.variables:
            return self.variables[whole[1]]
        return re.sub(r"\$\{([\w:]+)\}", lambda name: str(self.variables.get(name[1], name[0])), value)

    def make(self, options: dict[str, Any] | None) -> tokenwell.Client:
        if options is None or "+" in options:
            more = {**DEFAULT, **(options or {}).get("+", {})}
            options = {name: value for name, value in more.items() if value is not None}
        options = self.fill(options)
        self.hide(*map(options.get, ("client_secret", "client_assertion", "subject_token", "actor_token")))
        self.hide_lines(options.get("tls_client_key"))
        self.hide_lines(options.get("private_key"))
        self.hide_lines(options.get("dpop_key"))
        return tokenwell.Client(**options)

    def play(self, steps: list[dict[str, Any]]) -> None:
        for step in self.fill(steps):
            # The first member that is no detail names the step.
            name = next(name for name in step if name not in ("with", "expect", "within", "times"))
            getattr(self, f"step_{name}")(step[name], step)

    # --- steps

    def step_call(self, method: str, step: dict[str, Any], callers: int = 1) -> None:
        started = time.monotonic()
        outcomes = self.outcomes(callers, method, step.get("with", {}))
        took = time.monotonic() - started
        assert took <= step.get("within", took)
        issued = self.realm.log()["issued"]
        values = [self.check(outcome, step.get("expect", {}), issued) for outcome in outcomes]
        self.last = next((value for value in values if value), self.last)

    def step_concurrent(self, callers: int, step: dict[str, Any]) -> None:
        self.step_call(step["call"], step, callers)

    def step_cancel(self, calls: int, step: dict[str, Any]) -> None:
        """Blocking calls cannot be cancelled: they are left alone."""
        for _ in range(calls):
            threading.Thread(target=self.outcome, args=("token", {}), daemon=True).start()
        while not self.client.stats()["in_flight"]:
            time.sleep(0.001)

    def step_invalidate(self, token: str, _: dict[str, Any]) -> None:
        self.client.invalidate(self.last if token == "last" else token)

    def step_revoke(self, expected: dict[str, Any], _: dict[str, Any]) -> None:
        self.question("revoke", expected)

    def step_introspect(self, expected: dict[str, Any], _: dict[str, Any]) -> None:
        self.question("introspect", expected)

    def question(self, method: str, expected: dict[str, Any]) -> None:
        answer = self.outcomes(1, method, {})[0]
        if "error" in expected:
            assert isinstance(answer, tokenwell.TokenwellError), "no error came"
            self.check_error(answer, expected["error"])
        elif expected:
            assert {name: answer.get(name) for name in expected} == expected, repr(answer)
        else:
            assert answer is None, repr(answer)

    def step_resource(self, request: dict[str, Any], _: dict[str, Any]) -> None:
        method, url = request["method"], request["url"]
        authorization = self.outcomes(1, "authorization", {})[0]
        assert isinstance(authorization, str), repr(authorization)
        headers = {"Authorization": authorization}
        if authorization.startswith("DPoP "):
            headers["DPoP"] = self.client.dpop_proof(method, url, authorization[5:])
        parts = urlsplit(url)
        connection = HTTPConnection(parts.netloc, timeout=5)
        connection.request(method, parts._replace(scheme="", netloc="").geturl(), headers=headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        if nonce := answer.getheader("DPoP-Nonce"):
            self.client.dpop_nonce(url, nonce)
        challenge = answer.getheader("WWW-Authenticate", "")
        assert answer.status == request["status"], challenge
        assert request.get("challenge", "") in challenge

    def step_advance(self, seconds: float, _: dict[str, Any]) -> None:
        self.realm.advance(seconds)
        self.advanced += seconds

    def step_jump(self, seconds: float, _: dict[str, Any]) -> None:
        jump_wall_clock(seconds)
        self.jumped += seconds

    def step_write(self, file: dict[str, Any], _: dict[str, Any]) -> None:
        assert file["name"] in self.case["files"]
        if file["text"] is None:
            (self.folder / file["name"]).unlink()
        else:
            self.write(file["name"], file["text"])

    def step_chmod(self, file: dict[str, str], _: dict[str, Any]) -> None:
        (self.folder / file["name"]).chmod(int(file["mode"], 8))

    def step_run(self, command: list[str], _: dict[str, Any]) -> None:
        subprocess.run(command, check=True)

    def step_arrived(self, requests: int, _: dict[str, Any]) -> None:
        self.until(lambda: self.realm.log()["total"] >= requests)

    def step_settle(self, _: bool, __: dict[str, Any]) -> None:
        self.until(lambda: not self.realm.log()["in_flight"] and not self.client.stats()["in_flight"])

    def until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + 5
        while not condition():
            assert time.monotonic() < end, "not within 5 s"
            time.sleep(0.01)

    def step_new_client(self, options: dict[str, Any], _: dict[str, Any]) -> None:
        self.client = self.make(options or self.case.get("options"))

    def step_warned_client(self, step: dict[str, Any], _: dict[str, Any]) -> None:
        with warnings.catch_warnings(record=True) as given:
            warnings.simplefilter("always")
            self.client = self.make(step["options"])
        texts = [str(warning.message) for warning in given]
        assert len(texts) == (step["warning"] is not None)
        assert (step["warning"] or "") in "".join(texts)

    def step_redis(self, step: dict[str, Any], _: dict[str, Any]) -> None:
        assert self.redis
        self.redis.step(step)

    def step_close(self, _: bool, __: dict[str, Any]) -> None:
        self.client.close()

    def step_panic(self, _: bool, __: dict[str, Any]) -> None:
        panic_in_next_flight()

    def step_script(self, answers: list[dict[str, Any]], _: dict[str, Any]) -> None:
        self.realm.script(answers)

    def step_stats(self, expected: dict[str, int], _: dict[str, Any]) -> None:
        assert {name: self.client.stats()[name] for name in expected} == expected

    def step_fork(self, steps: list[dict[str, Any]], step: dict[str, Any]) -> None:
        for _ in range(step.get("times", 1)):
            self.fork(steps)

    def fork(self, steps: list[dict[str, Any]]) -> None:
        child = os.fork()
        if child == 0:
            self.play_in_child(steps)
        until = time.monotonic() + 10
        while not (ended := os.waitpid(child, os.WNOHANG))[0]:
            if time.monotonic() > until:
                os.kill(child, signal.SIGKILL)
            time.sleep(0.005)
        assert ended[1] == 0, "the child failed, or did not end within 10 s"

    def play_in_child(self, steps: list[dict[str, Any]]) -> None:
        try:
            self.play(steps)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)

    def step_requests(self, expected: dict[str, Any], _: dict[str, Any]) -> None:
        log = self.realm.log()
        requests = log["requests"]
        assert len(requests) == expected.get("count", len(requests))
        assert len(requests) <= expected.get("at_most", len(requests))
        assert log["canary"] == expected.get("canary", log["canary"])
        for place, index in (("first", 0), ("last", -1)):
            for name, part in expected.get(place, {}).items():
                found = requests[index].get(name)
                if name in ("headers", "form"):
                    found = {key: found.get(key) for key in part}
                assert found == part, f"{place} request, {name}"

    # --- calls

    def outcome(self, method: str, options: dict[str, Any]) -> Any:
        try:
            return getattr(self.client, method)(**options)
        except tokenwell.TokenwellError as error:
            return error

    def outcomes(self, callers: int, method: str, options: dict[str, Any]) -> list[Any]:
        if callers == 1:
            return [self.outcome(method, options)]
        found: list[Any] = []
        before = threading.stack_size(256 * 1024)
        threads = [threading.Thread(target=lambda: found.append(self.outcome(method, options))) for _ in range(callers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        threading.stack_size(before)
        assert len(found) == callers
        return found

    # --- expectations

    def check(self, outcome: Any, expected: dict[str, Any], issued: list[str]) -> str | None:
        """Compares; the value of the token, if there is one."""
        if isinstance(outcome, tokenwell.TokenwellError):
            assert "error" in expected, repr(outcome)
            self.check_error(outcome, expected["error"], issued)
            return None
        assert "error" not in expected, f"no error, but {outcome!r}"
        text = outcome if isinstance(outcome, str) else outcome.value
        token = str(text.rpartition(" ")[2])
        if not isinstance(outcome, str):
            self.check_hidden([repr(outcome), str(outcome)], [*issued, token])
        known = {"issued": token in issued, "same": token == self.last, "new": token in issued and token != self.last}
        for name, value in expected.items():
            if name == "token":
                assert known.get(value, token == value), f"the token is not {value}"
            elif name == "length":
                assert len(token) == value
            elif name == "value":
                assert text == value
            elif name == "expires_in":
                assert value - 2 <= outcome.expires_in <= value
            elif name == "extra":
                assert {key: outcome.extra.get(key) for key in value} == value
            else:
                assert getattr(outcome, name) == value, name
        return token

    def check_error(
        self, error: tokenwell.TokenwellError, expected: dict[str, Any], issued: list[str] | None = None
    ) -> None:
        texts = [str(error), repr(error), error.message, error.hint or "", error.error_description or ""]
        texts += [repr(vars(error)), repr(pickle.dumps(error))]
        self.check_hidden(
            [*texts, "".join(traceback.format_exception(type(error), error, error.__traceback__))], issued or []
        )
        for name, value in expected.items():
            if name == "kind":
                assert type(error).__name__ == value
            elif name == "retry_after" and value is not None:
                assert error.retry_after == pytest.approx(value, abs=1)
            elif name.endswith("_contains"):
                text = getattr(error, {"description": "error_description"}.get(name[:-9], name[:-9]))
                assert all(part in text for part in ([value] if isinstance(value, str) else value)), (name, text)
            else:
                assert getattr(error, name) == value, name

    def check_hidden(self, texts: list[str], tokens: list[str]) -> None:
        """No text for people shows a secret or a token."""
        secrets = {secret for secret in self.hidden | set(tokens) if len(secret) > 3}
        secrets.update(self.fill(self.case.get("never_shown", [])))
        for text in [*texts, repr(self.client)]:
            assert not [secret for secret in secrets if secret in text], text


class Async(Sync):
    """One case with asyncio; callers at once are tasks."""

    def __init__(self, case: dict[str, Any], realm: Realm, folder: Path) -> None:
        super().__init__(case, realm, folder)
        self.loop = asyncio.new_event_loop()

    def end(self) -> None:
        super().end()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()

    def play_in_child(self, steps: list[dict[str, Any]]) -> None:
        # The old loop stays: collected, it would close and leave an epoll that is the parent's too, which then never wakes.
        self.inherited, self.loop = self.loop, asyncio.new_event_loop()
        super().play_in_child(steps)

    async def ask(self, method: str, options: dict[str, Any]) -> Any:
        try:
            return await getattr(self.client, f"a{method}")(**options)
        except tokenwell.TokenwellError as error:
            return error

    def outcomes(self, callers: int, method: str, options: dict[str, Any]) -> list[Any]:
        async def together() -> list[Any]:
            return await asyncio.gather(*[self.ask(method, options) for _ in range(callers)])

        return self.loop.run_until_complete(together())

    def step_cancel(self, calls: int, step: dict[str, Any]) -> None:
        async def start_and_cancel() -> None:
            tasks = [asyncio.create_task(self.ask("token", {})) for _ in range(calls)]
            await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            assert all(task.cancelled() for task in (await asyncio.wait(tasks))[0])

        self.loop.run_until_complete(start_and_cancel())
