"""Starts the development authorization server, gets a token twice in each language, and prints where it came from."""

from __future__ import annotations

import json
import subprocess
import sys

import processes
from processes import ROOT, target_folder

LIBRARY = ROOT / "build" / "c"


def programs() -> dict[str, list[str]]:
    """Each language's demonstration program; it prints a line of JSON for each call."""
    return {
        "Python": [str(ROOT / ".venv/bin/python"), "examples/python/demo.py"],
        "Node": ["node", "examples/node/demo.mjs"],
        "PHP": ["php", "examples/php/demo.php"],
        "C": [str(LIBRARY / "demo")],
        "Rust": [str(target_folder("release") / "demo")],
    }


def duration(seconds: float) -> str:
    """In the unit in which a person reads it."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds / 1e-9:.0f} ns"


def run(language: str, command: list[str], environment: dict[str, str]) -> list[str]:
    """The rows of one language, or a reason why there are none."""
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SystemExit(f"{language}: {error}") from None
    if done.returncode:
        raise SystemExit(f"{language}: `{' '.join(command)}` failed\n{done.stdout}{done.stderr}")
    calls = [json.loads(line) for line in done.stdout.splitlines()]
    return [
        f"{language if number == 0 else '':9}{row['call']:34}{row['token'][:6] + '...':13}{duration(row['seconds']):>9}   {row['source']}"
        for number, row in enumerate(calls)
    ]


def main() -> int:
    with processes.development_server() as started:
        environment = processes.clean_environment(
            TOKENWELL_TOKEN_ENDPOINT=started["https_token_endpoint"],
            TOKENWELL_CLIENT_ID=started["client_id"],
            TOKENWELL_CLIENT_SECRET=started["client_secret"],
            TOKENWELL_TLS_CA_FILE=started["ca_file"],
        )
        print(f"\n{'language':9}{'call':34}{'token':13}{'time':>9}   source", flush=True)
        print("-" * 78, flush=True)
        rows = 0
        for language, command in programs().items():
            for row in run(language, command, environment):
                print(row, flush=True)
                rows += 1
        requests = len(processes.request_log(started)["requests"])
    print(f"\n{rows} calls, and the server at {started['https_token_endpoint']} counted {requests} token requests")
    return 0 if requests == len(programs()) else 1


if __name__ == "__main__":
    sys.exit(main())
