#!/usr/bin/env python3
"""Writes docs/ops-on-chips.md from schema/data/ops.json; with --check fails when the page says anything else."""
import json
import pathlib
import sys

DATA, PAGE = pathlib.Path("schema/data/ops.json"), pathlib.Path("docs/ops-on-chips.md")
HEAD = """# Ops on chips

Which ops each engine generation has: one row per op of the machine-learning intermediate language, then netplist layers
behind it. Made from `schema/data/ops.json` by `.ci/ops_table.py`; `aneref explain` judges by the same table
([rules](spec/limits.md)). Sources are credited in [NOTICE](../NOTICE).

| column | chip | provenance |
| --- | --- | --- |
"""


def page(table):
    meta = table["meta"]
    lines = [HEAD.rstrip("\n")]
    for name, column in meta["columns"].items():
        lines.append(f"| {name} | {column['chip']} ({column['generation']}) | {column['provenance']} |")
    lines += ["", "native: " + meta["status"]["native"] + ". bridge: " + meta["status"]["bridge"] + ". gated: "
              + meta["status"]["gated"] + ". none: " + meta["status"]["none"] + ". -: untested.", ""]
    for category in dict.fromkeys(op["class"] for op in table["ops"]):
        lines += [f"## {category.replace('_', ' ')}", "", "| op | h13 | h14 | h15 | h16 | coreml | source | note |",
                  "| --- | --- | --- | --- | --- | --- | --- | --- |"]
        for op in table["ops"]:
            if op["class"] != category:
                continue
            cells = [op["name"], *(op["status"][c] for c in meta["columns"]), op["source"], op["note"].replace("|", "\\|")]
            lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


def main():
    text = page(json.loads(DATA.read_text()))
    if "--check" not in sys.argv:
        PAGE.write_text(text)
    elif PAGE.read_text() != text:
        print(f"{PAGE} is not what {DATA} says: run .ci/ops_table.py")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
