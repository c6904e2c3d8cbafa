"""Every way in, at real authorization servers, in every language: see core/conformance/matrix/README.md."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import processes
from processes import ROOT

MATRIX = ROOT / "core/conformance/matrix"
LANGUAGES: dict[str, tuple[str | Path, ...]] = {
    "rust": (processes.target_folder("debug") / "examples/probe",),
    "python": (ROOT / ".venv/bin/python", MATRIX / "probe.py"),
    "node": ("node", ROOT / "bindings-node/test/probe.mjs"),
    "c": (ROOT / "build/c/probe",),
    "php": ("php", MATRIX / "probe.php"),
}
SERVERS: dict[str, tuple[str | Path, ...]] = {
    "oidc-provider": ("node", ROOT / "core/conformance/oidc-provider/server.mjs"),
    "authlib": (ROOT / ".venv/bin/python", ROOT / "core/conformance/authlib/server.py"),
}


class Wrong(Exception):
    """What a cell of the table says instead of `ok`."""


class Probe:
    """The program of one language."""

    def __init__(self, command: tuple[str | Path, ...]) -> None:
        self._process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=processes.clean_environment(), text=True
        )

    def ask(self, **order: Any) -> Any:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline() or '{"error": "the probe ended"}')
        if "error" in answer:
            raise Wrong(answer["error"], answer.get("message"))
        return answer.get("result")

    def end(self) -> None:
        self._process.communicate(timeout=10)


def at_resource(url: str, row: dict[str, Any], authorization: str, proof: str | None) -> tuple[int, dict[str, Any]]:
    """What the server's resource says of the token, asked with urllib alone."""
    context = ssl.create_default_context(cafile=row["options"]["tls_ca_file"])
    if certificate := row["expect"].get("certificate"):
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as pem:
            pem.write(certificate["cert"] + certificate["key"])
            pem.flush()
            context.load_cert_chain(pem.name)
    request = urllib.request.Request(url, headers={"Authorization": authorization} | ({"DPoP": proof} if proof else {}))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(request, timeout=10) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Wrong(otherwise)


def check_knowledge(row: dict[str, Any], known: dict[str, Any]) -> None:
    """The server knows the token as what was asked for."""
    wanted, options = row["expect"], row["options"]
    expect(known["client_id"] == wanted["client_id"], f"client_id: {known['client_id']}")
    expect(known.get("scope") == options["scope"], f"scope: {known.get('scope')}")
    expect(known.get("aud") in (wanted.get("audience"), [wanted.get("audience")]), f"aud: {known.get('aud')}")
    if "authorization_details" in wanted:
        expect(known.get("authorization_details") == wanted["authorization_details"], "authorization_details")
    binding = {"jkt"} if wanted.get("dpop") else {"x5t#S256"} if wanted.get("certificate") else set()
    expect(set(known.get("cnf") or {}) == binding, f"cnf: {known.get('cnf')}")


def play(matrix: dict[str, Any], row: dict[str, Any], probe: Probe) -> None:
    """One cell; raises Wrong."""
    wanted = row["expect"]
    probe.ask(new=row["options"])
    authorization = probe.ask(call="authorization")
    scheme, token = authorization.split(" ")
    expect(scheme == ("DPoP" if wanted.get("dpop") else "Bearer"), f"scheme {scheme}")

    def resource() -> tuple[int, dict[str, Any]]:
        proof = probe.ask(call="dpop_proof", method="GET", url=matrix["resource"], token=token) if wanted.get("dpop") else None
        return at_resource(matrix["resource"], row, authorization, proof)

    status, known = resource()
    expect(status == 200, f"resource: {status} {known}")
    check_knowledge(row, known)
    if wanted.get("jwt"):  # it is its own proof: the server keeps nothing that it could look up or revoke
        return
    introspection = probe.ask(call="introspect")
    expect(introspection["active"] is True and introspection["client_id"] == wanted["client_id"], f"introspection: {introspection}")
    probe.ask(call="revoke")
    expect(resource()[0] == 401, "the resource took a revoked token")


def cell(matrix: dict[str, Any], row: dict[str, Any], probe: Probe) -> str:
    wanted = row["expect"].get("error")
    try:
        play(matrix, row, probe)
    except Wrong as wrong:
        if wanted:
            return "ok" if wrong.args[0] == wanted else f"{wrong.args[0]}, not {wanted}"
        return " ".join(str(part) for part in wrong.args)
    return "ok" if not wanted else f"a token, not {wanted}"


def run(matrix: dict[str, Any], probes: dict[str, Probe]) -> tuple[int, int]:
    rows = matrix["rows"]
    width = max(len(row["name"]) for row in rows) + 2
    print(f"\n{matrix['server']:{width}}" + "".join(f"{language:8}" for language in probes))
    passed, notes = 0, []
    for row in rows:
        cells = {language: cell(matrix, row, probe) for language, probe in probes.items()}
        print(f"{row['name']:{width}}" + "".join(f"{'ok' if text == 'ok' else 'FAILED':8}" for text in cells.values()), flush=True)
        passed += sum(text == "ok" for text in cells.values())
        notes += [f"FAILED {row['name']}, {language}: {text}" for language, text in cells.items() if text != "ok"]
    print("\n".join(notes))
    return passed, len(rows) * len(probes) - passed


def main() -> int:
    languages = os.environ.get("LANGUAGES", " ".join(LANGUAGES)).split()
    chosen = sys.argv[1:] or list(SERVERS)
    passed = failed = 0
    with ExitStack() as ends:
        probes = {language: Probe(LANGUAGES[language]) for language in languages}
        for probe in probes.values():
            ends.callback(probe.end)
        for name in chosen:
            description = ends.enter_context(processes.server(name, *SERVERS[name]))
            counts = run(description["matrix"], probes)
            passed, failed = passed + counts[0], failed + counts[1]
    print(f"\n{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
