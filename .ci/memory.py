"""S32: looks into the memory of Python, Node, PHP and C processes from outside, after a hundred fetches with failures among them, and
once more after the end of the client.

What is looked for: the client's secret or key, and every token that was issued, as they are, in UTF-16, percent-encoded and in base64
at its three offsets, each in pieces of 16 bytes, so that a remnant counts too; of a key its secret numbers, in the forms that they
take. A secret that comes from a source must not be there at all (but in the environment, before there was a client), an old token
neither, and the live one once. Of a secret in the options the library holds one copy; beside it there are the host language's own
strings, which are counted but are not the library's.

An idle connection is closed after two seconds, and its buffers are wiped then: the first look is after that. Linux only (/proc).

S30: then each process crashes once, and what holds for its memory must hold for its core file. Each writes to standard error what it
holds, with all that logs turned up; there, too, no secret and no token may be.
"""

from __future__ import annotations

import base64
import json
import mmap
import re
import resource
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import processes
from processes import ROOT

FETCHES = 100
PIECE = 16
EMPTY = bytes(4096)
# FIPS 186-5 names it n; ring computes with numbers of the curve in their Montgomery form.
ORDER_OF_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SETTLING = 2.5  # seconds after the last fetch, when connections are closed
SETTLED = 15.0  # seconds; a look at Node takes three of them on a slow machine
FOLDER = ROOT / "core/conformance/memory"
# Whatever makes a program or what it stands on say more.
LOUD = {"RUST_LOG": "trace", "RUST_BACKTRACE": "full", "NODE_DEBUG": "*", "PYTHONDEVMODE": "1"}
LOUD_PHP = ("error_reporting=-1", "display_errors=stderr", "zend.exception_ignore_args=0", "zend.exception_string_param_max_len=1000")
PROGRAMS = {
    "Python": [str(ROOT / ".venv/bin/python"), str(FOLDER / "fetch.py")],
    "Node": ["node", "--expose-gc", str(FOLDER / "fetch.mjs")],
    "PHP": ["php", *(part for option in LOUD_PHP for part in ("-d", option)), str(FOLDER / "fetch.php")],
    "C": [str(ROOT / "build/c/fetch")],
}
# Where the secret comes from, and the method; for what is not the client's own proof, the option that is looked for.
CASES = (
    ("options", "client_secret_basic"),
    ("env", "client_secret_basic"),
    ("file", "client_secret_basic"),
    ("file", "client_secret_post"),
    ("file", "client_secret_jwt"),
    ("command", "client_secret_post"),
    ("file", "private_key_jwt, EC"),
    ("file", "private_key_jwt, RSA"),
    ("file", "private_key_jwt, Ed25519"),
    ("file", "private_key_jwt, JWK"),
    ("file", "private_key_jwt, rotated"),
    ("file", "tls_client_auth"),
    ("file", "dpop_key"),
    ("made", "dpop_key"),
    ("file", "cache_key"),
)
# Half-way the file holds another key, which the server knows too.
ROTATED = "private_key_jwt, rotated"
# Where the kernel writes the memory of a program that crashed: `core` is beside it.
CORE_PATTERN = Path("/proc/sys/kernel/core_pattern").read_text().strip()
# The case that ends with a crash.
CRASHES = ("file", "client_secret_post")

Needles = dict[str, list[bytes]]


def pieces(shapes: dict[str, list[bytes]]) -> Needles:
    """Each shape in pieces, of a long one those at its beginning, its middle and its end; none of them twice."""
    seen: set[bytes] = set()
    found: Needles = {}
    for name, texts in shapes.items():
        for text in texts:
            last = len(text) - PIECE
            for piece in (text[start : start + PIECE] for start in (0, last // 2, last)):
                if piece not in seen:
                    seen.add(piece)
                    found.setdefault(name, []).append(piece)
    return found


def base64_forms(text: bytes) -> Iterator[bytes]:
    """What of the text's base64 does not depend on what stands before and behind it, at the three offsets."""
    for offset in range(3):
        whole = base64.b64encode(b"\0" * offset + text)
        form = whole[-(-offset * 8 // 6) : (offset + len(text)) * 8 // 6]
        yield from (form, form.translate(bytes.maketrans(b"+/", b"-_")))


def forms(text: str) -> Needles:
    percent = urllib.parse.quote(text, safe="-._~")
    encoded = [form for source in (text, percent) for form in base64_forms(source.encode())]
    return pieces({"raw": [text.encode()], "UTF-16": [text.encode("utf-16-le")], "percent": [percent.encode(), percent.lower().encode()], "base64": encoded})


def key_forms(texts: list[str], numbers: list[bytes]) -> Needles:
    """The secret numbers of private keys: as they are, from either end, as PEM and JWK have them, and as ring computes with them."""
    # What begins at a multiple of four in a line decodes by itself; around the secret numbers a key is as public as its certificate.
    chunks = [line[at : at + PIECE] for text in texts for line in text.splitlines()[1:-1] for at in range(0, len(line) - PIECE + 1, 4)]
    secret = [chunk.encode() for chunk in chunks if any(base64.b64decode(chunk) in number for number in numbers)]
    encoded = [base64.urlsafe_b64encode(number).rstrip(b"=") for number in numbers]
    scalars = [(int.from_bytes(number, "big") << 256) % ORDER_OF_P256 for number in numbers if len(number) == 32]
    at_work = [scalar.to_bytes(32, order) for scalar in scalars for order in ("little", "big")]
    return pieces({"raw": secret, "number": numbers + [number[::-1] for number in numbers], "base64url": encoded, "at work": at_work})


def numbers_of(jwk: str) -> list[bytes]:
    members = json.loads(jwk)
    return [base64.urlsafe_b64decode(members[name] + "==") for name in ("d", "p", "q") if name in members]


def scalar_of(pem: str) -> list[bytes]:
    """The secret number in the PKCS#8 of a key for P-256."""
    der = base64.b64decode("".join(line for line in pem.splitlines() if not line.startswith("-")))
    return re.findall(rb"\x02\x01\x01\x04\x20(.{32})", der, re.DOTALL)


class Tokens:
    """Tokens that differ in a number: `0007.COMMON.0007`."""

    def __init__(self) -> None:
        self.common = secrets.token_urlsafe(24)
        self._others = {form: found for form, found in forms(self.common).items() if form != "raw"}

    def text(self, number: int) -> str:
        return f"{number:04d}.{self.common}.{number:04d}"

    def count(self, content: bytes | mmap.mmap) -> Counter[str]:
        """Copies of each token that is known by its number, of remnants, and of other forms."""
        whole = Counter(content[at - 5 : at - 1].decode(errors="replace") for at in places(content, self.common.encode()))
        halves = max(sum(1 for _ in places(content, half.encode())) for half in (self.common[:PIECE], self.common[PIECE:]))
        whole["remnant"] = halves - whole.total()
        for form, needles in self._others.items():
            whole[form] = copies(content, needles)
        return +whole


def places(content: bytes | mmap.mmap, piece: bytes) -> Iterator[int]:
    position = content.find(piece)
    while position >= 0:
        yield position
        position = content.find(piece, position + 1)


def copies(content: bytes | mmap.mmap, needles: list[bytes]) -> int:
    """As many as of the piece that is there most often."""
    return max(sum(1 for _ in places(content, piece)) for piece in needles)


def regions(pid: int) -> Iterator[bytes]:
    """The memory of a process, without what it only reads from files."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            addresses, rights, _, _, _, *name = line.split(maxsplit=5)
            label = name[0] if name else ""
            if "r" not in rights or label.startswith("[v") or ("w" not in rights and label.startswith("/")):
                continue
            start, end = (int(address, 16) for address in addresses.split("-"))
            memory.seek(start)
            content = bytearray()
            try:
                while start + len(content) < end and (part := memory.read(min(end - start - len(content), 1 << 26))):
                    content += part
            except OSError:
                pass  # it has just been unmapped
            yield content.replace(EMPTY, b"\0")


@dataclass
class Found:
    secret: Counter[str] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)


def look(memory: Iterable[bytes | mmap.mmap], secret: Needles, tokens: Tokens) -> Found:
    found = Found()
    for content in memory:
        found.secret += Counter({form: copies(content, needles) for form, needles in secret.items()})
        found.tokens += tokens.count(content)
    return found


class Realm:
    """An authorization server of its own."""

    def __init__(self, control: str, server: dict[str, Any]) -> None:
        self._control = control
        made = self._ask("POST", "", server)
        self._path, self.vars = f"/{made['realm']}", made["vars"]

    def _ask(self, method: str, path: str, body: Any) -> Any:
        request = urllib.request.Request(f"{self._control}/realms{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}, method=method)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            return json.load(answer)

    def answer(self, answers: list[dict[str, Any]]) -> None:
        self._ask("POST", f"{self._path}/script", answers)

    def advance(self, seconds: int) -> None:
        self._ask("POST", f"{self._path}/clock", {"advance": seconds})


def answers(tokens: Tokens) -> Iterator[dict[str, Any]]:
    """Successes, repeats, and failures of every kind, which show what they can of the secret and the token."""
    echo = "${client_secret}"
    for number in range(1, FETCHES + 1):
        text = tokens.text(number)
        failures: list[dict[str, Any]] = [
            {"status": 400, "json": {"error": "invalid_scope", "error_description": f"no: {echo}"}},
            {"status": 400, "raw": f"<html>{echo} {text}</html>"},
            {"issue": {"access_token": text}, "fault": "truncated_chunked"},
            {"json": {"access_token": f"{text}\r\n", "token_type": "Bearer"}},
            {"json": {"access_token": text, "token_type": "mac", "scope": echo}},
            {"raw": json.dumps({"access_token": text, "token_type": "Bearer"}) + " x"},
        ]
        if number % 10 == 3:
            yield failures[number // 10 % len(failures)]
            continue
        if number % 7 == 1:
            yield {"status": 503, "json": {"error": "temporarily_unavailable", "error_description": echo}}
        if number % 11 == 1:
            yield {"fault": "reset"}
        issued = {"issue": {"access_token": text, "refresh_token": text, "expires_in": 3600}}
        yield issued | ({"encoding": "gzip"} if number % 5 == 0 else {})


class Program:
    """One of the programs in a folder of its own, spoken to by lines. Ends with the block."""

    def __init__(self, command: list[str], **variables: str) -> None:
        pipe = subprocess.PIPE
        self._folder = tempfile.TemporaryDirectory()
        environment = processes.clean_environment(**LOUD, **variables)
        self._said = Path(self._folder.name) / "stderr"
        with open(self._said, "wb") as said:
            self._process = subprocess.Popen(command, cwd=self._folder.name, env=environment, stdin=pipe, stdout=pipe, stderr=said, bufsize=0)
        self.pid = self._process.pid

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()
        self._folder.cleanup()

    def said(self) -> bytes:
        """What it has written to standard error."""
        return self._said.read_bytes()

    def crash(self) -> mmap.mmap:
        """Its core file."""
        resource.prlimit(self.pid, resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
        self._process.send_signal(signal.SIGSEGV)
        self._process.wait(60)
        cores = list(Path(self._folder.name).glob("core*"))
        if not cores:
            raise SystemExit("the crashed program left no core file")
        with open(cores[0], "rb") as core:
            return mmap.mmap(core.fileno(), 0, access=mmap.ACCESS_READ)

    def hear(self) -> str:
        assert self._process.stdout
        line = bytearray()
        while not line.endswith(b"\n"):
            byte = self._process.stdout.read(1)
            if not byte:
                raise SystemExit(f"the program has ended: {line.decode()!r}")
            line += byte
        return line.decode().strip()

    def say(self, line: str) -> str:
        assert self._process.stdin
        self._process.stdin.write(f"{line}\n".encode())
        return self.hear()


class Case:
    """One program that gets its credential in one way and proves itself by one method."""

    def __init__(self, language: str, kind: str, method: str, control: str, folder: Path) -> None:
        self.language, self.kind, self.method = language, kind, method
        self.tokens = Tokens()
        self._name, _, self._key = method.partition(", ")
        text = f"S32 {secrets.token_urlsafe(12)}:{secrets.token_urlsafe(12)}/&+{secrets.token_urlsafe(24)}%"
        self._realm = Realm(control, {**({} if self._name == "cache_key" else {"client_secret": text}), **self._server()})
        self._realm.answer(list(answers(self.tokens)))
        self._text, self._secret = self._looked_for(text)
        self._file = folder / secrets.token_hex(8)
        self._file.touch(0o600)
        self._file.write_text(self._text)

    def _server(self) -> dict[str, Any]:
        if self._name == "private_key_jwt":
            return {"auth_methods": [self._name], "jwks": "test"}
        if self._name == "tls_client_auth":
            return {"auth_methods": [self._name], "tls_client_auth_subject_dn": "${tls_client_auth_subject_dn}"}
        if self._name == "dpop_key":
            return {"dpop": "required"}
        return {} if self._name == "cache_key" else {"auth_methods": [self._name]}

    def _looked_for(self, text: str) -> tuple[str, Needles]:
        """The secret, and its forms."""
        known = self._realm.vars
        if self._name == "tls_client_auth":
            return known["tls_client_key"], key_forms([known["tls_client_key"]], scalar_of(known["tls_client_key"]))
        if self.kind == "made":
            # What stands before the number in the PKCS#8 in which a key is made: the number itself is not known here.
            return text, {"PKCS#8": [bytes.fromhex("48ce3d030107046d306b0201010420")]}
        variable = {"": "", "JWK": "ec_private_key", "rotated": "ec_private_key"}.get(self._key, f"{self._key.lower()}_private_key")
        variable = "ec_private_key" if self._name == "dpop_key" else variable
        if not variable:
            return text, forms(text)
        numbers = numbers_of(known[f"{variable}_jwk"])
        if self._key == "rotated":
            self._next = str(known["rsa_private_key"])
            return known[variable], key_forms([known[variable], self._next], numbers + numbers_of(known["rsa_private_key_jwk"]))
        return known[f"{variable}_jwk" if self._key == "JWK" else variable], key_forms([known[variable]], numbers)

    def _options(self) -> dict[str, Any]:
        given = {"options": self._text, "env": {"env": "S32_SECRET"}, "file": {"file": str(self._file)}, "command": {"command": ["cat", str(self._file)]}}
        known = self._realm.vars
        options = {"token_endpoint": known["https_token_endpoint"], "tls_ca_file": known["ca_file"], "client_id": known["client_id"]}
        if self._name in ("dpop_key", "cache_key"):
            options["client_secret"] = known["client_secret"]
        if self._name == "dpop_key":
            return options | {"dpop": True} | ({} if self.kind == "made" else {"dpop_key": given[self.kind]})
        if self._name == "cache_key":
            return options | {"cache": {"file": str(self._file.with_suffix(".store"))}, "cache_key": given[self.kind]}
        if self._name == "tls_client_auth":
            return options | {"tls_client_certificate": known["tls_client_certificate"], "tls_client_key": given[self.kind]}
        return options | {
            "token_endpoint_auth_method": self._name,
            "private_key" if self._name == "private_key_jwt" else "client_secret": given[self.kind],
            **({"assertion_audience": known["https_issuer"]} if self._name.endswith("_jwt") else {}),
        }

    def _wrong(self, found: Found, closed: bool = False) -> str:
        """What is there that must not be."""
        allowed = self._before.copy()
        if self.kind == "options":
            host = self.language != "C"
            allowed["raw"] += found.secret["raw"] if host else not closed
            allowed["percent"] = allowed["raw"]  # the secret's end needs no encoding
        if self._name == "dpop_key" and not closed:
            allowed["at work"] += 1  # tokens are bound to this one key for as long as there is the client
        old = found.tokens - Counter({f"{FETCHES:04d}": 1})
        wrong = [f"{number} x the secret, {form}" for form, number in (found.secret - allowed).items()]
        return "; ".join(wrong + [f"{number} x token {name}" for name, number in old.items()])

    def _settle(self, program: Program, closed: bool = False) -> Found:
        """Looks until nothing is there that must not be, or it has had its time."""
        until = time.monotonic() + SETTLED
        while True:
            time.sleep(SETTLING)
            found = look(regions(program.pid), self._secret, self.tokens)
            self.wrong = self._wrong(found, closed)
            if not self.wrong or time.monotonic() > until:
                return found

    def run(self) -> Case:
        with Program(PROGRAMS[self.language], **({"S32_SECRET": self._text} if self.kind == "env" else {})) as program:
            program.hear()
            self._before = look(regions(program.pid), self._secret, self.tokens).secret
            if (answer := program.say(json.dumps(self._options()))) != "made":
                raise SystemExit(answer)
            self.outcomes: Counter[str] = Counter()
            for number in range(FETCHES):
                if self._key == "rotated" and number == FETCHES // 2:
                    self._file.write_text(self._next)
                self._realm.advance(8000)
                self.outcomes[program.say("8000")] += 1
            self.found = self._settle(program)
            if self.wrong:
                pass
            elif (self.kind, self.method) != CRASHES:
                program.say("close")
                self._settle(program, closed=True)
                self.wrong = self.wrong and f"after the end of the client: {self.wrong}"
            elif CORE_PATTERN == "core":
                with program.crash() as core:
                    wrong = self._wrong(look([core], self._secret, self.tokens))
                    self.wrong = wrong and f"in the core file: {wrong}"
            said = look([program.said()], self._secret, self.tokens)
            if said.secret or said.tokens:
                self.wrong = f"on standard error: {dict(said.secret)} {dict(said.tokens)}"
            if b"invalid_scope" not in program.said():
                self.wrong = "it has written nothing to standard error"
        failed = FETCHES - self.outcomes["served"]
        if failed != FETCHES // 10:
            self.wrong = f"{failed} calls failed: {dict(self.outcomes)}"
        return self

    def row(self) -> str:
        live = self.found.tokens[f"{FETCHES:04d}"]
        secret = max(self.found.secret.values(), default=0)
        return f"{self.language:9}{self.kind:9}{self.method:26}{secret:>8}{live:>12}{self.found.tokens.total() - live:>12}   {self.wrong or 'ok'}"


def main() -> int:
    failed = passed = 0
    if CORE_PATTERN != "core":
        print(f"core files are not looked into: /proc/sys/kernel/core_pattern is {CORE_PATTERN!r}, so they are not written beside a program")
    print(f"copies in memory after {FETCHES} fetches of which {FETCHES // 10} failed; of the secret in the options and in the environment, the host's own too")
    print(f"{'language':9}{'secret':9}{'method':26}{'secret':>8}{'live token':>12}{'old tokens':>12}", flush=True)
    with processes.development_server() as server, tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(4) as threads:
        # Four at a time: most of the time they wait for their connections to be closed.
        cases = [Case(language, kind, method, server["control"], Path(folder)) for kind, method in CASES for language in sys.argv[1:] or PROGRAMS]
        for case in threads.map(Case.run, cases):
            print(case.row(), flush=True)
            failed += bool(case.wrong)
            passed += not case.wrong
    peers = json.loads((FOLDER / "peers.json").read_text())
    print(f"\nothers, {' / '.join(peers['columns'])} ({peers['measured']}):")
    print("  " + " · ".join(f"{name} {'/'.join('-' if copy is None else str(copy) for copy in copied)}" for name, copied in peers["copies"].items()))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
