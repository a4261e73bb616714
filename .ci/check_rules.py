#!/usr/bin/env python3
"""The spec check: rules are defined once in docs/spec/*.md as **N19**; code cites them, tests carry them in their names.
Fails on a rule without a test, on an id that no page defines, on an id defined twice, on a retired id that is used.
Prints the coverage table. A rule that only describes (no behaviour of ours) is marked _(descriptive)_ on its page."""
import collections
import pathlib
import re
import subprocess
import sys

DEFINITION = re.compile(r"^\*\*([NLEVCPFA]\d+)\b[^*]*\*\*(.*)")
CITATION = re.compile(r"\b(?!C\+\+|C99|C1\d|C2\d)([NLEVCPFA]\d{1,3})\b")
TEST = re.compile(r'TEST_CASE\w*\(\s*"([NLEVCPFA]\d+(?:[ ,/]+[NLEVCPFA]\d+)*):')
RETIRED = set()


def tracked(*patterns):
    return subprocess.run(["git", "ls-files", *patterns], capture_output=True, text=True, check=True).stdout.split()


def main():
    rules, problems, descriptive = {}, [], set()
    for name in tracked("docs/spec/*.md"):
        for number, line in enumerate(pathlib.Path(name).read_text().splitlines(), 1):
            if match := DEFINITION.match(line):
                rule = match.group(1)
                if rule in rules:
                    problems.append(f"{name}:{number}: {rule} is defined twice (also {rules[rule]})")
                if rule in RETIRED:
                    problems.append(f"{name}:{number}: {rule} is retired")
                rules[rule] = f"{name}:{number}"
                if "_(descriptive)_" in match.group(2):
                    descriptive.add(rule)
    tests, code = collections.Counter(), collections.Counter()
    for name in tracked("tests/*.cc"):
        for match in TEST.finditer(pathlib.Path(name).read_text()):
            for rule in re.findall(r"[NLEVCPFA]\d+", match.group(1)):
                tests[rule] += 1
                if rule not in rules:
                    problems.append(f"{name}: a test names {rule}, which no page defines")
    for name in tracked("runtime/*.cc", "runtime/*.h", "ops/*.cc", "ops/*.h", "tools/*.cc", "tools/*.h", "schema/net.fbs"):
        for number, line in enumerate(pathlib.Path(name).read_text().splitlines(), 1):
            comment = line.split("//", 1)[1] if "//" in line else ""
            quoted = re.findall(r'"([FPNLEVCA]\d+)"', line)
            for rule in CITATION.findall(comment) + quoted:
                code[rule] += 1
                if rule not in rules:
                    problems.append(f"{name}:{number}: cites {rule}, which no page defines")
    print(f"{'rule':<6} {'tests':>5} {'code':>5}  page")
    for rule in sorted(rules, key=lambda r: (r[0], int(r[1:]))):
        mark = " (descriptive)" if rule in descriptive else ""
        print(f"{rule:<6} {tests[rule]:>5} {code[rule]:>5}  {rules[rule]}{mark}")
        if tests[rule] == 0 and rule not in descriptive:
            problems.append(f"{rules[rule]}: {rule} has no test")
    covered = sum(1 for rule in rules if tests[rule] or rule in descriptive)
    print(f"{covered} of {len(rules)} rules covered")
    if problems:
        print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
