"""The logic of examples/device/run_probes.py against a stand-in for coremltools: it computes in double and rounds to
fp16 once, so that expected answers can be worked out by hand. No device and no Core ML."""
import importlib.util
import pathlib
import struct
import sys
import types as python_types
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPEC = importlib.util.spec_from_file_location("run_probes", ROOT / "examples/device/run_probes.py")
run_probes = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(run_probes)


class Array(list):
    """As much of a numpy array as the script uses."""

    def reshape(self, *shape):
        return self


NUMPY = python_types.SimpleNamespace(float16="fp16", array=lambda values, dtype: Array(values), asarray=Array)


class Builder:
    """As much of the MIL builder: ops on flat lists."""
    TensorSpec = staticmethod(lambda shape, dtype: (shape, dtype))

    @staticmethod
    def program(input_specs, opset_version):
        return lambda function: (function, input_specs)

    @staticmethod
    def add(x, y):
        return [a + b for a, b in zip(x, y)]

    @staticmethod
    def conv(x, weight, bias=(0.0,)):
        columns = len(x) // len(weight)
        return [sum(x[c * columns + i] * w for c, w in enumerate(weight)) + bias[0] for i in range(columns)]

    @staticmethod
    def matmul(x, y):
        return [sum(a * b for a, b in zip(x[i:i + len(y)], y)) for i in range(0, len(x), len(y))]

    @staticmethod
    def softmax(x, axis):
        raise ValueError("refused")


class Model:
    def __init__(self, program):
        self.function, _ = program

    def predict(self, feed):
        return {"y": Array(self.function(*feed.values()))}


CT = python_types.SimpleNamespace(
    target=python_types.SimpleNamespace(iOS16=16), ComputeUnit=python_types.SimpleNamespace(CPU_AND_NE=3),
    precision=python_types.SimpleNamespace(FLOAT16=1), convert=lambda program, **_: Model(program))
MODULES = (CT, Builder, python_types.SimpleNamespace(fp16="fp16"), NUMPY)


def probe(op, inputs, name="n.test"):
    return {"id": name, "chip": ["M1"], "op": op, "inputs": inputs, "expect": {"kind": "value", "value": 0}}


class RunProbesTest(unittest.TestCase):
    def test_values_of_the_file_are_exact_halves(self):
        self.assertEqual(run_probes.half_of("7BFF"), 65504.0)
        self.assertEqual(run_probes.half_of("-inf"), float("-inf"))
        self.assertEqual(run_probes.bits_of(1.0), "3C00")
        self.assertEqual(run_probes.bits_of(70000.0), "7C00")
        self.assertEqual(struct.unpack("<e", bytes.fromhex("0080"))[0], -0.0)

    def test_lists_repeat_and_concatenate(self):
        self.assertEqual(run_probes.list_of({"concat": [{"values": [4]}, {"repeat": [1, 2], "times": 2}]}),
                         [4.0, 1.0, 2.0, 1.0, 2.0])

    def test_answers_replace_the_published_values(self):
        probes = [probe("add", {"a": 2048, "b": 2}), probe("matmul_with_ones", {"values": [3, 4]}),
                  probe("conv1x1_weights_one", {"values": [1, 2], "bias": 0.5}),
                  probe("conv1x1_single_product", {"x_bits16": "4200", "w": 2})]
        results = run_probes.answers(probes, "M4", False, MODULES)
        self.assertEqual([r["expect"]["value"] for r in results], ["6801", "4700", "4300", "4600"])
        self.assertEqual(results[0]["chip"], ["M4"])
        self.assertEqual(results[0]["device"], "unknown")

    def test_what_cannot_be_asked_is_left_out_with_a_reason(self):
        log = []
        probes = [probe("softmax", {"values": [1, 2]}), probe("floor_div", {"a": 6, "b": 3}),
                  probe("conv", {}, name="v.limit")]
        self.assertEqual(run_probes.answers(probes, "M4", False, MODULES, log.append), [])
        self.assertEqual(log, ["n.test: refused", "n.test: no model for this probe"])


if __name__ == "__main__":
    sys.exit(unittest.main())
