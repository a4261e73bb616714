#!/usr/bin/env python3
"""docs/spec/probes.md must be what `aneref probe --markdown` writes. Usage: check_probes.py PROGRAM [--write]"""
import pathlib
import subprocess
import sys


def main():
    page = pathlib.Path(__file__).resolve().parents[1] / "docs/spec/probes.md"
    written = subprocess.run([sys.argv[1], "probe", "--markdown"], capture_output=True, text=True, check=True).stdout
    if "--write" in sys.argv:
        page.write_text(written)
        return 0
    if page.read_text() == written:
        print("docs/spec/probes.md is current")
        return 0
    print("docs/spec/probes.md is not what aneref probe --markdown writes; run .ci/check_probes.py PROGRAM --write")
    return 1


if __name__ == "__main__":
    sys.exit(main())
