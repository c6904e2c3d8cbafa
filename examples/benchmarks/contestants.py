"""The programs below programs/: a contestant is one file there. What a program of a language is called and how it is run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / ".ci"))

import processes  # noqa: E402

PROGRAMS = HERE / "programs"
BUILT = ROOT / "build/benchmarks"
# What programs of one language share.
_SHARED = "contestant"
# What people call the languages.
TITLES = {"python": "Python", "node": "Node.js", "php": "PHP", "c": "C", "go": "Go", "rust": "Rust"}


@dataclass(frozen=True)
class Language:
    name: str
    suffix: str
    command: Callable[[Path], tuple[str | Path, ...]]
    # How many cores its threads can use: under Python's GIL it is one.
    parallel: bool = True


@dataclass(frozen=True)
class Contestant:
    language: Language
    program: str
    command: tuple[str | Path, ...]

    @property
    def id(self) -> str:
        return f"{self.language.name}/{self.program}"

    @property
    def ours(self) -> bool:
        return "tokenwell" in self.program


def languages(python: Path, profile: str) -> tuple[Language, ...]:
    """`python`: an interpreter that has what the programs import; `profile`: that of the programs in Rust."""
    return (
        Language("python", ".py", lambda file: (python, file), parallel=False),
        Language("node", ".mjs", lambda file: ("node", file)),
        Language("php", ".php", lambda file: ("php", file)),
        Language("c", ".c", lambda file: (BUILT / "c" / file.stem,)),
        Language("go", ".go", lambda file: (BUILT / "go" / file.stem,)),
        Language("rust", ".rs", lambda file: (processes.target_folder(profile) / f"bench-{file.stem}",)),
    )


def contestants(python: Path = HERE / ".venv/bin/python", profile: str = "plain") -> list[Contestant]:
    """All there are: of each language ours first, then the others by name."""
    found = [
        Contestant(language, file.stem, language.command(file))
        for language in languages(python, profile)
        for file in (PROGRAMS / language.name).glob(f"*{language.suffix}")
        if file.stem != _SHARED
    ]
    order = [language.name for language in languages(python, profile)]
    return sorted(found, key=lambda one: (order.index(one.language.name), not one.ours, one.program))
