#!/usr/bin/env python3
"""Writes docs/numerics-in-practice.md and its pictures: real networks in portable, device (m1, m5) and fp32 numerics.
Measures, assumes nothing. Needs numpy and a folder of networks NAME/model.onnx, NAME/case_0/input_K.npy.

    numerics_in_practice.py PROGRAM MODELS DOCS_FOLDER
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

# Network, and the outputs whose largest element along the last axis is a decision ("": none).
NETWORKS = [("mnist_cntk", "digit", "*"), ("squeezenet_fp16", "object", "*"), ("face_antispoof", "real or fake", "*"),
            ("ocr_cls_ppv2", "orientation", "*"), ("magika_v3_3", "file type", "*"),
            ("ultraface_rfb_320", "face or none per anchor", "scores"), ("yunet_n_320", "-", ""),
            ("fastestdet", "-", ""), ("superres_espcn_224", "-", ""), ("person_detector_rpi", "-", "")]
MODES = [("portable", ["--numerics", "portable"]), ("device m1", ["--numerics", "device", "--target", "m1"]),
         ("device m5", ["--numerics", "device", "--target", "m5"])]
BINS = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256]
LABELS = ["0", "<1", "1", "2-3", "4-7", "8-15", "16-31", "32-63", "64-127", "128-255", ">=256"]
COLORS = {"portable": "#4878a8", "device m1": "#c86432", "device m5": "#50966e"}


def inputs_of(program, model):
    listed = json.loads(subprocess.run([program, "info", model / "model.onnx", "--json"], capture_output=True, text=True,
                                       check=True).stdout)["inputs"]
    options = []
    for i, port in enumerate(listed):
        options += ["--input", f"{port['name']}={model / 'case_0' / f'input_{i}.npy'}"]
    return options


def run(program, model, options, feed, folder, name):
    output, dump = folder / f"{name}.npz", folder / f"{name}_dump.npz"
    subprocess.run([program, "run", model / "model.onnx", *feed, *options, "--output", output, "--dump", dump], check=True,
                   capture_output=True)
    return dict(np.load(output)), np.load(dump)


def median_ms(program, model, options, feed):
    result = subprocess.run([program, "bench", model / "model.onnx", *feed, *options, "--threads", "1", "--runs", "5",
                             "--warmup", "1", "--json"], capture_output=True, text=True, check=True)
    return json.loads(result.stdout)["median_ms"]


def unit(reference):
    """fp16's unit in the last place at each reference value."""
    exponent = np.floor(np.log2(np.maximum(np.abs(reference), 2.0 ** -14)))
    return 2.0 ** (exponent - 10)


def histogram(values, reference):
    """Shares of elements by error in units: equal after rounding to fp16, below one unit, then powers of two."""
    error = np.abs(values - reference) / unit(reference)
    equal = values.astype(np.float16) == reference.astype(np.float16)
    edges = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, np.inf]
    counts = [int(equal.sum())] + [int(((error >= low) & (error < high) & ~equal).sum())
                                   for low, high in zip(edges, edges[1:])]
    return np.array(counts) / values.size


def flips(outputs, reference, which):
    if not which:
        return None
    changed = total = 0
    for name, wide in reference.items():
        if which not in ("*", name):
            continue
        rows = wide.reshape(-1, wide.shape[-1] if which != "*" or wide.shape[-1] > 1 else wide.size)
        best = outputs[name].astype(np.float64).reshape(rows.shape).argmax(1)
        changed += int((best != rows.argmax(1)).sum())
        total += len(best)
    return changed, total


def first_difference(dump, portable):
    """The first tensor in execution order whose bits are not those of portable numerics."""
    for place, name in enumerate(dump.files, 1):
        a, b = dump[name], portable[name]
        if a.dtype == np.float16 and a.shape == b.shape and (a.view(np.uint16) != b.view(np.uint16)).any():
            return place, name, float((a.view(np.uint16) != b.view(np.uint16)).mean())
    return None


def growth(dump, wide):
    """Root mean square error of every tensor, relative to that of the fp32 tensor."""
    result = []
    for name in dump.files:
        if name not in wide.files or wide[name].dtype.kind != "f":
            continue
        reference = wide[name].astype(np.float64)
        scale = np.sqrt((reference ** 2).mean())
        error = np.sqrt(((dump[name].astype(np.float64) - reference) ** 2).mean())
        if scale > 0 and np.isfinite(error):
            result.append(error / scale)
    return result


def measure(program, models, name, which):
    model = models / name
    feed = inputs_of(program, model)
    row = {"name": name, "modes": {}}
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        wide, wide_dump = run(program, model, ["--numerics", "fp32", "--precision", "source"], feed, scratch, "fp32")
        reference = np.concatenate([v.astype(np.float64).ravel() for v in wide.values()])
        row["scale"] = float(np.abs(reference).max())
        portable_dump = None
        for mode, options in MODES:
            outputs, dump = run(program, model, options, feed, scratch, mode.replace(" ", "_"))
            values = np.concatenate([outputs[k].astype(np.float64).ravel() for k in wide])
            portable_dump = portable_dump or dump
            row["modes"][mode] = {
                "max": float(np.abs(values - reference).max()), "histogram": histogram(values, reference),
                "flips": flips(outputs, wide, which), "growth": growth(dump, wide_dump), "tensors": len(dump.files),
                "parts": None if mode == "portable" else first_difference(dump, portable_dump),
                "ms": median_ms(program, model, options, feed)}
    return row


def text(x, y, words, size=11, anchor="start", color="#333"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{color}" '
            f'font-family="sans-serif">{words}</text>')


def legend(x, y):
    parts = []
    for i, (mode, _) in enumerate(MODES):
        parts.append(f'<rect x="{x + i * 110}" y="{y - 9}" width="10" height="10" fill="{COLORS[mode]}"/>')
        parts.append(text(x + i * 110 + 15, y, mode))
    return parts


def histogram_picture(rows):
    width, panel, left = 760, 92, 150
    height = 60 + panel * len(rows)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">',
             f'<rect width="{width}" height="{height}" fill="white"/>', *legend(left, 20)]
    step = (width - left - 20) / len(LABELS)
    for r, row in enumerate(rows):
        base = 40 + panel * (r + 1) - 22
        parts.append(text(8, base - 25, row["name"]))
        parts.append(f'<line x1="{left}" y1="{base}" x2="{width - 20}" y2="{base}" stroke="#999"/>')
        for b, label in enumerate(LABELS):
            parts.append(text(left + step * (b + 0.5), base + 13, label, 9, "middle", "#777"))
            for m, (mode, _) in enumerate(MODES):
                share = row["modes"][mode]["histogram"][b]
                bar = share * (panel - 34)
                parts.append(f'<rect x="{left + step * b + 6 + m * 13:.1f}" y="{base - bar:.1f}" width="12" '
                             f'height="{bar:.1f}" fill="{COLORS[mode]}"/>')
    return "\n".join(parts + ["</svg>"]) + "\n"


def growth_picture(row):
    width, height, left, bottom = 760, 300, 60, 260
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">',
             f'<rect width="{width}" height="{height}" fill="white"/>', *legend(left, 20)]
    exponents = range(-5, 1)
    for e in exponents:
        y = bottom - (e + 5) / 5 * 220
        parts.append(f'<line x1="{left}" y1="{y:.1f}" x2="{width - 20}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(text(left - 6, y + 4, f"1e{e}", 10, "end", "#777"))
    for mode, _ in MODES:
        series = row["modes"][mode]["growth"]
        step = (width - left - 20) / max(len(series) - 1, 1)
        points = " ".join(f"{left + i * step:.1f},{bottom - (np.log10(min(max(v, 1e-5), 1)) + 5) / 5 * 220:.1f}"
                          for i, v in enumerate(series))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{COLORS[mode]}" stroke-width="1.5"/>')
    parts.append(text(left, 285, f"{row['name']}: tensors in execution order; rms error relative to fp32", 11))
    return "\n".join(parts + ["</svg>"]) + "\n"


def page(rows):
    lines = [
        "# Numerics in practice", "",
        "The same networks in `portable`, in `device` numerics of two chips and in fp32, with the first input that comes with "
        "each. Written by `bench/numerics_in_practice.py` from measured data; nothing here is a claim about a device beyond what "
        "the [rules](spec/numerics.md) and [probes](spec/probes.md) say. The yardstick is `--numerics fp32 --precision source`.",
        "", "## Error of the outputs", "",
        "Largest absolute difference over all outputs, beside the largest magnitude of the outputs.", "",
        "| network | largest output | " + " | ".join(mode for mode, _ in MODES) + " |",
        "| --- | ---: |" + " ---: |" * len(MODES)]
    for row in rows:
        lines.append(f"| {row['name']} | {row['scale']:.4g} | " +
                     " | ".join(f"{row['modes'][mode]['max']:.3g}" for mode, _ in MODES) + " |")
    lines += ["", "Shares of output elements by error in units of the last place of fp16 (`0`: equal after rounding the yardstick "
              "to fp16):", "", "![histograms](pictures/numerics_histograms.svg)", "", "## Decisions", "",
              "Rows whose largest element is another one than in fp32.", "",
              "| network | decision | " + " | ".join(mode for mode, _ in MODES) + " |",
              "| --- | --- |" + " ---: |" * len(MODES)]
    for row, (_, decision, which) in zip(rows, NETWORKS):
        if which:
            lines.append(f"| {row['name']} | {decision} | " + " | ".join(
                "{} of {}".format(*row["modes"][mode]["flips"]) for mode, _ in MODES) + " |")
    lines += ["", "## Where they part", "",
              "The first tensor in execution order whose bits are not those of `portable`, and the share of its elements.", "",
              "| network | tensors | device m1 | device m5 |", "| --- | ---: | --- | --- |"]
    for row in rows:
        cells = []
        for mode in ("device m1", "device m5"):
            parts = row["modes"][mode]["parts"]
            cells.append("never" if parts is None else f"{parts[0]}: `{parts[1]}`, {parts[2] * 100:.2g} %")
        lines.append(f"| {row['name']} | {row['modes']['portable']['tensors']} | {cells[0]} | {cells[1]} |")
    lines += ["", "How the error grows through the deepest of them:", "", "![growth](pictures/numerics_growth.svg)", "",
              "## Time", "", "Median milliseconds on one thread of whatever machine wrote this page, busy or not, and how many times longer than "
              "`portable`.", "",
              "| network | portable | device m1 | device m5 |", "| --- | ---: | ---: | ---: |"]
    for row in rows:
        base = row["modes"]["portable"]["ms"]
        cells = [f"{base:.2f}"] + [f"{row['modes'][m]['ms']:.2f} ({row['modes'][m]['ms'] / base:.1f} x)"
                                   for m in ("device m1", "device m5")]
        lines.append(f"| {row['name']} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main():
    program, models, docs = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    rows = []
    for name, _, which in NETWORKS:
        rows.append(measure(program, models, name, which))
        print(name, {mode: (f"{m['max']:.3g}", m["flips"], m["parts"], f"{m['ms']:.1f} ms")
                     for mode, m in rows[-1]["modes"].items()}, flush=True)
    (docs / "pictures").mkdir(exist_ok=True)
    (docs / "pictures/numerics_histograms.svg").write_text(histogram_picture(rows))
    deepest = max(rows, key=lambda row: len(row["modes"]["portable"]["growth"]))
    (docs / "pictures/numerics_growth.svg").write_text(growth_picture(deepest))
    (docs / "numerics-in-practice.md").write_text(page(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
