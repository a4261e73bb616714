#!/usr/bin/env python3
"""Writes docs/coreml-operations.md: every operation of ML Programs, and what becomes of it.

    make_coreml_operations.py            write the page
    make_coreml_operations.py --check    fail when it is not what would be written, or under 95 % run or are tested
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/coreml-operations.md"
MIL = ROOT / "runtime/import/coreml/mil"
# Operations that the program converter itself handles.
BUILT_IN = ["classify", "cond", "const", "read_state", "while_loop", "write_state"]


def main():
    rows = {}
    for path in sorted(MIL.glob("table_*.cc")):
        for name in re.findall(r'\{"([a-z0-9_]+)",\s*[A-Z]', path.read_text()):
            rows[name] = "runs"
    for name in BUILT_IN + sorted(set(re.findall(r'"(constexpr_[a-z_]+)"', (MIL / "constexpr.cc").read_text()))):
        rows[name] = "runs"
    table = (MIL / "table.cc").read_text()
    reasons = dict(re.findall(r'constexpr char (k\w+)\[\] = "([^"]+)"', table))
    for name, reason in re.findall(r'\{"([a-z0-9_]+)", (k\w+)\}', table):
        rows[name] = f"refused: {reasons[reason]}"
    tests = "".join(path.read_text() for path in sorted((ROOT / "tests/import/coreml").glob("mil_*")))
    words = set(re.findall(r'"([a-z0-9_]+)"', tests))
    runs = [name for name in rows if rows[name] == "runs"]
    tested = [name for name in runs if name in words]
    share = 100 * len(runs) / len(rows)
    lines = ["# Operations of ML Programs", "", "Made by `.ci/make_coreml_operations.py`; see `coreml.md` for how programs are read.", "",
             f"{len(runs)} of {len(rows)} operations run ({share:.1f} %), {len(tested)} of them have a test with values worked out by hand.",
             "", "| operation | status |", "| --- | --- |"]
    lines += [f"| {name} | {rows[name]}{'' if name in words or rows[name] != 'runs' else ', no test of its own'} |" for name in sorted(rows)]
    text = "\n".join(lines) + "\n"
    if "--check" not in sys.argv:
        PAGE.write_text(text)
    elif PAGE.read_text() != text or share < 95 or len(tested) < 0.95 * len(runs):
        print("docs/coreml-operations.md is not up to date, or under 95 %: run .ci/make_coreml_operations.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
