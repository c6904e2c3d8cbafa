"""Runs each fuzz target for so many seconds (the first argument, default 60), two at a time, and prints what each has done; further
arguments choose targets.

An input that breaks a rule is kept in build/fuzz/TARGET/found, beside the target's log, and fails the run. New inputs that reach
new code are kept in build/fuzz/TARGET/corpus: the corpus in fuzz/corpus is small, chosen by hand, and played by `make test`, too.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from processes import ROOT

FOLDER = ROOT / "build" / "fuzz"
# No nightly toolchain is asked for: the sanitizer and the coverage of the stable one are unlocked.
ENVIRONMENT = os.environ | {"RUSTC_BOOTSTRAP": "1", "CARGO_TARGET_DIR": str(ROOT / "target" / "fuzz")}
SEEDS = ROOT / "fuzz" / "corpus"
# Targets that are helped by the names of the options.
OPTIONS = ("options", "c_interface")


@dataclass(frozen=True)
class Outcome:
    target: str
    executions: int
    edges: int  # of the code that is instrumented: what the inputs reached
    held: bool


def cargo_fuzz(*arguments: str) -> list[str]:
    return [str(ROOT / "build/tools/bin/cargo-fuzz"), "fuzz", *arguments]


def program(target: str) -> Path:
    """What was built, run as it is: nothing is built anew should a source change meanwhile."""
    return next((ROOT / "target" / "fuzz").glob(f"*/release/{target}"))


def dictionary() -> Path:
    """The names of the options, for libFuzzer to put into inputs."""
    schema = json.loads((ROOT / "core/schema/config.schema.json").read_text())
    names = [name for part in (schema, *schema.get("$defs", {}).values()) for name in part.get("properties", {})]
    path = FOLDER / "options.dict"
    path.write_text("".join(f'"\\"{name}\\":"\n' for name in sorted(set(names))))
    return path


def run(target: str, seconds: int, words: Path) -> Outcome:
    here = FOLDER / target
    for folder in ("corpus", "found"):
        (here / folder).mkdir(parents=True, exist_ok=True)
    limits = [f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1", f"-artifact_prefix={here}/found/"]
    if target in OPTIONS:
        limits.append(f"-dict={words}")
    command = [str(program(target)), str(here / "corpus"), str(SEEDS / target), *limits]
    with open(here / "log", "wb") as output:
        done = subprocess.run(command, cwd=ROOT, env=ENVIRONMENT, stdout=output, stderr=output, check=False)
    text = (here / "log").read_text(errors="replace")
    executions = re.findall(r"number_of_executed_units: (\d+)", text)
    edges = re.findall(r" cov: (\d+)", text)
    return Outcome(target, int(executions[-1]) if executions else 0, int(edges[-1]) if edges else 0, done.returncode == 0)


def main() -> int:
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    known = sorted(path.stem for path in (ROOT / "fuzz/fuzz_targets").glob("*.rs"))
    targets = sys.argv[2:] or known
    if unknown := set(targets) - set(known):
        sys.exit(f"no fuzz target is named {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    subprocess.run(cargo_fuzz("build"), cwd=ROOT, env=ENVIRONMENT, check=True)
    words = dictionary()
    outcomes = []
    with ThreadPoolExecutor(2) as threads:
        for outcome in threads.map(lambda target: run(target, seconds, words), targets):
            outcomes.append(outcome)
            state = "held" if outcome.held else f"FAILED: see {(FOLDER / outcome.target).relative_to(ROOT)}"
            print(f"{outcome.target:14}{outcome.executions:>12,} executions{outcome.edges:>8,} edges   {state}", flush=True)
    failed = sum(not outcome.held for outcome in outcomes)
    total = sum(outcome.executions for outcome in outcomes)
    print(f"{total:,} executions of {len(outcomes)} targets, {failed} failed; what was found is in {FOLDER.relative_to(ROOT)}/*/found")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
