#!/usr/bin/env python3
"""Writes the wheel of the Python package: its sources and the two shared libraries, with what they need beside the base system.

    make_wheel.py --version 0.1.0 --core libaneref.so.0 --import libaneref_import.so.0 --out DIR

A wheel is a zip with a list of digests; nothing but Python's own library is needed to make one. Libraries are found as the
loader finds them (ldd) and copied beside ours, where python/aneref/_library.py loads them. The tag names this kind of
machine only (linux_x86_64): the copies are those of this system, no promise for older ones. The same inputs give the same
bytes.
"""
import argparse
import base64
import hashlib
import os
import pathlib
import platform
import re
import subprocess
import sys
import zipfile

SOURCE = pathlib.Path(__file__).resolve().parent.parent / "python" / "aneref"
LICENCE = SOURCE.parent.parent / "LICENSE"
# Every Linux has these, and a process must not have them twice.
BASE = re.compile(r"^(linux-vdso|ld-linux.*|lib(c|m|dl|rt|pthread|stdc\+\+|gcc_s|z))\.so")


def needed(library, beside):
    """Libraries that one needs, and those that they need, by name: path. `beside`: a folder to look in, too."""
    environment = {**os.environ, "LD_LIBRARY_PATH": str(beside)}
    lines = subprocess.run(["ldd", str(library)], capture_output=True, text=True, check=True, env=environment).stdout.splitlines()
    found = {}
    for line in lines:
        name, arrow, rest = line.strip().partition(" => ")
        if not arrow or BASE.match(name):
            continue
        if "not found" in rest:
            sys.exit(f"{library} needs {name}, which is not found")
        found[name] = pathlib.Path(rest.split(" (")[0])
    return found


def files(core, importer):
    """Name in the wheel: bytes. What the importer alone needs is in a folder of its own, loaded when it is."""
    content = {f"aneref/{path.relative_to(SOURCE)}": path.read_bytes()
               for path in sorted(SOURCE.rglob("*")) if path.suffix in (".py", ".typed")}
    folders = {"core": {core.name: core, **needed(core, core.parent)}}
    if importer:
        found = {importer.name: importer, **needed(importer, core.parent)}
        folders["import"] = {name: path for name, path in found.items() if name not in folders["core"]}
    for folder, libraries in folders.items():
        content.update({f"aneref/lib/{folder}/{name}": path.read_bytes() for name, path in sorted(libraries.items())})
    return content


def metadata(version, tag):
    """The files of the .dist-info folder but the list of digests."""
    about = (f"Metadata-Version: 2.1\nName: aneref\nVersion: {version}\n"
             "Summary: Runs Core ML and ONNX networks as Apple's Neural Engine would, on any CPU\n"
             "License: Apache-2.0\nRequires-Python: >=3.8\nRequires-Dist: numpy\nProvides-Extra: pictures\n"
             "Requires-Dist: pillow; extra == 'pictures'\n")
    wheel = f"Wheel-Version: 1.0\nGenerator: aneref\nRoot-Is-Purelib: false\nTag: {tag}\n"
    return {"METADATA": about.encode(), "WHEEL": wheel.encode(), "top_level.txt": b"aneref\n", "LICENSE": LICENCE.read_bytes()}


def digest(data):
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def write(path, content, record):
    lines = [f"{name},{digest(data)},{len(data)}" for name, data in content.items()] + [f"{record},,"]
    temporary = path.with_suffix(".tmp")
    with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**content, record: ("\n".join(lines) + "\n").encode()}.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if ".so" in name else 0o644) << 16
            archive.writestr(entry, data)
    os.replace(temporary, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", required=True)
    parser.add_argument("--core", required=True, type=pathlib.Path)
    parser.add_argument("--import", dest="importer", type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    arguments = parser.parse_args()
    tag = f"py3-none-linux_{platform.machine()}"
    info = f"aneref-{arguments.version}.dist-info"
    content = files(arguments.core, arguments.importer)
    content.update({f"{info}/{name}": data for name, data in metadata(arguments.version, tag).items()})
    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / f"aneref-{arguments.version}-{tag}.whl"
    write(path, content, f"{info}/RECORD")
    print(path)


if __name__ == "__main__":
    main()
