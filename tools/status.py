#!/usr/bin/env python3
"""Writes docs/status.md: what runs, in which numerics, and why each case that does not pass does not.

    tools/status.py --bin build/release/tools/aneref --operators DIR --networks DIR    runs both corpora, then writes
    tools/status.py                                                                    writes from docs/status.json
    tools/status.py --check                                                            fails when the page is not current

DIR holds an index.json with "tests" (one operator each) or "networks", models and .npy files. The results are kept in
docs/status.json; the reasons in docs/status_notes.json, by the beginning of a case's name. Running needs numpy.
"""
import argparse
import collections
import concurrent.futures
import json
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS, NOTES, PAGE = ROOT / "docs/status.json", ROOT / "docs/status_notes.json", ROOT / "docs/status.md"
NUMERICS = ("fp32", "portable")
LARGEST_HALF = 65504.0


# ---- running --------------------------------------------------------------------------------------------------------

def cases_of(corpus):
    index = json.loads((corpus / "index.json").read_text())
    for row in index.get("tests", []):
        yield {"name": row["name"], "op": row["op"], "opset": row["opset"], "folder": corpus / row["name"], "row": row,
               "inputs": row["inputs"], "outputs": row["outputs"], "is_network": False}
    for row in index.get("networks", []):
        for case in row.get("cases", []):
            yield {"name": f'{row["name"]}/{case["dir"]}', "op": "", "opset": row["opset"], "folder": corpus / row["name"],
                   "row": row, "inputs": case["inputs"], "outputs": case["outputs"], "is_network": True}


def outside(case, numerics, got, want):
    """How many elements are farther from the expected ones than the numerics allow; -1 for another shape."""
    import numpy
    if got.shape != want.shape:
        return -1
    if want.dtype.kind in "biu":
        differ = int((got != want).sum())
        return 0 if case["is_network"] and differ <= 0.01 * want.size else differ
    got, want = got.astype(numpy.float64), want.astype(numpy.float64)
    finite = numpy.isfinite(want)
    top = float(numpy.max(numpy.abs(want[finite]), initial=0.0))
    absolute, relative = float(case["row"].get("atol") or 0), float(case["row"].get("rtol") or 0)
    if numerics == "fp32":
        bound = max(absolute, 1e-5 * top) + max(relative, 1e-4) * numpy.abs(want)
    elif case["is_network"]:
        bound = 2e-2 * top + 0 * want
    else:
        bound = max(1e-3 * min(top, LARGEST_HALF), absolute, 1e-6) + 2e-3 * numpy.abs(want)
    with numpy.errstate(invalid="ignore"):
        near = finite & (numpy.abs(got - want) <= numpy.where(finite, bound, 0))
    near |= (numpy.isnan(got) & numpy.isnan(want)) | (got == want)
    if numerics != "fp32":  # beyond fp16 the largest number is right
        big = numpy.abs(want) > LARGEST_HALF * (1 - 2e-3)
        near |= ~finite | (big & (numpy.sign(got) == numpy.sign(want)) & (numpy.abs(got) >= 65000))
    return int((~near).sum())


def run(case, numerics, binary):
    import numpy
    with tempfile.TemporaryDirectory() as scratch:
        output = pathlib.Path(scratch) / "out.npz"
        command = [binary, "run", str(case["folder"] / "model.onnx"), "--numerics", numerics, "--threads", "1", "--output",
                   str(output)]
        for item in case["inputs"]:
            command += ["--input", f'{item["name"]}={case["folder"] / item["file"]}']
        try:
            done = subprocess.run(command, capture_output=True, timeout=120)
        except subprocess.TimeoutExpired:
            return "hang", ""
        said = done.stderr.decode(errors="replace").strip().splitlines()
        if done.returncode == 2 and said and not output.exists():
            return "refused", re.sub(r"\S*/([^/ ]+/model\.onnx)", r"\1", said[-1])
        if done.returncode != 0:
            return "crash", f"exit {done.returncode}"
        got = numpy.load(output)
        for item in case["outputs"]:
            want = numpy.load(case["folder"] / item["file"])
            count = outside(case, numerics, got[item["name"]], want)
            if count:
                text = "another shape" if count < 0 else f"{count} of {want.size} outside"
                return "fail", f'{item["name"]}: {text}'
    return "pass", ""


def run_all(corpora, binary):
    jobs = [(case, numerics) for corpus in corpora for case in cases_of(corpus) for numerics in NUMERICS]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(lambda job: run(job[0], job[1], binary), jobs))
    operators, networks, rest = {}, {}, []
    for (case, numerics), (outcome, message) in zip(jobs, outcomes):
        if case["is_network"]:
            networks.setdefault(case["name"], {})[numerics] = outcome
        else:
            cell = operators.setdefault(case["op"], {}).setdefault(str(case["opset"]), {"cases": 0})
            cell["cases"] += numerics == NUMERICS[0]
            cell[numerics] = cell.get(numerics, 0) + (outcome == "pass")
        if outcome != "pass":
            rest.append({"case": case["name"], "numerics": numerics, "outcome": outcome, "message": message})
    version = subprocess.run([binary, "--version"], capture_output=True, text=True).stdout.strip()
    rest.sort(key=lambda item: (item["case"], item["numerics"]))
    return {"program": version, "operators": operators, "networks": networks, "not_passed": rest}


# ---- what the source says -------------------------------------------------------------------------------------------

def kernels():
    """Kernel -> its printed name, and whether it has a vector twin of its own."""
    found = {}
    for path in sorted((ROOT / "ops").rglob("*.cc")):
        for name, printed, scalar, simd in re.findall(r'Kernel (\w+)(?: = )?\{\s*"(\w+)",\s*([\w:<>]+),\s*([\w:<>]+)\s*\}', path.read_text()):
            found[name] = (printed, scalar != simd)
    return found


def included(path):
    """Files of ops/ that a file includes, with their bodies."""
    names = re.findall(r'#include "ops/([\w/]+)\.h"', path.read_text())
    files = [ROOT / f"ops/{name}.{kind}" for name in names if name != "op" for kind in ("h", "cc")]
    return [file for file in files if file.exists()]


def used_kernels(family, known):
    """Named in the family's file or a helper beside it, or chosen (by address) in a kernel file that those include."""
    main = ROOT / f"ops/{family}.cc"
    own = [main] + [path for path in included(main) if path.parent == ROOT / "ops"]
    chosen = [path for file in own for path in included(file) if path.parent != ROOT / "ops" and path.suffix == ".cc"]
    named = "".join(path.read_text() for path in own)
    picked = "".join(path.read_text() for path in chosen)
    return [known[name] for name in sorted(known) if not name.startswith("device_") and
            (re.search(rf"\b{name}\b", named) or f"&{name}" in picked)]


def families():
    known = kernels()
    for family in re.findall(r"^ANEREF_OP\(\w+, (\w+)\)", (ROOT / "ops/ops.def").read_text(), re.M):
        used = used_kernels(family, known)
        scalar, vector = ([name for name, is_vector in used if is_vector == wanted] for wanted in (False, True))
        tests = sorted(path.name for path in (ROOT / "tests/ops").glob(f"{family}_test.cc"))
        yield family, ", ".join(vector), ", ".join(scalar), ", ".join(tests) or "with the networks and importers"


# ---- writing --------------------------------------------------------------------------------------------------------

def reason(notes, case, numerics):
    for note in notes:
        if case.startswith(note["case"]) and numerics in note.get("numerics", NUMERICS):
            return note["why"]
    return None


def operator_rows(operators):
    for op, opsets in sorted(operators.items()):
        cells = [sum(cell.get(key, 0) for cell in opsets.values()) for key in ("cases", *NUMERICS)]
        yield op, ", ".join(sorted(opsets, key=int)), *cells


def page(results, notes):
    total = [sum(row[i] for row in operator_rows(results["operators"])) for i in (2, 3, 4)]
    lines = ["# What runs", "", "Written by `tools/status.py` from real runs and from the source; not by hand.", "",
             f'Program: {results["program"]}. Operator tests: {total[0]}; pass in fp32 {total[1]} '
             f"({100 * total[1] / total[0]:.1f} %), in portable {total[2]} ({100 * total[2] / total[0]:.1f} %).", ""]
    outcomes = collections.Counter((n, o) for case in results["networks"].values() for n, o in case.items())
    lines += [f'Networks: {len(results["networks"])} cases; pass in fp32 {outcomes["fp32", "pass"]}, in portable '
              f'{outcomes["portable", "pass"]}. Crashes and hangs: '
              f'{sum(item["outcome"] in ("crash", "hang") for item in results["not_passed"])}.', ""]
    lines += ["## Op families", "", "Every family has a reference, which is its meaning (rung 1). Kernels have a scalar twin; "
              "most have a Highway twin, too (strided_copy is a copy of an operand). What no kernel takes runs the reference.", "",
              "| family | kernels with a Highway twin | scalar kernels | tests |", "| --- | --- | --- | --- |"]
    lines += [f"| {name} | {vector} | {scalar} | {tests} |" for name, vector, scalar, tests in families()]
    lines += ["", "## ONNX operators", "", "Opsets are those of the tests. Expanded twins count under the operator that they "
              "expand.", "", "| operator | opsets tested | cases | fp32 | portable |", "| --- | --- | --- | --- | --- |"]
    lines += [f"| {op} | {opsets} | {cases} | {fp32} | {portable} |"
              for op, opsets, cases, fp32, portable in operator_rows(results["operators"])]
    lines += ["", "## What does not pass, one by one", "", "| case | numerics | outcome | why |", "| --- | --- | --- | --- |"]
    missing = []
    for item in results["not_passed"]:
        why = reason(notes, item["case"], item["numerics"])
        if why is None:
            missing.append(f'{item["case"]} ({item["numerics"]})')
        message = item["message"].replace("|", "\\|")
        lines.append(f'| `{item["case"]}` | {item["numerics"]} | {item["outcome"]}: {message} | {why} |')
    return "\n".join(lines) + "\n", missing


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin")
    parser.add_argument("--operators", type=pathlib.Path)
    parser.add_argument("--networks", type=pathlib.Path)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    if args.bin:
        results = run_all([path for path in (args.operators, args.networks) if path], args.bin)
        RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    text, missing = page(json.loads(RESULTS.read_text()), json.loads(NOTES.read_text()))
    if missing:
        print("docs/status_notes.json does not explain: " + ", ".join(missing))
    if args.check:
        current = PAGE.read_text() == text
        if not current:
            print("docs/status.md is not current: run tools/status.py")
        return 0 if current and not missing else 1
    PAGE.write_text(text)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
