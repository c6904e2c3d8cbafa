"""Runs the guide's program of each language as a user would: with a credential, with a wrong one, and with none."""

from __future__ import annotations

import subprocess
import sys

import processes
from processes import ROOT, target_folder

PROGRAMS = {
    "python": [str(ROOT / ".venv/bin/python"), "examples/python/get_access_token.py"],
    "node": ["node", "examples/node/get_access_token.mjs"],
    "php": ["php", "examples/php/get_access_token.php"],
    "c": [str(ROOT / "build/c/get_access_token")],
    "rust": [str(target_folder("debug") / "get_access_token")],
}


def run(command: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    environment = processes.clean_environment(**variables)
    return subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)


def gets_a_token(command: list[str], credential: dict[str, str], server: dict[str, str]) -> str:
    done = run(command, **credential)
    if done.returncode or done.stdout.strip() not in processes.request_log(server)["issued"]:
        return f"exit code {done.returncode}, and no issued token alone on standard output: {done.stdout!r} {done.stderr!r}"
    return ""


def fails_with(command: list[str], credential: dict[str, str], *expected: str) -> str:
    done = run(command, **credential)
    secret = credential.get("TOKENWELL_CLIENT_SECRET", "no secret")
    if done.returncode == 0 or done.stdout.strip():
        return f"exit code {done.returncode}, output {done.stdout!r}"
    if missing := [text for text in expected if text not in done.stderr]:
        return f"standard error does not name {missing}: {done.stderr!r}"
    if secret in done.stderr:
        return "the secret is in standard error"
    return ""


def main() -> int:
    passed = failed = 0
    with processes.development_server() as server:
        credential = {
            "TOKENWELL_TOKEN_ENDPOINT": server["https_token_endpoint"],
            "TOKENWELL_CLIENT_ID": server["client_id"],
            "TOKENWELL_CLIENT_SECRET": server["client_secret"],
            "SSL_CERT_FILE": server["ca_file"],
        }
        for language, command in PROGRAMS.items():
            without_id = {name: value for name, value in credential.items() if name != "TOKENWELL_CLIENT_ID"}
            outcomes = {
                "gets a token": gets_a_token(command, credential, server),
                "a wrong secret": fails_with(command, credential | {"TOKENWELL_CLIENT_SECRET": "wrong-secret"}, "ServerError"),
                "no client_id": fails_with(command, without_id, "ConfigError", "client_id"),
            }
            for name, problem in outcomes.items():
                print(f"{'FAILED' if problem else 'ok':8}{language}: {name}{': ' if problem else ''}{problem}", flush=True)
                passed, failed = passed + (not problem), failed + bool(problem)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
