#!/usr/bin/env python3
"""Runs a Core ML model on a Mac under every choice of compute units and writes what it gives, for `aneref compare`.

    python3 dump_coreml.py MODEL.mlpackage INPUTS.npz OUT_FOLDER [--intermediates]

Needs macOS with coremltools and numpy. For each of cpu, cpu_gpu, cpu_ne and all it writes OUT_FOLDER/UNITS.npz with the model's
outputs by name; with --intermediates also the results of all ops, by adding them as outputs (ML Programs only; an op that the
compiler refuses as an output is left out, with a note). Then, anywhere:

    aneref compare MODEL.mlpackage --inputs INPUTS.npz --device OUT_FOLDER/cpu_ne.npz --numerics device --target m1

Not run on a device by the authors: they have none. Its logic is tested against a stand-in module (tests/docs/dump_coreml_test.py).
"""
import argparse
import pathlib
import sys

UNITS = {"cpu": "CPU_ONLY", "cpu_gpu": "CPU_AND_GPU", "cpu_ne": "CPU_AND_NE", "all": "ALL"}


def read_inputs(numpy, path, model):
    """The arrays of the archive that the model has inputs for; a missing one ends the program with its name."""
    archive = numpy.load(path)
    names = [feature.name for feature in model.get_spec().description.input]
    missing = [name for name in names if name not in archive.files]
    if missing:
        raise SystemExit(f"{path} has no array for input {', '.join(missing)}")
    return {name: archive[name] for name in names}


def as_arrays(numpy, results):
    """Results as arrays; labels, dictionaries and images that are no numbers are left out, by name."""
    arrays, left_out = {}, []
    for name, value in results.items():
        array = numpy.asarray(value)
        if array.dtype.kind in "fiub":
            arrays[name] = array
        else:
            left_out.append(name)
    return arrays, left_out


def operations(block):
    """All operations of a block in order."""
    return list(block.operations)


def with_intermediates(coremltools, path):
    """The model with the first result of each floating-point op as a further output, and the names that were added."""
    program = coremltools.models.utils.load_spec(str(path))
    if program.WhichOneof("Type") != "mlProgram":
        raise SystemExit("--intermediates needs an ML Program (.mlpackage)")
    function = program.mlProgram.functions["main"]
    block = function.block_specializations[function.opset]
    outputs = {feature.name for feature in program.description.output}
    added = []
    for operation in operations(block):
        if operation.type == "const" or not operation.outputs:
            continue
        value = operation.outputs[0]
        kind = value.type.WhichOneof("type")
        if value.name in outputs or kind != "tensorType":
            continue
        block.outputs.append(value.name)
        feature = program.description.output.add()
        feature.name = value.name
        feature.type.multiArrayType.dataType = 65552  # FLOAT16
        added.append(value.name)
    return program, added


def predict(coremltools, model_or_spec, units, weights_dir, inputs):
    options = {"compute_units": getattr(coremltools.ComputeUnit, units)}
    if weights_dir is not None:
        options["weights_dir"] = weights_dir
    model = coremltools.models.MLModel(model_or_spec, **options)
    return model, model.predict(inputs)


def dump(coremltools, numpy, arguments):
    """Writes one archive per choice of compute units; gives the names of the files."""
    source, weights = str(arguments.model), None
    if arguments.intermediates:
        source, added = with_intermediates(coremltools, arguments.model)
        weights = str(pathlib.Path(arguments.model) / "Data" / "com.apple.CoreML" / "weights")
        print(f"{len(added)} results added as outputs")
    probe = coremltools.models.MLModel(str(arguments.model), skip_model_load=True)
    inputs = read_inputs(numpy, arguments.inputs, probe)
    folder = pathlib.Path(arguments.folder)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, units in UNITS.items():
        try:
            _, results = predict(coremltools, source, units, weights, inputs)
        except Exception as error:  # a choice that this machine lacks must not end the others
            print(f"{name}: {error}", file=sys.stderr)
            continue
        arrays, left_out = as_arrays(numpy, results)
        path = folder / f"{name}.npz"
        numpy.savez(path, **arrays)
        written.append(str(path))
        print(f"{path}: {len(arrays)} arrays" + (f", without {', '.join(left_out)}" if left_out else ""))
    return written


def main(argv=None, coremltools=None, numpy=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("inputs")
    parser.add_argument("folder")
    parser.add_argument("--intermediates", action="store_true")
    arguments = parser.parse_args(argv)
    if coremltools is None:
        import coremltools  # pylint: disable=import-error,import-outside-toplevel
    if numpy is None:
        import numpy  # pylint: disable=import-outside-toplevel
    return 0 if dump(coremltools, numpy, arguments) else 1


if __name__ == "__main__":
    sys.exit(main())
