"""Runs every suite, also after a failure, and prints a table and one closing line.

Each suite runs in a clean environment and writes to build/logs; a suite that leaves a process behind, or runs no test, has failed.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import processes
from processes import LOGS, ROOT
from suites import LIFECYCLE, SUITES, Suite

TIME_LIMIT = 1500.0  # seconds, for one suite
_PATTERNS: dict[str, list[str]] = {
    # where a tool prints its counts: passed, failed, skipped
    "cargo": [r"^test result: \w+\. (?P<passed>\d+) passed; (?P<failed>\d+) failed; (?P<skipped>\d+) ignored"],
    "node": [r"^(?:#|ℹ) pass (?P<passed>\d+)", r"^(?:#|ℹ) fail (?P<failed>\d+)", r"^(?:#|ℹ) (?:skipped|todo) (?P<skipped>\d+)"],
    "plain": [r"^(?:\S+: )?(?P<passed>\d+) passed, (?P<failed>\d+) failed(?:, (?P<skipped>\d+) skipped)?$"],
}
# A line that names a failed test, in the output of any of the tools.
_FAILED_TEST = re.compile(r"^test .* FAILED|^(FAILED|ERROR)\b|^\s*(not ok|✖)|^\d+\) |^error(\[E\d+\])?:")
# The heading under which a test in Rust says why it failed.
_REASON = re.compile(r"^---- .+ ----$")


@dataclass
class Result:
    name: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    remarks: list[str] = field(default_factory=list)


def _sum(kind: str, text: str) -> dict[str, int]:
    totals = {"passed": 0, "failed": 0, "skipped": 0}
    for pattern in _PATTERNS[kind]:
        for match in re.finditer(pattern, text, re.MULTILINE):
            for name, value in match.groupdict().items():
                totals[name] += int(value or 0)
    return totals


def _pytest(text: str) -> dict[str, int]:
    lines = re.findall(r"^=* ?((?:\d+ \w+,? ?)+) in [\d.]+s.*$", text, re.MULTILINE)
    found = {word.rstrip("s"): int(number) for number, word in re.findall(r"(\d+) (\w+)", lines[-1] if lines else "")}
    return {
        "passed": found.get("passed", 0) + found.get("xfailed", 0),
        "failed": found.get("failed", 0) + found.get("error", 0) + found.get("xpassed", 0),
        "skipped": found.get("skipped", 0),
    }


def _phpunit(text: str) -> dict[str, int]:
    if clean := re.search(r"^OK \((\d+) tests?,", text, re.MULTILINE):
        return {"passed": int(clean[1]), "failed": 0, "skipped": 0}
    line = re.findall(r"^Tests: .*$", text, re.MULTILINE)
    found = {word: int(number) for word, number in re.findall(r"(\w+): (\d+)", line[-1] if line else "")}
    failed = found.get("Failures", 0) + found.get("Errors", 0) + found.get("Risky", 0)
    skipped = found.get("Skipped", 0) + found.get("Incomplete", 0)
    return {"passed": found.get("Tests", 0) - failed - skipped, "failed": failed, "skipped": skipped}


def _counts(kind: str, text: str, code: int) -> dict[str, int]:
    if kind in ("check", "build"):
        return {"passed": int(code == 0 and kind == "check"), "failed": int(code != 0), "skipped": 0}
    if kind in ("pytest", "phpunit"):
        return (_pytest if kind == "pytest" else _phpunit)(text)
    return _sum(kind, text)


def _run(suite: Suite, environment: dict[str, str], log: Path) -> tuple[int, list[str]]:
    """The exit code of the suite's first failing command, and what was wrong apart from that."""
    code, remarks = 0, []
    known = processes.children()
    with open(log, "wb") as output:
        for command in suite.commands:
            output.write(f"$ {' '.join(command)}\n".encode())
            output.flush()
            try:
                process = subprocess.Popen(
                    command, cwd=ROOT / suite.folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                return 127, [str(error)]
            try:
                code = process.wait(TIME_LIMIT)
            except subprocess.TimeoutExpired:
                remarks.append(f"still running after {TIME_LIMIT:.0f} s")
                code = 124
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
            if code:
                break
    for line in processes.end_orphans(known):
        remarks.append(f"left a process behind: {line[:120]}")
    return code, remarks


def run_suite(suite: Suite, environment: dict[str, str]) -> Result:
    log = LOGS / f"{suite.name}.log"
    started = time.monotonic()
    # A build needs the machine's certificates and proxies to reach the registries; a test must not depend on them.
    code, remarks = _run(suite, dict(os.environ) if suite.kind == "build" else environment, log)
    text = re.sub(r"\x1b\[[0-9;]*m", "", log.read_text(errors="replace"))
    result = Result(suite.name, **_counts(suite.kind, text, code), seconds=time.monotonic() - started, remarks=remarks)
    if code:
        result.remarks.append(f"exit code {code}")
    elif suite.kind != "build" and not result.passed + result.skipped:
        result.remarks.append("ran no test")
    if result.remarks and not result.failed:
        result.failed = 1
    return result


def show(suite: Suite) -> None:
    """What the suite printed, without its commands."""
    lines = (LOGS / f"{suite.name}.log").read_text(errors="replace").splitlines()
    print("\n".join(f"    {line}" for line in lines if line and not line.startswith("$ ")), flush=True)


def report(result: Result) -> None:
    state = "FAILED" if result.failed else "ok"
    print(f"{state:8}{result.name:18}{result.passed:5} passed {result.failed:4} failed {result.skipped:4} skipped {result.seconds:8.1f} s", flush=True)
    if result.failed:
        log = LOGS / f"{result.name}.log"
        lines = log.read_text(errors="replace").splitlines()
        named = [line for line in lines[:-40] if _FAILED_TEST.search(line)]
        reasons = [line for at, heading in enumerate(lines) if _REASON.search(heading) for line in lines[at : at + 6]]
        shown = [*named[:60], *reasons[:60], *lines[-40:], *(f"! {remark}" for remark in result.remarks), f"(all of it: {log.relative_to(ROOT)})"]
        print("\n".join(f"    {line[:240]}" for line in shown), flush=True)


def chosen_suites(names: list[str]) -> list[Suite]:
    """All suites, or the named ones with what they need."""
    known = {suite.name: suite for suite in (*SUITES, *LIFECYCLE)}
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(f"no suite is named {', '.join(unknown)}; there are: {', '.join(known)}")
    wanted = set(names or (suite.name for suite in SUITES))
    for name in list(wanted):
        wanted |= set(known[name].needs)
    return [suite for suite in known.values() if suite.name in wanted]


def run_all(suites: list[Suite]) -> list[Result]:
    results: dict[str, Result] = {}
    with ExitStack() as servers:
        environment = processes.clean_environment(
            CARGO_NET_OFFLINE="true",
            TOKENWELL_DEV_SERVER=str(processes.target_folder("debug") / "tokenwell-dev-server"),
        )
        if any(suite.kind not in ("build", "check") for suite in suites):
            description = LOGS / f"oidc-provider-{os.getpid()}.json"  # suites can run side by side
            servers.enter_context(processes.server("oidc-provider", "node", ROOT / "core/conformance/oidc-provider/server.mjs", description))
            servers.callback(description.unlink)
            environment["TOKENWELL_OIDC"] = str(description)
        for suite in suites:
            if broken := [name for name in suite.needs if name in results and results[name].failed]:
                results[suite.name] = Result(suite.name, failed=1, remarks=[f"not run: {', '.join(broken)} failed"])
                (LOGS / f"{suite.name}.log").write_text("")
            else:
                results[suite.name] = run_suite(suite, environment)
            report(results[suite.name])
            if suite.shown and not results[suite.name].failed:
                show(suite)
    return list(results.values())


def side_by_side(names: list[str]) -> int:
    """Suites that wait more than they work, two at a time, once what they need is built. Each runs below a process of its own, which
    sees what it leaves behind."""
    builds = [suite for suite in chosen_suites(names) if suite.kind == "build"]
    if any(result.failed for result in run_all(builds)):
        return 1
    started = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        codes = list(pool.map(lambda name: subprocess.run([sys.executable, __file__, name]).returncode, names))
    print(f"\n{time.monotonic() - started:.0f} s, builds apart")
    return max(codes)


def main() -> int:
    LOGS.mkdir(parents=True, exist_ok=True)
    processes.adopt_orphans()
    # `make test ONLY=...` must not choose among the parts of a suite that is a make of its own.
    for name in ("MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS", "ONLY"):
        os.environ.pop(name, None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # through every `finally`, which end what was started
    # A run in the background may come with Ctrl-C ignored, which the suites that send it would inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.argv[1:] == ["lifecycle"]:
        return side_by_side([suite.name for suite in LIFECYCLE])
    results = run_all(chosen_suites(sys.argv[1:]))
    print(f"\n{'suite':18}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>10}")
    for result in results:
        print(f"{result.name:18}{result.passed:8}{result.failed:8}{result.skipped:9}{result.seconds:10.1f}")
    passed, failed, skipped = (sum(getattr(result, name) for result in results) for name in ("passed", "failed", "skipped"))
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
