"""What `make audit` checks of the supply chain; nothing is fetched.

- deny.toml: licences, bans and sources of the crates that are linked into what is handed out
- LICENSE-THIRD-PARTY: names what is linked in, with its licences
- lock files: whole, and as the manifests say
- what is handed out asks for no other package at run time
- known advisories, where their database is within reach: ADVISORY_DB is the path or URL of a clone of RustSec's advisory-db
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import licences
from processes import ROOT

DATABASE = "https://github.com/RustSec/advisory-db"  # the name by which cargo-deny knows it
NPM = ("bindings-node", "core/conformance/oidc-provider", "examples/postman", "examples/benchmarks")
Check = Callable[[], "str | None"]  # what is wrong


def command(*arguments: str, **environment: str) -> str | None:
    done = subprocess.run(arguments, cwd=ROOT, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode == 0:
        duplicates = [line for line in done.stdout.splitlines() if line.startswith("warning")]
        print("\n".join(f"        {line}" for line in duplicates), end="\n" if duplicates else "")
        return None
    return done.stdout.strip()


def deny(*checks: str, offline: bool = True, **environment: str) -> str | None:
    offline_flag = ("--offline",) if offline else ()
    return command(str(ROOT / "build/tools/bin/cargo-deny"), "--locked", *offline_flag, "check", "--hide-inclusion-graph", *checks, **environment)


def advisories() -> str | None:
    """git is told that the database is where ADVISORY_DB says; cargo-deny keeps a copy below build."""
    source = os.environ["ADVISORY_DB"]
    source = str(Path(source).resolve()) if Path(source).exists() else source
    return deny(
        "advisories", offline=False, GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0=f"url.{source}.insteadOf", GIT_CONFIG_VALUE_0=DATABASE
    )


def cargo_lock(manifest: str) -> str | None:
    return command("cargo", "metadata", "--locked", "--offline", "--format-version", "1", "--quiet", "--manifest-path", manifest)


def npm_lock(folder: str) -> str | None:
    manifest = json.loads((ROOT / folder / "package.json").read_text())
    packages = json.loads((ROOT / folder / "package-lock.json").read_text())["packages"]
    root = packages.pop("")
    if any(root.get(kind, {}) != manifest.get(kind, {}) for kind in ("dependencies", "devDependencies")):
        return f"{folder}/package-lock.json is not of its package.json"
    unsealed = [name for name, package in packages.items() if not package.get("link") and "integrity" not in package]
    return f"{folder}/package-lock.json has no hash for {', '.join(unsealed)}" if unsealed else None


def python_lock() -> str | None:
    lines = (ROOT / "bindings-python/requirements-dev.txt").read_text().splitlines()
    loose = [line for line in lines if line and not line.startswith("#") and "==" not in line]
    return f"requirements-dev.txt leaves a version open: {', '.join(loose)}" if loose else None


def nothing_else() -> str | None:
    """A peer or an extra is asked for by whoever uses what it is for."""
    npm = json.loads((ROOT / "bindings-node/package.json").read_text())
    peers = [name for name in npm.get("peerDependencies", {}) if not npm["peerDependenciesMeta"].get(name, {}).get("optional")]
    asked = [*npm.get("dependencies", {}), *npm.get("optionalDependencies", {}), *peers]
    composer = json.loads((ROOT / "bindings-c/php/composer.json").read_text())
    asked += [name for name in composer["require"] if name != "php" and not name.startswith("ext-")]
    project = (ROOT / "bindings-python/pyproject.toml").read_text().split("[project]")[1].split("\n[")[0]
    asked += [line for line in project.splitlines() if line.startswith("dependencies")]
    return f"at run time this is asked for: {', '.join(asked)}" if asked else None


CHECKS: dict[str, Check] = {
    "licences, bans and sources of the crates": lambda: deny("licenses", "bans", "sources"),
    licences.PAGE.name: licences.drift,
    "Cargo.lock": lambda: cargo_lock("Cargo.toml"),
    "fuzz/Cargo.lock": lambda: cargo_lock("fuzz/Cargo.toml"),
    **{f"{folder}/package-lock.json": lambda folder=folder: npm_lock(folder) for folder in NPM},
    "Python's versions for tests": python_lock,
    "wheel, npm package and Composer package ask for no other package": nothing_else,
}


def main() -> int:
    checks = dict(CHECKS)
    if "ADVISORY_DB" in os.environ:
        checks[f"advisories of {os.environ['ADVISORY_DB']}"] = advisories
    failed = 0
    for name, check in checks.items():
        wrong = check()
        failed += wrong is not None
        print(f"{'FAILED' if wrong else 'ok':8}{name}{f': {wrong}' if wrong else ''}", flush=True)
    if skipped := "ADVISORY_DB" not in os.environ:
        print(f"not checked: advisories. Their database is a repository, not a package: ADVISORY_DB=PATH make audit, with a clone of {DATABASE}")
    print(f"{len(checks) - failed} passed, {failed} failed, {int(skipped)} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
