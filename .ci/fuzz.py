"""Runs each fuzz target for so many seconds (the first argument, default 60), two at a time, and prints what each has done.

An input that breaks a rule is kept in build/fuzz, beside the target's log, and fails the run. New inputs are kept there too: the
corpus in fuzz/corpus is small and chosen by hand.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from processes import ROOT

FOLDER = ROOT / "build" / "fuzz"
# No nightly toolchain is asked for: the sanitizer and the coverage of the stable one are unlocked.
ENVIRONMENT = os.environ | {"RUSTC_BOOTSTRAP": "1", "CARGO_TARGET_DIR": str(ROOT / "target" / "fuzz")}


def cargo_fuzz(*arguments: str) -> list[str]:
    return [str(ROOT / "build/tools/bin/cargo-fuzz"), "fuzz", *arguments]


def run(target: str, seconds: int) -> tuple[str, int, bool]:
    """The target, its executions, and whether it held."""
    for folder in ("corpus", "found"):
        (FOLDER / target / folder).mkdir(parents=True, exist_ok=True)
    log = FOLDER / target / "log"
    corpora = [str(FOLDER / target / "corpus"), f"fuzz/corpus/{target}"]
    limits = [f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1", f"-artifact_prefix={FOLDER / target}/found/"]
    with open(log, "wb") as output:
        done = subprocess.run(cargo_fuzz("run", target, *corpora, "--", *limits), cwd=ROOT, env=ENVIRONMENT, stdout=output, stderr=output, check=False)
    executed = re.findall(r"number_of_executed_units: (\d+)", log.read_text(errors="replace"))
    return target, int(executed[-1]) if executed else 0, done.returncode == 0


def main() -> int:
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    targets = sorted(path.stem for path in Path(ROOT / "fuzz/fuzz_targets").glob("*.rs"))
    subprocess.run(cargo_fuzz("build"), cwd=ROOT, env=ENVIRONMENT, check=True)
    total = failed = 0
    with ThreadPoolExecutor(2) as threads:
        for target, executed, held in threads.map(lambda target: run(target, seconds), targets):
            print(f"{target:14}{executed:>12,} executions   {'held' if held else f'FAILED: {FOLDER / target}'}", flush=True)
            total, failed = total + executed, failed + (not held)
    print(f"{total:,} executions of {len(targets)} targets, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
