"""The type information: mypy --strict, stubtest against the compiled module, and the schema of the options."""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import tokenwell

FOLDER = Path(__file__).parents[1]
STUBS = FOLDER / "python/tokenwell/_native.pyi"
SCHEMA = json.loads((FOLDER.parent / "core/schema/config.schema.json").read_text())["properties"]


def check(*command: str) -> None:
    done = subprocess.run([sys.executable, "-m", *command], cwd=FOLDER, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_mypy() -> None:
    check("mypy", "python/tokenwell", "tests", "../examples/python")


def test_stubs_match_the_compiled_module() -> None:
    check("mypy.stubtest", "tokenwell")


def kept(path: Path, text: str) -> None:
    """The file says so; with UPDATE_OPTIONS=1 it is written."""
    if os.environ.get("UPDATE_OPTIONS"):
        path.write_text(text)
    assert path.read_text() == text, f"{path.name} is old: run `UPDATE_OPTIONS=1 python -m pytest tests/test_types.py`"


def test_help_explains_every_option() -> None:
    head = """
Options, of which `client_id` and one of `issuer` and `token_endpoint` are needed; times are in seconds. A secret, key or token is
given itself, or by where it is read: {"env": NAME}, {"file": PATH}, {"command": [ARGV...]}, {"keyring": {"service": S, "account": A}}.

"""
    lines = (f"{name}: {option['description']}" for name, option in SCHEMA.items())
    wrapped = (textwrap.fill(line, 120, initial_indent="  ", subsequent_indent="    ") for line in lines)
    kept(FOLDER / "src/options.txt", head + "\n".join(wrapped) + "\n")
    assert (FOLDER / "src/options.txt").read_text().strip() in str(tokenwell.Client.__doc__)


def test_stubs_explain_every_option() -> None:
    stubs = STUBS.read_text()
    begin = stubs.index("class _Options(")
    end = stubs.index("\n\n", begin)
    fields = re.findall(r"^    (\w+): (.+)$", stubs[begin:end], re.MULTILINE)
    assert {name for name, _ in fields} == set(SCHEMA)
    explained = "".join(f'\n    {name}: {kind}\n    """{SCHEMA[name]["description"]}"""' for name, kind in fields)
    kept(STUBS, stubs[:begin] + "class _Options(TypedDict, total=False):" + explained + stubs[end:])


def test_stubs_say_what_help_says() -> None:
    """Editors read the stubs alone."""

    def check_all(home: object, nodes: list[ast.stmt]) -> None:
        for node in nodes:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and not node.name.startswith("_"):
                found = getattr(home, node.name)
                # The options are explained where they are typed.
                text = (inspect.getdoc(found) or "").split("\nOptions, of")[0].rstrip()
                assert ast.get_docstring(node) == text, node.name
                check_all(found, node.body)

    check_all(tokenwell._native, ast.parse(STUBS.read_text()).body)


def test_help_names_every_counter() -> None:
    client = tokenwell.Client(token_endpoint="https://login.example.com/token", client_id="a", client_secret="b")
    said = str(tokenwell.Client.stats.__doc__)
    assert all(re.search(rf"\b{name}\b", said) for name in client.stats()), said
