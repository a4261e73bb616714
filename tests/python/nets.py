"""Writes small .anem files for tests: the table from JSON by flatc, the frame around it as docs/spec/format.md says."""
import json
import pathlib
import struct
import subprocess
import tempfile

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "schema" / "net.fbs"


def frame(table):
    """The 64-byte header before the table; no weights (F1-F3)."""
    size = 64 + len(table)
    return b"ANEM\r\n\x1a\n" + struct.pack("<IIQQQQQQ", 1, 64, 64, len(table), 0, 0, size, 0) + table


def anem(net):
    """The bytes of a file that holds `net`, a dict in the form of schema/net.fbs."""
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "net.json")
        source.write_text(json.dumps(net))
        subprocess.run(["flatc", "-b", "-o", folder, str(SCHEMA), str(source)], check=True, capture_output=True)
        return frame(pathlib.Path(folder, "net.anem").read_bytes())


def tensor(name, shape, dtype="float16", names=None):
    result = {"name": name, "dtype": dtype, "shape": shape, "has_shape": True}
    return {**result, "shape_names": names} if names else result


def node(name, op, inputs, outputs, **attributes):
    return {"name": name, "op_type": op, "op": attributes, "inputs": inputs, "outputs": outputs}


def net(tensors, nodes, inputs, outputs, **more):
    """Ports are indices of tensors or dicts."""
    def ports(items):
        return [item if isinstance(item, dict) else {"tensor": item} for item in items]

    graph = {"name": "test", "tensors": tensors, "nodes": nodes, "inputs": ports(inputs), "outputs": ports(outputs)}
    metadata = more.pop("metadata", {})
    properties = [{"key": key, "value": value} for key, value in metadata.items()]
    return anem({"graphs": [{**graph, **more}], "constants": [], "producer": "tests", "metadata": properties})


def addition(shape=(2, 3), names=None):
    """total = a + b."""
    shape = list(shape)
    return net([tensor("a", shape, names=names), tensor("b", shape, names=names), tensor("total", shape)],
               [node("sum", "Elementwise", [0, 1], [2], kind="add")], [0, 1], [2])


def accumulator():
    """total = x + memory; memory becomes total."""
    return net([tensor("x", [3]), tensor("memory", [3]), tensor("total", [3])],
               [node("sum", "Elementwise", [0, 1], [2], kind="add")], [0, 1], [2, 2],
               states=[{"name": "memory", "input": 1, "output": 1}])


def negated_picture(image, channels, height=1, width=2):
    """negated = -picture, and the picture unchanged as an image output."""
    shape = [1, channels, height, width]
    return net([tensor("picture", shape), tensor("negated", shape), tensor("copy", shape)],
               [node("neg", "Activation", [0], [1], kind="neg"), node("abs", "Activation", [1], [2], kind="abs")],
               [{"tensor": 0, "image": image}], [1, {"tensor": 2, "image": image}])


def classifier(metadata=None):
    """probabilities = |x|, labelled ant, bee, cat."""
    return net([tensor("x", [1, 3]), tensor("probabilities", [1, 3])],
               [node("abs", "Activation", [0], [1], kind="abs")],
               [0], [{"tensor": 1, "labels": ["ant", "bee", "cat"]}], metadata=metadata or {})


def chain(length, extent):
    """`length` ops one after the other: negate, negate, ..."""
    tensors = [tensor(f"t{i}", [extent]) for i in range(length + 1)]
    nodes = [node(f"neg{i}", "Activation", [i], [i + 1], kind="neg") for i in range(length)]
    return net(tensors, nodes, [0], [length])
