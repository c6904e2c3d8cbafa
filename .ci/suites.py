"""What `make test` runs: each suite's commands, how its counts are read, and which builds it needs first."""

from __future__ import annotations

from dataclasses import dataclass

from processes import ROOT

# Rows of the specification: a token's life, faults, fork, exit.
LIFE = "SCENARIOS=L F0 F1 F2 F35 F36 F37 F38"
# Every member of the workspace, so that cargo chooses the features of the crates that they share as it does for the other tests.
HTTP_CLIENTS = ("--workspace", "--features", "tokenwell/reqwest,tokenwell/tower")
PYTHON = str(ROOT / ".venv/bin/python")


@dataclass(frozen=True)
class Suite:
    name: str
    kind: str  # how the counts are read: cargo, pytest, node, phpunit, plain; check and build go by the exit code
    commands: tuple[tuple[str, ...], ...]
    folder: str = "."
    needs: tuple[str, ...] = ()
    shown: bool = False  # what it prints is worth reading when all is well, too


def build(part: str) -> Suite:
    return Suite(f"build-{part}", "build", ((".ci/build.sh", part),))


def check(name: str, *command: str, folder: str = ".", needs: tuple[str, ...] = ()) -> Suite:
    return Suite(name, "check", (command,), folder, needs)


SUITES: tuple[Suite, ...] = (
    check("format", "cargo", "fmt", "--all", "--check"),
    check("measures", ".ci/measures.sh"),
    build("tests"),
    check("clippy", "cargo", "clippy", "--workspace", "--all-targets", "--all-features", "--locked", "--", "-D", "warnings", needs=("build-tests",)),
    build("audit"),
    Suite("audit", "plain", (("python3", ".ci/audit.py"),), needs=("build-audit",)),
    Suite("rust", "cargo", (("cargo", "test", "--workspace", "--locked", "--no-fail-fast"),), needs=("build-tests",)),
    Suite("http-clients", "cargo", (("cargo", "test", *HTTP_CLIENTS, "--locked", "--test", "http_clients"),), needs=("build-tests",)),
    build("c"),
    Suite("c", "plain", (("make", "--no-print-directory", "-C", "bindings-c", "PROFILE=release", "test"),), needs=("build-c", "build-tests")),
    check("c-leaks", "make", "--no-print-directory", "-C", "bindings-c", "PROFILE=release", "leaks", needs=("build-c", "build-tests")),
    check("c-instructions", "make", "--no-print-directory", "-C", "bindings-c", "PROFILE=release", "instructions", needs=("build-c", "build-tests")),
    Suite("php", "phpunit", (("phpunit",),), folder="bindings-c/php", needs=("build-c", "build-tests")),
    build("mago"),
    check(
        "php-analysis", "make", "--no-print-directory", "-C", "bindings-c", "analyse", f"MAGO={ROOT}/build/tools/bin/mago", needs=("build-mago",)
    ),
    build("wheel"),
    Suite("python", "pytest", ((PYTHON, "-m", "pytest"),), folder="bindings-python", needs=("build-wheel", "build-tests")),
    build("node"),
    Suite("node", "node", (("npm", "test", "--silent"),), folder="bindings-node", needs=("build-node", "build-tests")),
    check("node-types", "npm", "run", "types", "--silent", folder="bindings-node", needs=("build-node",)),
    Suite(
        "postman", "plain", (("python3", ".ci/with_server.py", "npm", "test", "--silent", "--prefix", "examples/postman"),), needs=("build-tests",)
    ),
    Suite("examples", "plain", (("python3", ".ci/examples.py"),), needs=("build-tests", "build-c", "build-wheel", "build-node")),
    Suite(
        "matrix", "plain",
        (("make", "--no-print-directory", "-C", "bindings-c", "PROFILE=release", "probe"), ("python3", ".ci/matrix.py")),
        needs=("build-tests", "build-c", "build-wheel", "build-node"), shown=True,
    ),
    Suite("memory", "plain", (("python3", ".ci/memory.py"),), needs=("build-tests", "build-c", "build-wheel", "build-node"), shown=True),
    Suite(
        "benchmarks", "plain", ((".ci/build.sh", "contestants"), ("python3", "examples/benchmarks/smoke.py")),
        needs=("build-tests", "build-c", "build-wheel", "build-node"),
    ),
    build("rust"),
    check("demo", "python3", ".ci/demo.py", needs=("build-rust", "build-tests", "build-c", "build-wheel", "build-node")),
    check("demo-outage", "python3", ".ci/demo_outage.py", needs=("build-rust", "build-tests", "build-c", "build-wheel", "build-node")),
    check("demo-fleet", "python3", ".ci/demo_fleet.py", needs=("build-tests", "build-c", "build-wheel", "build-node")),
    Suite("blackhole", "plain", (("python3", ".ci/blackhole.py"),), needs=("build-tests", "build-c", "build-wheel", "build-node")),
    build("dist"),
    Suite("packages", "plain", ((".ci/packages.sh",), (PYTHON, ".ci/contents.py")), needs=("build-dist",)),
)

# What is known of a token's life, and nothing else: `make test ONLY=lifecycle`, two suites at a time.
LIFECYCLE = (
    Suite(
        "life-rust", "cargo",
        (
            ("env", LIFE, "cargo", "test", "--workspace", "--locked", "--test", "conformance"),
            ("cargo", "test", "--workspace", "--locked", *(f"--test={name}" for name in ("flight_model", "fork", "many_clients", "blackhole"))),
            ("cargo", "test", "--workspace", "--locked", "--lib", "--", "lifecycle::", "flight::", "clock::", "engine::", "retry_after::"),
        ),
        needs=("build-tests",),
    ),
    Suite(
        "life-c", "plain",
        (("env", LIFE, "make", "--no-print-directory", "-C", "bindings-c", "PROFILE=release", "test", "ONLY=conformance null fork exit"),),
        needs=("build-c", "build-tests"),
    ),
    Suite(
        "life-php", "phpunit", (("env", LIFE, "phpunit", "--filter", "ConformanceTest|ExitTest|FpmTest"),),
        folder="bindings-c/php", needs=("build-c", "build-tests"),
    ),
    Suite(
        "life-python", "pytest",
        (("env", LIFE, PYTHON, "-m", "pytest", *(f"tests/test_{name}.py" for name in ("conformance", "process", "exit", "servers", "asyncio"))),),
        folder="bindings-python", needs=("build-wheel", "build-tests"),
    ),
    Suite(
        "life-node", "node",
        (("env", LIFE, "node", "--test", *(f"test/{name}.test.mjs" for name in ("conformance", "process", "exit"))),),
        folder="bindings-node", needs=("build-node", "build-tests"),
    ),
)
