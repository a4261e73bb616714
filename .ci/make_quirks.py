#!/usr/bin/env python3
"""Writes docs/quirks.md from schema/data/quirks.json; with --check fails when the page is not current."""
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "quirks.md"
HEAD = """# Quirks

Made by `.ci/make_quirks.py` from `schema/data/quirks.json`; do not edit. `aneref compare` blames a difference on one of these only
when its evaluator reproduces at least 98 % of the elements that differ. Confidence: measured on a device, decompiled
(read from tables or code), community (reported by others), modelled (our own choice). Rules: [spec/numerics.md](spec/numerics.md),
[spec/portable.md](spec/portable.md), [spec/layout.md](spec/layout.md).
"""
SECTIONS = [
    ("chip", "The engine's own behaviour"),
    ("host", "Other arithmetic, and dumps that were read wrongly"),
    ("conversion", "Mistakes on the way to the device"),
]


def entry(quirk):
    lines = [f"### {quirk['title']}", "", f"`{quirk['id']}`: {quirk['sentence']}", "", f"What to do: {quirk['advice']}", ""]
    facts = []
    if quirk["rule"]:
        facts.append(f"rule {quirk['rule']}")
    facts.append("ops: " + ("any" if quirk["ops"] == ["*"] else ", ".join(quirk["ops"])))
    if quirk["chips"]:
        facts.append("chips: " + " ".join(quirk["chips"]))
    facts.append(quirk["confidence"])
    if quirk["reference"]:
        facts.append(quirk["reference"])
    return "\n".join(lines + ["Facts: " + " · ".join(facts), ""])


def page():
    quirks = json.loads((ROOT / "schema" / "data" / "quirks.json").read_text())["quirks"]
    parts = [HEAD]
    for kind, title in SECTIONS:
        parts.append(f"## {title}\n")
        parts += [entry(quirk) for quirk in quirks if quirk["kind"] == kind]
    return "\n".join(parts)


def main():
    if "--check" in sys.argv:
        if not PAGE.exists() or PAGE.read_text() != page():
            print("docs/quirks.md is not current: run .ci/make_quirks.py")
            return 1
        return 0
    PAGE.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
