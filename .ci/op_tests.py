#!/usr/bin/env python3
"""Which op attributes and corners have no test of their own in tests/ops.

Reads the attribute tables of schema/net.fbs and the tests of each family. An attribute counts as tested when the family's test sets it
(`table.axis = ...`), an enumerator when the test names it. Corners are found by what a test of them cannot do without: an extent of
0, shapes of five axes and of none, NaN and infinity. With --check: fails when something is missing that is not listed in WAIVED.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# What has no such test, and why none is needed.
WAIVED = {
    "control": "its values are those of the graphs inside; tests/import/control_test.cc",
}
ENUMS_OF_ANOTHER = {"DataType", "PadMode", "ActivationKind"}
FIVE = r"\{(?:\d+,\s*){4}\d+\}"
CORNERS = {
    "five axes": rf"\b(?:Half|HalfBits|Float|Ints|Counted|Odd)\({FIVE}|\b(?:Make|Random|Counted)\([\w:]+,\s*{FIVE}|Shape\s*{FIVE}|,\s*{FIVE},\s*\{{",
    "no axes": r"\b(?:Half|HalfBits|Float|Ints|Counted)\(\{\}|\b(?:Make|Random|Counted)\([\w:]+,\s*\{\}|Shape\{\}|Shape\(\)",
    "an extent of 0": r"\{(?:[^{};]*, ?)?0(?:, ?[^{};]*)?\}, ?\{\}|Shape\{(?:\d+, ?)*0(?:, ?\d+)*\}",
    "NaN": r"[kK]?[nN][aA][nN]\b|0x7E00|quiet_NaN",
    "infinity": r"\bkInf|0x7C00|[iI]nfinity|\bHUGE_VAL",
}
# Families whose operands have no such corner: fixed ranks, integers alone, or no elements to be odd.
FIXED_RANK = {"recurrent", "attention", "rotary_embedding"}
WITHOUT = {
    "five axes": FIXED_RANK | {"depth_space"},
    "no axes": FIXED_RANK | {"conv", "conv_transpose", "pool"},
    "an extent of 0": {"einsum"},
    "NaN": {"generate", "integer_mac", "quantize"},
    "infinity": {"generate", "integer_mac", "quantize"},
}


def schema():
    text = re.sub(r"//.*|\(id: \d+\)", "", (ROOT / "schema/net.fbs").read_text())
    enums = {name: re.findall(r"(\w+) = \d+", body) for name, body in re.findall(r"enum (\w+) : \w+ \{(.*?)\}", text, re.S)}
    tables = {name: re.findall(r"(\w+): \[?(\w+)\]?(?: = (\w+))?", body) for name, body in re.findall(r"table (\w+) \{(.*?)\}", text, re.S)}
    return enums, tables


def missing(family, table, enums, tables):
    text = "".join(path.read_text() for path in (ROOT / "tests/ops").glob(f"{family}_test.cc"))
    shared = "".join((ROOT / f"tests/ops/{name}_test.cc").read_text() for name in ("corners", "ranks"))
    corners = re.split(r"^(?=TEST_CASE\()", shared, flags=re.M)
    text += "".join(case for case in corners if case.startswith(f'TEST_CASE("{family}:'))
    for field, kind, default in tables[table]:
        if not re.search(rf"[.>]{field}\b|\bT{{[^}}]*{field}", text):
            yield f"attribute {field}"
        for value in enums.get(kind, ()) if kind not in ENUMS_OF_ANOTHER else ():
            if value != default and not re.search(rf"::{value}\b", text):
                yield f"{field} {value}"
    for corner, pattern in CORNERS.items():
        if family not in WITHOUT[corner] and not re.search(pattern, text):
            yield corner


def main():
    enums, tables = schema()
    count = 0
    for table, family in re.findall(r"^ANEREF_OP\((\w+), (\w+)\)", (ROOT / "ops/ops.def").read_text(), re.M):
        if family in WAIVED:
            continue
        for what in missing(family, table, enums, tables):
            print(f"{family}: no test of {what}")
            count += 1
    return 1 if count and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
