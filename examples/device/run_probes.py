#!/usr/bin/env python3
"""Asks a Mac's neural engine the numeric probes and writes its answers as a probe file (docs/probes-format.md).

Needs macOS, coremltools and numpy:

    python3 run_probes.py ../../tests/golden/probes.json --chip M4 -o m4.json
    aneref probe --file m4.json --target m4

NOT RUN ON A DEVICE BY US. The models follow coremltools' documented MIL builder; the logic around it is tested against
a stand-in module (tests/docs/run_probes_test.py). Core ML decides where a model runs: with CPU_AND_NE a model of one
op may stay on the CPU. Each answer therefore says which device Core ML planned for the op (`device`, from
MLComputePlan where coremltools has it); answers planned for the CPU are left out unless --keep-cpu is given.
"""
import argparse
import json
import platform
import struct
import sys

PLANAR = {"add": "add", "sub": "sub", "mul": "mul", "maximum": "maximum"}
UNARY = {"sigmoid": "sigmoid", "tanh": "tanh", "gelu": "gelu", "silu": "silu", "erf": "erf", "sin": "sin", "exp": "exp",
         "log": "log", "sqrt": "sqrt", "rsqrt": "rsqrt", "inverse": "inverse", "relu": "relu", "softplus": "softplus",
         "softsign": "softsign", "square": "square"}
CHANNELS = 64  # of the published 1x1 convolutions
SPREAD = 32    # copies of a scalar along the last axis, so that the engine is worth its while


def half_of(value):
    """A value of a probe file as a Python float; exact for fp16."""
    named = {"inf": "7C00", "-inf": "FC00", "nan": "7E00", "-0": "8000"}
    if isinstance(value, str):
        return struct.unpack("<e", bytes.fromhex(named.get(value, value))[::-1])[0]
    return float(value)


def bits_of(value):
    """The four hexadecimal digits of an fp16 number; NaN keeps no payload."""
    try:
        packed = struct.pack("<e", value)
    except OverflowError:
        packed = struct.pack("<e", float("inf") if value > 0 else float("-inf"))
    return packed[::-1].hex().upper()


def list_of(inputs):
    """A list given as values, as a repeated pattern or as a concatenation."""
    if "concat" in inputs:
        return [x for part in inputs["concat"] for x in list_of(part)]
    if "repeat" in inputs:
        return [half_of(x) for x in inputs["repeat"]] * int(inputs["times"])
    return [half_of(x) for x in inputs["values"]]


def operand(inputs, key):
    return half_of(inputs.get(key + "_bits16", inputs.get(key)))


class Question:
    """One model: named inputs (name, shape, flat values) and a function that builds the MIL op from them."""

    def __init__(self, inputs, build):
        self.inputs = inputs
        self.build = build


def mac_question(op, inputs):
    if op == "conv1x1_single_product":
        x, w, channels = [operand(inputs, "x")], [operand(inputs, "w")], CHANNELS
    elif op in ("conv1x1_weights_one", "matmul_with_ones"):
        x = list_of(inputs)
        w, channels = [1.0] * len(x), CHANNELS
    else:
        x, w = [half_of(v) for v in inputs["x"]], [half_of(v) for v in inputs["w"]]
        channels = len(x)
    bias = inputs.get("bias")
    if op.startswith("conv1x1"):
        fill = [0.0] * (max(channels, len(x)) - len(x))
        x, w = x + fill, w + ([w[-1]] * len(fill) if op == "conv1x1_weights_one" else fill)
        shape = (1, len(x), 1, SPREAD)
        values = [v for v in x for _ in range(SPREAD)]

        def build(mb, np, x):
            arguments = {"x": x, "weight": np.array(w, np.float16).reshape(1, len(w), 1, 1)}
            if bias is not None:
                arguments["bias"] = np.array([half_of(bias)], np.float16)
            return mb.conv(**arguments)
        return Question([("x", shape, values)], build)

    def build(mb, np, x):
        return mb.matmul(x=x, y=np.array(w, np.float16).reshape(len(w), 1))
    return Question([("x", (SPREAD, len(x)), x * SPREAD)], build)


def question_of(probe):
    """The model that asks a probe; None where this script has none."""
    op, inputs = probe["op"], probe["inputs"]
    shape = (1, SPREAD)
    if op in PLANAR:
        pair = [("x", shape, [operand(inputs, "a")] * SPREAD), ("y", shape, [operand(inputs, "b")] * SPREAD)]
        return Question(pair, lambda mb, np, x, y: getattr(mb, PLANAR[op])(x=x, y=y))
    if op in UNARY and ("a" in inputs or "a_bits16" in inputs):
        return Question([("x", shape, [operand(inputs, "a")] * SPREAD)],
                        lambda mb, np, x: getattr(mb, UNARY[op])(x=x))
    if op == "softmax":
        row = list_of(inputs)
        return Question([("x", (1, len(row)), row)], lambda mb, np, x: mb.softmax(x=x, axis=-1))
    if op == "reduce_sum":
        row = list_of(inputs)
        return Question([("x", (1, len(row)), row)], lambda mb, np, x: mb.reduce_sum(x=x, axes=[-1], keep_dims=True))
    if op == "slice" and inputs["axis"] in "NCHW":
        axis, begin = "NCHW".index(inputs["axis"]), int(inputs["begin"])
        shape = (4, 4, 4, 4)
        start = [begin if i == axis else 0 for i in range(4)]
        size = [extent - first for extent, first in zip(shape, start)]
        return Question([("x", shape, [half_of(inputs["fill"])] * 256)],
                        lambda mb, np, x: mb.slice_by_size(x=x, begin=start, size=size))
    if op.startswith(("conv1x1", "matmul_with_ones")) or (op in ("matmul", "linear") and "x" in inputs):
        return mac_question(op, inputs)
    return None


def build_model(question, ct, mb, types, np):
    specs = [mb.TensorSpec(shape=shape, dtype=types.fp16) for _, shape, _ in question.inputs]

    def function(*tensors):
        return question.build(mb, np, *tensors)
    names = ", ".join(name for name, _, _ in question.inputs)
    scope = {"function": function}
    # The builder reads the names of the inputs from the signature.
    exec(f"def program({names}):\n    return function({names})", scope)
    program = mb.program(input_specs=specs, opset_version=ct.target.iOS16)(scope["program"])
    return ct.convert(program, convert_to="mlprogram", compute_units=ct.ComputeUnit.CPU_AND_NE,
                      minimum_deployment_target=ct.target.iOS16, compute_precision=ct.precision.FLOAT16)


def planned_device(model, ct):
    """What Core ML plans for the ops: "NeuralEngine", "CPU" or "unknown"."""
    try:
        from coremltools.models.compute_plan import MLComputePlan
        plan = MLComputePlan.load_from_path(model.get_compiled_model_path(), compute_units=ct.ComputeUnit.CPU_AND_NE)
        names = set()
        for operation in plan.model_structure.program.functions["main"].block.operations:
            usage = plan.get_compute_device_usage_for_mlprogram_operation(operation)
            if usage is not None:
                names.add(type(usage.preferred_compute_device).__name__)
        return "NeuralEngine" if any("NeuralEngine" in name for name in names) else "CPU" if names else "unknown"
    except (ImportError, AttributeError):
        return "unknown"


def ask(probe, ct, mb, types, np):
    """The engine's answer as hexadecimal fp16 digits, one per output element without repetition, and its device."""
    question = question_of(probe)
    if question is None:
        return None
    model = build_model(question, ct, mb, types, np)
    feed = {name: np.array(values, np.float16).reshape(shape) for name, shape, values in question.inputs}
    output = next(iter(model.predict(feed).values()))
    values = [float(v) for v in np.asarray(output).reshape(-1)]
    bits = [bits_of(v) for v in values]
    return (bits if probe["op"] == "softmax" else bits[:1]), planned_device(model, ct)


def answers(probes, chip, keep_cpu, modules, log=lambda text: None):
    """Probe objects with this machine's values in place of the published ones."""
    results = []
    for probe in probes:
        if not probe["id"].startswith("n."):
            continue
        try:
            answer = ask(probe, *modules)
        except Exception as error:  # a model that this Core ML refuses is no answer
            log(f"{probe['id']}: {error}")
            continue
        if answer is None or (answer[1] == "CPU" and not keep_cpu):
            log(f"{probe['id']}: {'no model for this probe' if answer is None else 'planned for the CPU'}")
            continue
        bits, device = answer
        expect = {"kind": "values", "value": bits} if len(bits) > 1 else {"kind": "bits16", "value": bits[0]}
        results.append({"id": probe["id"], "chip": [chip], "op": probe["op"], "inputs": probe["inputs"], "expect": expect,
                        "rule": probe.get("rule", ""), "source": "run_probes.py", "label": "measured", "device": device})
    return results


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("probes", help="the questions: tests/golden/probes.json")
    parser.add_argument("--chip", required=True, help="this Mac's chip, a name from aneref targets")
    parser.add_argument("-o", "--output", required=True, help="the file to write")
    parser.add_argument("--only", default="", help="probes whose id begins so")
    parser.add_argument("--keep-cpu", action="store_true", help="keep answers that Core ML planned for the CPU")
    options = parser.parse_args(arguments)
    import coremltools as ct
    import numpy as np
    from coremltools.converters.mil import Builder as mb
    from coremltools.converters.mil.mil import types
    with open(options.probes, encoding="utf-8") as file:
        probes = [p for p in json.load(file)["probes"] if p["id"].startswith(options.only)]
    results = answers(probes, options.chip, options.keep_cpu, (ct, mb, types, np),
                      log=lambda text: print(text, file=sys.stderr))
    with open(options.output, "w", encoding="utf-8") as file:
        json.dump({"schema": 1, "host": platform.platform(), "coremltools": ct.__version__, "probes": results}, file,
                  indent=1)
    print(f"{len(results)} answers in {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
