#!/usr/bin/env python3
"""Compares the three rungs of the engine's arithmetic over whole corpora, without a limit of time: references, plan with scalar
kernels and plan with Highway kernels give one digest for every case, on each chip. The tests do this for small work only.

    tools/rungs.py --bin build/release/tools/aneref DIR...       runs what docs/rungs.json does not hold yet, smallest first
    tools/rungs.py --bin ... --minutes 20 --timeout 300 DIR...   stops after 20 minutes; a run of over 300 s counts as left out

DIR as tools/status.py reads it, which writes the figures into docs/status.md. Every outcome is kept in docs/rungs.json at once, so
that a sweep goes on where it stopped. `--fresh` begins again. Needs numpy.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import status

RESULTS = status.ROOT / "docs/rungs.json"
CHIPS = ("m1", "m5")
RUNGS = ("simd", "scalar", "reference")


def digest(case, chip, rung, args):
    """("digest", hex), ("refused", why) or ("left out", why)."""
    command = [args.bin, "run", str(case.get("model", case["folder"] / "model.onnx")), "--numerics", "device", "--target", chip,
               "--rung", rung, "--threads", str(args.threads), "--digest"]
    for item in case["inputs"]:
        command += ["--input", f'{item["name"]}={case["folder"] / item["file"]}']
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=args.timeout)
    except subprocess.TimeoutExpired:
        return "left out", f"{rung}: over {args.timeout} s"
    found = re.search(r"\b[0-9a-f]{16}\b", done.stdout)
    if done.returncode == 0 and found:
        return "digest", found.group(0)
    return ("refused" if done.returncode == 2 else "crash"), f"{rung}: {done.stderr.strip()[-200:]}"


def compare(case, chip, args):
    seen = {}
    for rung in RUNGS:
        kind, value = digest(case, chip, rung, args)
        if kind == "refused" and rung == RUNGS[0]:
            return "refused", ""
        if kind != "digest":
            return kind, value
        seen[rung] = value
    return ("equal", "") if len(set(seen.values())) == 1 else ("differs", json.dumps(seen))


def corpus_of(case):
    if not case["is_network"]:
        return "ONNX operators"
    return "Core ML networks" if "model" in case else "ONNX networks"


def sweep(args):
    held = {} if args.fresh or not args.results.exists() else json.loads(args.results.read_text())
    cases = [case for corpus in args.corpus for case in status.cases_of(corpus)]
    seconds, waiting, began = {}, {}, time.time()
    for case in cases:  # operator tests are all small; among networks the fastest rung decides the order
        if all(chip in held.get(corpus_of(case), {}).get(case["name"], {}) for chip in CHIPS):
            continue
        start = time.time()
        if case["is_network"]:
            digest(case, CHIPS[0], RUNGS[0], args)
        seconds[case["name"]] = time.time() - start
        waiting[case["name"]] = case
    # Every network once before any of them a second time.
    for name in sorted(seconds, key=lambda name: (not name.endswith("0") and waiting[name]["is_network"], seconds[name])):
        case = waiting[name]
        for chip in CHIPS:
            row = held.setdefault(corpus_of(case), {}).setdefault(name, {})
            if chip in row:
                continue
            if args.minutes and time.time() - began > 60 * args.minutes:
                return held
            outcome, why = compare(case, chip, args)
            row[chip] = outcome if not why else f"{outcome}: {why}"
            print(f"{name:44} {chip}: {row[chip]}", flush=True)
            scratch = args.results.with_suffix(".part")
            scratch.write_text(json.dumps(held, indent=1, sort_keys=True) + "\n")
            os.replace(scratch, args.results)
    return held


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="+", type=pathlib.Path)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--timeout", type=int, default=3600)
    parser.add_argument("--minutes", type=float, default=0)
    parser.add_argument("--results", type=pathlib.Path, default=RESULTS)
    parser.add_argument("--fresh", action="store_true")
    held = sweep(parser.parse_args())
    wrong = [name for rows in held.values() for name, row in rows.items()
             for value in row.values() if value.startswith(("differs", "crash"))]
    print(f"{sum(len(row) for rows in held.values() for row in rows.values())} comparisons kept, {len(wrong)} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
