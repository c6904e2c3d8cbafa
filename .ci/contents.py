"""Looks into the packages in dist: the SBOM is CycloneDX and names what the lock file has, the licences of what is linked in are
there (.ci/licences.py), and nothing else is asked for at run time. `--extract` writes each SBOM beside its package.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from licences import PAGE
from processes import ROOT

DIST = ROOT / "dist"
# What every Linux has: the C library with its parts, and the compiler's own.
SYSTEM = re.compile(r"^(ld-linux.*|lib(c|m|dl|rt|pthread|gcc_s))\.so")


def read(package: Path) -> dict[str, bytes]:
    """The files of a package."""
    if package.suffix == ".whl":
        with zipfile.ZipFile(package) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    with tarfile.open(package) as archive:
        files = {member.name: archive.extractfile(member) for member in archive if member.isfile()}
        return {name: file.read() for name, file in files.items() if file}


def sbom(files: dict[str, bytes]) -> str:
    found = [content for name, content in files.items() if name.endswith((".cdx.json", ".cyclonedx.json"))]
    if len(found) != 1:
        raise ValueError(f"{len(found)} SBOMs")
    return found[0].decode()


def check_sbom(files: dict[str, bytes]) -> str:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    text = sbom(files)
    document = json.loads(text)
    if error := JsonStrictValidator(SchemaVersion.from_version(document["specVersion"])).validate_str(text):
        raise ValueError(f"not CycloneDX: {error}")
    lock = (ROOT / "Cargo.lock").read_text()
    locked = set(re.findall(r'name = "([^"]+)"\nversion = "([^"]+)"', lock))
    components = {(one["name"], one["version"]) for one in document["components"]}
    if unknown := components - locked:
        raise ValueError(f"not in Cargo.lock: {sorted(unknown)}")
    if missing := {"tokenwell", "ring", "rustls", "hyper"} - {name for name, _ in components}:
        raise ValueError(f"not named: {sorted(missing)}")
    return f"CycloneDX {document['specVersion']}, {len(components)} components"


def check_licences(files: dict[str, bytes]) -> str:
    found = [content for name, content in files.items() if Path(name).name == PAGE.name]
    if found != [PAGE.read_bytes()]:
        raise ValueError(f"{PAGE.name} is not in it, or is another one")
    return f"{len(found[0]):,} bytes"


def check_requirements(files: dict[str, bytes]) -> str:
    """What an installer would fetch, and what the loader would look for."""
    asked: list[str] = []
    for name, content in files.items():
        if name.endswith(".dist-info/METADATA"):
            lines = content.decode().split("\n\n")[0].splitlines()
            asked += [line for line in lines if line.startswith("Requires-Dist:") and "extra ==" not in line]
        elif name == "package/package.json":
            package = json.loads(content)
            asked += [*package.get("dependencies", {}), *package.get("optionalDependencies", {})]
        elif content.startswith(b"\x7fELF"):
            asked += [library for library in needed(content) if not SYSTEM.match(library)]
    if asked:
        raise ValueError(f"asks for {', '.join(asked)}")
    return "nothing but the system's C library"


def needed(library: bytes) -> list[str]:
    with tempfile.NamedTemporaryFile() as file:
        file.write(library)
        file.flush()
        shown = subprocess.run(["objdump", "-p", file.name], capture_output=True, text=True, check=False)
    # An object of the static archive has no such section.
    return re.findall(r"^ +NEEDED +(\S+)$", shown.stdout, re.MULTILINE)


def main() -> int:
    packages = [path for path in sorted(DIST.iterdir()) if path.suffix in (".whl", ".tgz", ".gz")]
    failed = passed = 0
    for package in packages:
        files = read(package)
        if sys.argv[1:] == ["--extract"]:
            package.with_name(f"{package.name}.cdx.json").write_text(sbom(files))
            continue
        for what, check in (("SBOM", check_sbom), ("licences of crates", check_licences), ("requirements", check_requirements)):
            try:
                print(f"ok      {what} of {package.name}: {check(files)}")
                passed += 1
            except (ValueError, KeyError) as error:
                print(f"FAILED  {what} of {package.name}: {error}")
                failed += 1
    if sys.argv[1:] != ["--extract"]:
        print(f"{passed} passed, {failed} failed")
    return 1 if failed or not packages else 0


if __name__ == "__main__":
    sys.exit(main())
