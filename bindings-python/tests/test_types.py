"""The type information: mypy --strict, stubtest against the compiled module, and the schema of the options."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[1]


def check(*command: str) -> None:
    done = subprocess.run([sys.executable, "-m", *command], cwd=FOLDER, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_mypy() -> None:
    check("mypy", "python/tokenwell", "tests", "../examples/python")


def test_stubs_match_the_compiled_module() -> None:
    check("mypy.stubtest", "tokenwell")


def test_stubs_name_every_option() -> None:
    schema = json.loads((FOLDER.parent / "core/schema/config.schema.json").read_text())
    stubs = ast.parse((FOLDER / "python/tokenwell/_native.pyi").read_text())
    options = next(node for node in stubs.body if isinstance(node, ast.ClassDef) and node.name == "_Options")
    names = {
        node.target.id for node in options.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    assert names == set(schema["properties"])
