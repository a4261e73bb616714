#!/usr/bin/env python3
"""Sizes of the house style: hard limits fail, soft limits are listed. Tests and data tables may be longer when flat."""
import pathlib
import re
import subprocess
import sys

SOFT_FILE, HARD_FILE = 400, 800
SOFT_FUNCTION, HARD_FUNCTION = 40, 80
HARD_TEST_FILE = 1500


def functions(lines):
    """(name, first line, length) of the definitions at namespace or class level, by clang-format's own layout."""
    start, name = None, ""
    for number, line in enumerate(lines, 1):
        if start is None:
            match = re.match(r"^( {0,2})(?!namespace|class|struct|enum|union|extern|#|//|})\S.*\)[^;=]*\{$", line)
            if match:
                start, name, indent = number, line.strip(), match.group(1)
        elif line == indent + "}":
            yield name, start, number - start + 1
            start = None


def main():
    files = subprocess.run(["git", "ls-files", "*.cc", "*.h"], capture_output=True, text=True, check=True).stdout.split()
    errors, notes, total = [], [], 0
    for name in files:
        lines = pathlib.Path(name).read_text().splitlines()
        test = name.startswith(("tests/", "bench/"))
        total += 0 if test else len(lines)
        if len(lines) > (HARD_TEST_FILE if test else HARD_FILE):
            errors.append(f"{name}: {len(lines)} lines")
        elif len(lines) > SOFT_FILE and not test:
            notes.append(f"{name}: {len(lines)} lines")
        for function, start, length in functions(lines):
            if test:
                continue
            if length > HARD_FUNCTION:
                errors.append(f"{name}:{start}: {length} lines in {function[:60]}")
            elif length > SOFT_FUNCTION:
                notes.append(f"{name}:{start}: {length} lines in {function[:60]}")
    print(f"{total} lines of C++ without tests; {len(notes)} over a soft limit")
    print("\n".join(["over the soft limit:"] + notes if notes else []))
    if errors:
        print("\n".join(["over the hard limit:"] + errors))
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
