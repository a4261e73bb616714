#!/usr/bin/env python3
"""What the built shared libraries show: the functions of the headers and nothing else; SONAME and size as docs/packages.md says."""
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = ROOT / "runtime" / "capi" / "include" / "aneref"
MAX_STRIPPED = 6_000_000


def declared(headers):
    text = "".join(re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S) for path in headers)
    return set(re.findall(r"ANEREF_API[\s\w*]*?(aneref_\w+)\(", text))


def exported(library):
    lines = subprocess.run(["nm", "-D", "--defined-only", str(library)], capture_output=True, text=True, check=True).stdout
    return {line.split()[2].split("@")[0] for line in lines.splitlines()}


def soname(library):
    text = subprocess.run(["objdump", "-p", str(library)], capture_output=True, text=True, check=True).stdout
    return re.search(r"SONAME\s+(\S+)", text).group(1)


def stripped_size(library):
    """Bytes of what is loaded or needed to load: the file without symbols and debug information."""
    with tempfile.NamedTemporaryFile() as stripped:
        subprocess.run(["strip", "-o", stripped.name, str(library)], check=True)
        return pathlib.Path(stripped.name).stat().st_size


def main():
    folder = pathlib.Path(sys.argv[1])
    project = re.search(r"project\(aneref VERSION (\d+)\.(\d+)\.(\d+)", (ROOT / "CMakeLists.txt").read_text()).groups()
    types = (INCLUDE / "types.h").read_text()
    header = tuple(re.search(rf"ANEREF_VERSION_{part} (\d+)", types).group(1) for part in ("MAJOR", "MINOR", "PATCH"))
    problems = [] if header == project else [f"types.h says version {header}, CMakeLists.txt {project}"]
    importer = [INCLUDE / "import.h"]
    core = [path for path in INCLUDE.glob("*.h") if path not in importer]
    for name, headers in (("libaneref", core), ("libaneref_import", importer)):
        library = folder / f"{name}.so"
        want, have = declared(headers), exported(library)
        problems += [f"{name} does not export {function}" for function in sorted(want - have)]
        problems += [f"{name} exports {symbol}, which no header declares" for symbol in sorted(have - want)]
        if soname(library) != f"{name}.so.{project[0]}":
            problems.append(f"{name} has the SONAME {soname(library)}")
    size = stripped_size(folder / "libaneref.so")
    if size > MAX_STRIPPED:
        problems.append(f"libaneref has {size} bytes without symbols, more than {MAX_STRIPPED}")
    print("\n".join(problems) or f"packages: exports ok, libaneref has {size} bytes without symbols")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
