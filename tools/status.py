#!/usr/bin/env python3
"""Writes docs/status.md: what runs, in which numerics, and why each case that does not pass does not.

    tools/status.py --bin build/release/tools/aneref --operators DIR --networks DIR --coreml DIR    runs the corpora, then writes
    tools/status.py                    writes from docs/status.json
    tools/status.py --check            fails when the page is not current, or under 95 % of Core ML's layers or operations run

DIR holds an index.json with "tests" (one operator each) or "networks", models and .npy files; that of Core ML a models.tsv and
expected/MODEL.caseN.npz with in__NAME and out__NAME. The results are kept in docs/status.json; the reasons in
docs/status_notes.json, by the beginning of a case's name. Running needs numpy. `device` is the arithmetic of the M1's engine: its
numbers are not those of IEEE, so that what does not pass there is counted but not explained one by one.
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
RUNGS = ROOT / "docs/rungs.json"  # written by tools/rungs.py
NUMERICS = ("fp32", "portable", "device")
EXPLAINED = ("fp32", "portable")
LARGEST_HALF = 65504.0


# ---- running --------------------------------------------------------------------------------------------------------

def coreml_cases(corpus):
    """The arrays of each archive, unpacked beside the results of this run."""
    import numpy
    scratch = pathlib.Path(tempfile.mkdtemp())
    head, *rows = [line.split("\t") for line in (corpus / "models.tsv").read_text().splitlines()]
    cost = collections.defaultdict(dict)  # of rounding every step to fp16, by the author of the expected values
    for line in (corpus / "expected/expected.tsv").read_text().splitlines()[1:]:
        cell = line.split("\t")
        known = cost[pathlib.Path(cell[0]).name]
        known[cell[2]] = max(float(cell[7] or 0), known.get(cell[2], 0.0))
    for row in rows:
        model = corpus / row[head.index("file")]
        for archive in sorted((corpus / "expected").glob(f"{model.stem}.case*.npz")):
            arrays, data = {"in": [], "out": []}, numpy.load(archive)
            for key in data.files:
                side, name = key.split("__", 1)
                if name.endswith("__labels") or data[key].dtype.kind in "US":
                    continue
                file = scratch / f"{archive.stem}.{key.replace('/', '_')}.npy"
                numpy.save(file, data[key])
                arrays[side].append({"name": name, "file": file.name})
            yield {"name": f"{model.name}/{archive.stem.rsplit('.', 1)[1]}", "op": "", "opset": 0, "folder": scratch,
                   "row": {"half": cost[model.name]}, "model": model, "inputs": arrays["in"], "outputs": arrays["out"], "is_network": True}


def cases_of(corpus):
    if (corpus / "models.tsv").exists():
        yield from coreml_cases(corpus)
        return
    index = json.loads((corpus / "index.json").read_text())
    for row in index.get("tests", []):
        yield {"name": row["name"], "op": row["op"], "opset": row["opset"], "folder": corpus / row["name"], "row": row,
               "inputs": row["inputs"], "outputs": row["outputs"], "is_network": False}
    for row in index.get("networks", []):
        for case in row.get("cases", []):
            yield {"name": f'{row["name"]}/{case["dir"]}', "op": "", "opset": row["opset"], "folder": corpus / row["name"],
                   "row": row, "inputs": case["inputs"], "outputs": case["outputs"], "is_network": True}


def outside(case, numerics, name, got, want):
    """How many elements are farther from the expected ones than the numerics allow; -1 for another shape. fp16 networks: 2 % of the
    largest, or 4 times what the corpus says that fp16 costs."""
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
        bound = max(2e-2 * top, 4 * case["row"].get("half", {}).get(name, 0.0)) + 0 * want
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
        command = [binary, "run", str(case.get("model", case["folder"] / "model.onnx")), "--numerics", numerics, "--threads", "1", "--output",
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
            count = outside(case, numerics, item["name"], got[item["name"]], want)
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
        if outcome != "pass" and (numerics in EXPLAINED or outcome in ("crash", "hang")):
            rest.append({"case": case["name"], "numerics": numerics, "outcome": outcome, "message": message})
    version = subprocess.run([binary, "--version"], capture_output=True, text=True).stdout.strip()
    rest.sort(key=lambda item: (item["case"], item["numerics"]))
    return {"program": version, "operators": operators, "networks": networks, "not_passed": rest}


# ---- what the source says -------------------------------------------------------------------------------------------

def kernels():
    """Kernel -> its printed name, and whether it has a vector twin of its own."""
    found = {}
    for path in sorted((ROOT / "ops").rglob("*.cc")):
        if path.stem.endswith("_none"):
            continue  # stands in for a kernel in the smallest library
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
    if "AddConvTask(" in main.read_text():  # mac.cc asks the plans of convolutions
        chosen += [ROOT / f"ops/kernels/{plan}.cc" for plan in ("conv_plan", "conv_direct_plan")]
    named = "".join(path.read_text() for path in own)
    picked = "".join(path.read_text() for path in chosen)
    return [known[name] for name in sorted(known) if not name.startswith("device_") and
            (re.search(rf"\b{name}\b", named) or f"&{name}" in picked)]


def families():
    known = kernels()
    on_device = device_families()
    for table, family in re.findall(r"^ANEREF_OP\((\w+), (\w+)\)", (ROOT / "ops/ops.def").read_text(), re.M):
        used = used_kernels(family, known)
        scalar, vector = ([name for name, is_vector in used if is_vector == wanted] for wanted in (False, True))
        tests = sorted(path.name for path in (ROOT / "tests/ops").glob(f"{family}_test.cc"))
        yield (family, ", ".join(vector), ", ".join(scalar), on_device.get(table, "portable"),
               ", ".join(tests) or "with the networks and importers")


# ---- writing --------------------------------------------------------------------------------------------------------

def reason(notes, case, numerics):
    for note in notes:
        if case.startswith(note["case"]) and numerics in note.get("numerics", NUMERICS):
            return note["why"]
    return None


def operator_rows(operators):
    for op, opsets in sorted(operators.items()):
        for opset, cell in sorted(opsets.items(), key=lambda item: int(item[0])):
            yield op, opset, *(cell.get(key, 0) for key in ("cases", *NUMERICS))


def device_families():
    """Families with a datapath of their own in the engine's arithmetic, and those that go through binary32 there."""
    table = re.search(r"const DeviceOp\* TableRow.*?^}", (ROOT / "ops/device.cc").read_text(), re.M | re.S).group(0)
    found, waiting = {}, []
    for op, target in re.findall(r"case fbs::Op::(\w+):|(?:return &|ANEREF_DEVICE\()(\w+)\)?;", table):
        if op:
            waiting.append(op)
        else:
            found |= {name: "binary32" if target.startswith("k") else "engine" for name in waiting}
            waiting = []
    return found


def coreml_coverage():
    """(what, runs, of all, tested), from the pages that .ci/make_coreml_*.py write."""
    for what, page in (("layers", "docs/coreml-layers.md"), ("operations", "docs/coreml-operations.md")):
        text = (ROOT / page).read_text()
        runs, total, tested = map(int, re.search(rf"^(\d+) of (\d+) {what} run .*?(\d+) of them have a test", text, re.M).groups())
        yield what, runs, total, tested, page


def share(count, total):
    return f"{count} ({100 * count / total:.1f} %)"


def table(head, rows):
    return ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)] + [
        "| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]


def summary(results):
    total = [sum(row[i] for row in operator_rows(results["operators"])) for i in (2, 3, 4, 5)]
    outcomes = collections.Counter((n, o) for case in results["networks"].values() for n, o in case.items())
    passed = ", ".join(f'{outcomes[n, "pass"]} in {n}' for n in NUMERICS)
    lines = [f'Program: {results["program"]}. Operator tests: {total[0]}; pass in fp32 {share(total[1], total[0])}, in portable '
             f"{share(total[2], total[0])}, in device {share(total[3], total[0])}.", "",
             f'Networks, ONNX and Core ML: {len(results["networks"])} cases; pass {passed}. Crashes and hangs: '
             f'{sum(item["outcome"] in ("crash", "hang") for item in results["not_passed"])}.', ""]
    for what, runs, every, tested, page in coreml_coverage():
        lines += [f"Core ML {what}: {share(runs, every)} of {every} run, {tested} have a test with values worked out by hand; the rest is "
                  f"refused, each with its reason ([list]({page.removeprefix('docs/')})).", ""]
    return lines


def rungs(held):
    """Per corpus and chip: cases, and how the comparisons of tools/rungs.py ended."""
    for corpus, cases in sorted(held.items()):
        for chip in sorted({chip for row in cases.values() for chip in row}):
            ends = collections.Counter(row[chip].split(":")[0] for row in cases.values() if chip in row)
            yield (corpus, chip, sum(ends.values()), ends["equal"], ends["refused"], ends["left out"], ends["differs"] + ends["crash"])


def rung_lines(held, networks):
    lines = ["", "## The rungs of the engine's arithmetic", "", "References, plan with scalar kernels and plan with Highway kernels in "
             "`device` numerics, one digest each of all outputs, by `tools/rungs.py`; refused are the cases that no numerics run.", ""]
    lines += table(("corpus", "chip", "cases", "equal", "refused", "left out", "differ"), rungs(held))
    late = [f"{name} on {chip} ({row[chip].removeprefix('left out: ')})" for cases in held.values() for name, row in sorted(cases.items())
            for chip in sorted(row) if row[chip].startswith("left out")]
    if late:
        lines += ["", "Left out: " + ", ".join(late) + "."]
    waiting = sorted(set(networks) - {name for cases in held.values() for name in cases})
    return lines + (["", "Not compared yet: " + ", ".join(waiting) + "."] if waiting else [])


def page(results, notes):
    lines = ["# What runs", "", "Written by `tools/status.py` from real runs and from the source; not by hand.", "", *summary(results)]
    lines += ["## Op families", "", "Every family has a reference, which is its meaning (rung 1). Kernels have a scalar twin; most have a "
              "Highway twin, too (strided_copy is a copy of an operand). What no kernel takes runs the reference. `device`: `engine` has "
              "a datapath of its own under the N rules, `binary32` goes through N38, `portable` moves bits, computes integers or is the "
              "host's (numerics.md).", ""]
    lines += table(("family", "kernels with a Highway twin", "scalar kernels", "device", "tests"), families())
    if RUNGS.exists():
        lines += rung_lines(json.loads(RUNGS.read_text()), results["networks"])
    lines += ["", "## ONNX operators", "", "Opsets are those of the tests, which import that version's form of the operator. Expanded "
              "twins count under the operator that they expand. Figures: cases that pass.", ""]
    lines += table(("operator", "opset", "cases", *NUMERICS), operator_rows(results["operators"]))
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
    parser.add_argument("--coreml", type=pathlib.Path)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    if args.bin:
        results = run_all([path for path in (args.operators, args.networks, args.coreml) if path], args.bin)
        RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    text, missing = page(json.loads(RESULTS.read_text()), json.loads(NOTES.read_text()))
    if missing:
        print("docs/status_notes.json does not explain: " + ", ".join(missing))
    if args.check:
        current = PAGE.read_text() == text
        if not current:
            print("docs/status.md is not current: run tools/status.py")
        covered = all(runs >= 0.95 * every for _, runs, every, *_ in coreml_coverage())
        if not covered:
            print("under 95 % of Core ML's layers or operations run")
        return 0 if current and covered and not missing else 1
    PAGE.write_text(text)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
