"""B6: how large is what a user installs."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

from contestants import ROOT
from harness import Bench, Goal, Result

MB = 1e6


def wheel() -> int:
    return next(ROOT.glob("build/wheel/*.whl")).stat().st_size


def npm_package() -> int:
    """As `make dist` packs it; the licences, which it puts in, are 15 KB more."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", str(ROOT / "bindings-node"), "--ignore-scripts", "--json", "--pack-destination", folder]
        packed = json.loads(subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder).stdout)
        size: int = packed[0]["size"]
        return size


def library() -> int:
    return (ROOT / "build/c/libtokenwell.so").resolve().stat().st_size


def archive() -> int:
    return (ROOT / "build/c/libtokenwell.a").stat().st_size


def unpacked(path: Path) -> int:
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def peers() -> list[list[str]]:
    """What npm and pip put on the disk for the peers, all of a language together: their dependencies are shared."""
    here = ROOT / "examples/benchmarks"
    folders = {"the five peers in Node.js, installed": here / "node_modules"}
    packages = next(here.glob(".venv/lib/python3*/site-packages"), None)
    rows = []
    for name, folder in folders.items():
        if folder.is_dir():
            rows.append([name, f"{unpacked(folder) / MB:.1f} MB", ""])
    if packages:
        total = sum(unpacked(one) for one in packages.iterdir() if one.is_dir() and not one.name.startswith(("pip", "setuptools", "tokenwell")))
        rows.append(["the peers in Python, installed", f"{total / MB:.1f} MB", ""])
    return rows


def run(bench: Bench) -> Result:
    sizes = {"wheel for Python": (wheel, 2.5), "shared library, libtokenwell.so": (library, 3.0), "npm package": (npm_package, 2.5)}
    rows, goals, samples = [], [], {}
    for name, (measure, limit) in sizes.items():
        size = samples[name] = measure()
        rows.append([name, f"{size / MB:.2f} MB", f"{limit} MB"])
        goals.append(Goal(f"{name}: under {limit} MB", f"{size / MB:.2f} MB", size < limit * MB))
    rows.append(["archive, libtokenwell.a", f"{archive() / MB:.1f} MB", ""])
    return Result(
        title="Size",
        columns=["what", "size", "to be under"],
        rows=[*rows, *peers()],
        goals=goals,
        notes=["Wheel and npm package are compressed; MB is a million bytes. Of the archive a program takes what it uses."],
        samples=samples,
    )
