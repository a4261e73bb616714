#!/usr/bin/env python3
"""examples/device/dump_coreml.py against stand-ins of coremltools and numpy: which files, names and refusals it makes."""
import importlib.util
import pathlib
import tempfile
import types
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SPEC = importlib.util.spec_from_file_location("dump_coreml", ROOT / "examples" / "device" / "dump_coreml.py")
DUMP = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(DUMP)


class Array:
    """An array as far as the script looks at it."""

    def __init__(self, value):
        self.value = value
        self.dtype = types.SimpleNamespace(kind="U" if isinstance(value, str) else "f")


class Numpy:
    """numpy.load, asarray and savez."""

    def __init__(self, arrays):
        self.arrays, self.saved = arrays, {}

    def load(self, _):
        return Archive(self.arrays)

    @staticmethod
    def asarray(value):
        return Array(value)

    def savez(self, path, **arrays):
        self.saved[str(path)] = arrays


class Archive:
    def __init__(self, arrays):
        self.arrays, self.files = arrays, list(arrays)

    def __getitem__(self, name):
        return self.arrays[name]


def feature(name):
    return types.SimpleNamespace(name=name, type=types.SimpleNamespace(multiArrayType=types.SimpleNamespace(dataType=0)))


class Features(list):
    def add(self):
        self.append(feature(""))
        return self[-1]


def value(name, kind="tensorType"):
    return types.SimpleNamespace(name=name, type=types.SimpleNamespace(WhichOneof=lambda _: kind))


class Coreml:
    """coremltools.models.MLModel, ComputeUnit and load_spec."""

    def __init__(self, kind="mlProgram", broken=()):
        self.asked = []
        outer = self
        self.ComputeUnit = types.SimpleNamespace(CPU_ONLY="CPU_ONLY", CPU_AND_GPU="CPU_AND_GPU", CPU_AND_NE="CPU_AND_NE",
                                                 ALL="ALL")
        block = types.SimpleNamespace(
            operations=[types.SimpleNamespace(type="const", outputs=[value("weight")]),
                        types.SimpleNamespace(type="conv", outputs=[value("conv_0")]),
                        types.SimpleNamespace(type="list", outputs=[value("l", "listType")]),
                        types.SimpleNamespace(type="relu", outputs=[value("y")])],
            outputs=["y"])
        self.block = block
        description = types.SimpleNamespace(input=[feature("x")], output=Features([feature("y")]))
        self.spec = types.SimpleNamespace(
            WhichOneof=lambda _: kind, description=description,
            mlProgram=types.SimpleNamespace(functions={"main": types.SimpleNamespace(
                opset="CoreML7", block_specializations={"CoreML7": block})}))

        class Model:
            def __init__(self, source, compute_units=None, skip_model_load=False, weights_dir=None):
                self.units = compute_units
                outer.asked.append((compute_units, weights_dir, skip_model_load, isinstance(source, str)))
                if compute_units in broken:
                    raise RuntimeError("no such unit")

            @staticmethod
            def get_spec():
                return outer.spec

            def predict(self, inputs):
                assert list(inputs) == ["x"]
                return {name: 1.0 for name in outer.block.outputs} | {"label": "seven"}

        self.models = types.SimpleNamespace(MLModel=Model, utils=types.SimpleNamespace(load_spec=lambda _: self.spec))


class DumpTest(unittest.TestCase):
    def run_script(self, coreml, arrays, *more):
        numpy = Numpy(arrays)
        with tempfile.TemporaryDirectory() as folder:
            status = DUMP.main(["m.mlpackage", "in.npz", folder, *more], coreml, numpy)
        return status, {pathlib.Path(path).name: sorted(saved) for path, saved in numpy.saved.items()}

    def test_one_archive_per_choice_of_units(self):
        status, saved = self.run_script(Coreml(), {"x": 1.0, "other": 2.0})
        self.assertEqual(status, 0)
        self.assertEqual(saved, {name: ["y"] for name in ("cpu.npz", "cpu_gpu.npz", "cpu_ne.npz", "all.npz")})

    def test_a_choice_that_fails_does_not_end_the_others(self):
        status, saved = self.run_script(Coreml(broken=("CPU_AND_NE",)), {"x": 1.0})
        self.assertEqual(status, 0)
        self.assertEqual(sorted(saved), ["all.npz", "cpu.npz", "cpu_gpu.npz"])

    def test_intermediates_become_outputs(self):
        coreml = Coreml()
        status, saved = self.run_script(coreml, {"x": 1.0}, "--intermediates")
        self.assertEqual(status, 0)
        self.assertEqual(coreml.block.outputs, ["y", "conv_0"])
        self.assertEqual(saved["cpu_ne.npz"], ["conv_0", "y"])
        self.assertEqual(coreml.spec.description.output[1].name, "conv_0")
        self.assertTrue(all(weights.endswith("weights") for _, weights, skip, _ in coreml.asked if not skip))

    def test_a_missing_input_is_named(self):
        with self.assertRaisesRegex(SystemExit, "no array for input x"):
            self.run_script(Coreml(), {"z": 1.0})

    def test_intermediates_need_a_program(self):
        with self.assertRaisesRegex(SystemExit, "ML Program"):
            self.run_script(Coreml(kind="neuralNetwork"), {"x": 1.0}, "--intermediates")


if __name__ == "__main__":
    unittest.main()
