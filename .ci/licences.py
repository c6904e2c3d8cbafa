"""LICENSE-THIRD-PARTY: the licences of the crates that are linked into what is handed out, on any system. `--write` makes it anew.

Of a crate that offers a choice with Apache-2.0 in it, that is taken, so that one text serves most. Macros and what builds alone are
linked into nothing.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from processes import ROOT

PAGE = ROOT / "LICENSE-THIRD-PARTY"
HANDED_OUT = ("tokenwell-c", "tokenwell-node", "tokenwell-python")
SYSTEMS = ("x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "x86_64-pc-windows-msvc", "aarch64-apple-darwin")
TEXTS = re.compile(r"licen[sc]e|notice", re.IGNORECASE)
HEAD = "What Tokenwell links in, under which licence. Made from Cargo.lock by .ci/licences.py.\n"
RULE = "\n" + "-" * 78 + "\n\n"
# Where a crate has no text in it: the same for all under this licence but for the line above it.
MIT = (ROOT / "LICENSE-MIT").read_text().split("\n\n", 2)[-1]


def linked(system: str) -> dict[str, dict]:
    """The crates, by the name that cargo gives each."""
    command = ("cargo", "metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", system)
    graph = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    packages = {package["id"]: package for package in graph["packages"]}
    nodes = {node["id"]: node for node in graph["resolve"]["nodes"]}
    found: dict[str, dict] = {}
    ahead = [identity for identity, package in packages.items() if package["name"] in HANDED_OUT]
    while ahead:
        identity = ahead.pop()
        package = packages[identity]
        if identity in found or any("proc-macro" in target["kind"] for target in package["targets"]):
            continue
        found[identity] = package
        ahead += [one["pkg"] for one in nodes[identity]["deps"] if any(kind["kind"] is None for kind in one["dep_kinds"])]
    return {identity: package for identity, package in found.items() if package["source"]}


def terms(package: dict) -> tuple[str, str]:
    """The licence that is taken, and its text."""
    choice = re.split(r" OR |/", package["license"])
    if "Apache-2.0" in choice:
        return "Apache-2.0", (ROOT / "LICENSE-APACHE").read_text()
    files = sorted(file for file in Path(package["manifest_path"]).parent.iterdir() if file.is_file() and TEXTS.match(file.name))
    if not files and package["license"] == "MIT":
        return "MIT", f"Copyright (c) {', '.join(package['authors']) or 'the authors of ' + package['name']}\n\n{MIT}"
    if not files:
        raise ValueError(f"{package['name']} has no text of its licence, {package['license']}, in it")
    return package["license"], "\n\n".join(file.read_text().strip() for file in files)


def page() -> str:
    crates = {identity: package for system in SYSTEMS for identity, package in linked(system).items()}
    groups: dict[tuple[str, str], list[str]] = {}
    for package in sorted(crates.values(), key=lambda package: (package["name"], package["version"])):
        licence, text = terms(package)
        groups.setdefault((licence, text.strip()), []).append(f"{package['name']} {package['version']}")
    parts = [f"{licence}\n\n{chr(10).join(names)}\n\n{text}\n" for (licence, text), names in sorted(groups.items())]
    return RULE.join((HEAD, *parts))


def drift() -> str | None:
    if PAGE.exists() and PAGE.read_text() == page():
        return None
    return f"{PAGE.name} is not of Cargo.lock: python3 .ci/licences.py --write"


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(page())
    elif wrong := drift():
        sys.exit(wrong)
