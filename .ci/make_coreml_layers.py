#!/usr/bin/env python3
"""Writes docs/coreml-layers.md: every layer that a Core ML network can contain, and what becomes of it.

Read from the schema (the names), the tables of runtime/import/coreml/ (the rows, the refusals) and the tests (which layers have
values worked out by hand). With --check: fails when the page is not up to date, or when less than 95 % are covered.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/coreml-layers.md"
CONTROL = {"branch", "loop"}  # known to converter.cc


def main():
    schema = (ROOT / "schema/coreml_network.proto").read_text()
    oneof = re.search(r"oneof layer \{(.*?)\n  \}", schema, re.S).group(1)
    layers = [(name, int(number)) for name, number in re.findall(r"\w+ (\w+) = (\d+);", oneof)]
    sources = "".join(path.read_text() for path in sorted((ROOT / "runtime/import/coreml").glob("table_*.cc")))
    rows = set(re.findall(r'\{Case::k\w+,\s*"(\w+)",', sources)) | CONTROL
    refused = dict(re.findall(r'\{Case::k\w+, "(\w+)",\s*"([^"]+)"\}', (ROOT / "runtime/import/coreml/table.cc").read_text()))
    tests = "".join(path.read_text() for path in sorted((ROOT / "tests/import/coreml").glob("nn_*_test.cc")))
    lines, covered, tested = [], 0, 0
    for name, number in layers:
        has_test = re.search(rf"\bmutable_{name.lower()}\(|&L::mutable_{name.lower()}\b", tests) is not None
        if name in rows:
            covered += 1
            tested += has_test
            status = "runs" + ("" if has_test else " (no test of its own)")
        else:
            status = "refused: " + refused.get(name, "unknown")
        lines.append(f"| {name} | {number} | {status} |")
    share = 100 * covered / len(layers)
    text = (f"# Layers of Core ML networks\n\nMade by `.ci/make_coreml_layers.py`; see `coreml.md` for how networks are read.\n\n"
            f"{covered} of {len(layers)} layers run ({share:.1f} %), {tested} of them have a test with values worked out by hand.\n\n"
            "| layer | number | status |\n| --- | --- | --- |\n" + "\n".join(lines) + "\n")
    if "--check" in sys.argv:
        if PAGE.read_text() != text or share < 95:
            print(f"docs/coreml-layers.md is not up to date, or {share:.1f} % < 95 %: run .ci/make_coreml_layers.py")
            return 1
        return 0
    PAGE.write_text(text)
    print(f"{covered} of {len(layers)} layers ({share:.1f} %), {tested} tested")
    return 0


if __name__ == "__main__":
    sys.exit(main())
