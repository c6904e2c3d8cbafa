"""`make bench`: runs the measures, each of them a file in measures/, and writes results.json, charts/ and the tables of README.md.

usage: bench.py [B1 B3 ...]; ROUNDS says how often each contestant has its turn. What is not measured keeps its last figures."""

from __future__ import annotations

import importlib
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from contestants import HERE, TITLES
from harness import Result, bench

ROUNDS = 5
RESULTS = HERE / "results.json"
CHARTS = HERE / "charts"
BEGIN, END = "<!-- tables -->\n", "<!-- end of the tables -->"


def measures() -> dict[str, str]:
    """The module of each measure, by its row in the plan: b1_cached is B1."""
    return {file.stem.split("_")[0].upper(): f"measures.{file.stem}" for file in sorted((HERE / "measures").glob("b*.py"))}


def machine() -> str:
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), platform.machine())
    versions = (("rustc", "-V"), ("node", "--version"), ("php", "-r", "echo PHP_VERSION;"), ("go", "version"))
    said = []
    for command in versions:
        try:
            said.append(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())
        except (OSError, subprocess.CalledProcessError):
            continue
    names = [("" if text.split()[0] in ("rustc", "go") else name + " ") + text for name, text in zip(("rustc", "node", "PHP", "go"), said)]
    return f"{os.cpu_count()} cores, {model}; {platform.system()} {platform.release()}; Python {platform.python_version()}, {', '.join(names)}"


def section(id: str, result: dict[str, Any]) -> str:
    """A measure's part of the page."""
    lines = [f"### {id}. {result['title']}", ""]
    if result["chart"]:
        lines += [f"![{result['title']}](charts/{id.lower()}.svg)", ""]
    lines += [f"| {' | '.join(result['columns'])} |", "|" + "---|" * len(result["columns"])]
    lines += [f"| {' | '.join(TITLES.get(cell, cell).replace('|', '/') for cell in row)} |" for row in result["rows"]]
    if result["goals"]:
        lines += ["", "| to reach | measured | |", "|---|---|---|"]
        lines += [f"| {goal['text']} | {goal['figure']} | {'holds' if goal['held'] else '**missed**'} |" for goal in result["goals"]]
    lines += [line for note in result["notes"] for line in ("", note)]
    return "\n".join([*lines, "", f"{result['rounds']} rounds, {result['date']}, {result['machine']}.", "", ""])


def write(results: dict[str, Any]) -> None:
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    page = HERE / "README.md"
    before, rest = page.read_text().split(BEGIN)
    after = rest.split(END)[1]
    page.write_text(before + BEGIN + "\n" + "".join(section(id, results[id]) for id in sorted(results)) + END + after)


def show(id: str, result: Result, seconds: float) -> None:
    print(f"\n{id}. {result.title} ({seconds:.0f} s)")
    table = [result.columns, *result.rows]
    widths = [max(len(row[place]) for row in table) for place in range(len(result.columns))]
    for row in table:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    for goal in result.goals:
        print(f"  {'holds ' if goal.held else 'MISSED'}  {goal.text}: {goal.figure}", flush=True)


def main() -> int:
    known = measures()
    wanted = [word.upper() for word in sys.argv[1:]] or list(known)
    if unknown := [id for id in wanted if id not in known]:
        raise SystemExit(f"no measure is named {', '.join(unknown)}; there are: {', '.join(known)}")
    rounds = int(os.environ.get("ROUNDS") or ROUNDS)
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    CHARTS.mkdir(exist_ok=True)
    failed = []
    for id in wanted:
        began = time.monotonic()
        try:
            with bench(rounds) as place:  # a fresh server for each: what one has left there is not the next one's
                result = importlib.import_module(known[id]).run(place)
        except Exception as error:  # the others are measured all the same
            print(f"\n{id} failed: {type(error).__name__}: {error}", flush=True)
            failed.append(id)
            continue
        if result.chart:
            (CHARTS / f"{id.lower()}.svg").write_text(result.chart)
        results[id] = {**result.plain(), "rounds": rounds, "date": time.strftime("%Y-%m-%d"), "machine": machine()}
        write(results)
        show(id, result, time.monotonic() - began)
    missed = [f"{id}: {goal['text']}" for id in wanted if id in results and id not in failed for goal in results[id]["goals"] if not goal["held"]]
    print("\nwritten: examples/benchmarks/README.md")
    if missed:
        print("missed:\n  " + "\n  ".join(missed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
