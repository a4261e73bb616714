#!/usr/bin/env python3
"""Makes the seed corpora of the fuzz targets: one small ONNX network per op family, and its .anem twin; Core ML files; dumps.

    tests/fuzz/make_corpus.py PATH/aneref     (writes the folders of tests/fuzz/corpus)
"""
import pathlib
import subprocess
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "examples/digits"))
from onnx_file import attribute, message, number, tensor  # noqa: E402
sys.path.insert(0, str(HERE))
import coreml_seeds  # noqa: E402
import dump_seeds  # noqa: E402


def ints_tensor(name, values):
    array = np.asarray(values, dtype="<i8")
    dims = b"".join(number(1, extent) for extent in array.shape)
    return dims + number(2, 7) + message(8, name) + message(9, array.tobytes())


def node(op_type, inputs, outputs, **attributes):
    content = b"".join(message(1, name) for name in inputs) + b"".join(message(2, name) for name in outputs)
    content += message(3, "node_" + outputs[0]) + message(4, op_type)
    for name, value in sorted(attributes.items()):
        if isinstance(value, str):
            content += message(5, message(1, name) + message(4, value) + number(20, 3))
        else:
            content += message(5, attribute(name, value))
    return content


def value_info(name, shape, element_type=1):
    dims = b"".join(message(1, message(2, extent) if isinstance(extent, str) else number(1, extent)) for extent in shape)
    return message(1, name) + message(2, message(1, number(1, element_type) + message(2, dims)))


def model(nodes, inputs, outputs, constants=(), opset=13):
    graph = b"".join(message(1, item) for item in nodes) + message(2, "seed")
    graph += b"".join(message(5, item) for item in constants)
    graph += b"".join(message(11, item) for item in inputs)
    graph += b"".join(message(12, value_info(name, [])) for name in outputs)
    return number(1, 7) + message(7, graph) + message(8, message(1, "") + number(2, opset))


def weights(*shape):
    return (np.arange(np.prod(shape)) % 7 - 3).reshape(shape).astype("f4") / 4


def image(channels=2):
    return [value_info("x", [1, channels, 5, 6])]


SEEDS = {
    "conv": model([node("Conv", ["x", "w", "b"], ["y"], pads=[1, 1, 1, 1], strides=[2, 1])], image(), ["y"],
                  [tensor("w", weights(3, 2, 3, 3)), tensor("b", weights(3))]),
    "conv_depthwise_bn": model([node("Conv", ["x", "w"], ["c"], group=2),
                                node("BatchNormalization", ["c", "s", "s", "s", "v"], ["y"])], image(), ["y"],
                               [tensor("w", weights(2, 1, 2, 2)), tensor("s", weights(2)), tensor("v", np.ones(2, "f4"))]),
    "conv_transpose": model([node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2], output_padding=[1, 0])], image(),
                            ["y"], [tensor("w", weights(2, 3, 3, 2))]),
    "gemm": model([node("Gemm", ["x", "w", "b"], ["y"], transB=1, alpha=0.5)], [value_info("x", ["batch", 4])], ["y"],
                  [tensor("w", weights(3, 4)), tensor("b", weights(3))]),
    "matmul": model([node("MatMul", ["x", "z"], ["y"])], [value_info("x", [2, 3, 4]), value_info("z", [4, 5])], ["y"]),
    "pools": model([node("MaxPool", ["x"], ["m"], kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
                    node("AveragePool", ["m"], ["a"], kernel_shape=[2, 2], pads=[0, 0, 1, 1]),
                    node("GlobalAveragePool", ["a"], ["y"])], image(), ["y"]),
    "elementwise": model([node("Add", ["x", "c"], ["a"]), node("Mul", ["a", "x"], ["m"]), node("Pow", ["m", "c"], ["p"]),
                          node("Less", ["p", "x"], ["l"]), node("Where", ["l", "x", "c"], ["y"])], image(), ["y"],
                         [tensor("c", weights(6))]),
    "activations": model([node(op, [f"v{i}"], [f"v{i + 1}"]) for i, op in enumerate(
        ["Relu", "Sigmoid", "Tanh", "Elu", "HardSigmoid", "Softplus", "Erf", "Sqrt", "Neg", "LeakyRelu"])],
        [value_info("v0", [2, 9])], ["v10"]),
    "softmax_norm": model([node("LayerNormalization", ["x", "s"], ["n"], axis=-1 & 0xFFFFFFFFFFFFFFFF),
                           node("Softmax", ["n"], ["y"], axis=1)], [value_info("x", [2, 7])], ["y"],
                          [tensor("s", weights(7))], opset=17),
    "instance_lrn": model([node("InstanceNormalization", ["x", "s", "s"], ["n"]), node("LRN", ["n"], ["y"], size=3)],
                          image(), ["y"], [tensor("s", weights(2))]),
    "reduce": model([node("ReduceMean", ["x"], ["m"], axes=[2, 3]), node("ReduceMax", ["m"], ["r"], keepdims=0),
                     node("ArgMax", ["x"], ["y"], axis=1)], image(), ["r", "y"]),
    "shapes": model([node("Shape", ["x"], ["s"]), node("Gather", ["s", "i"], ["g"], axis=0),
                     node("Concat", ["g", "n"], ["t"], axis=0), node("Reshape", ["x", "t"], ["y"])],
                    [value_info("x", ["n", 3, 4])], ["y"], [ints_tensor("i", [0]), ints_tensor("n", [-1])]),
    "movement": model([node("Transpose", ["x"], ["t"], perm=[0, 2, 3, 1]), node("Slice", ["t", "b", "e", "a", "p"], ["c"]),
                       node("Pad", ["c", "q"], ["d"], mode="reflect"), node("Split", ["d"], ["u", "v"], axis=3),
                       node("Concat", ["v", "u"], ["y"], axis=1)], image(), ["y"],
                      [ints_tensor("b", [4]), ints_tensor("e", [-9223372036854775808]), ints_tensor("a", [1]),
                       ints_tensor("p", [-2]), ints_tensor("q", [0, 1, 0, 0, 0, 1, 2, 0])]),
    "gather_tile": model([node("Gather", ["x", "i"], ["g"], axis=1), node("Tile", ["g", "r"], ["t"]),
                          node("Expand", ["t", "s"], ["y"])], [value_info("x", [1, 4, 2])], ["y"],
                         [ints_tensor("i", [[3, -1], [0, 2]]), ints_tensor("r", [2, 1, 1, 3]),
                          ints_tensor("s", [1, 2, 2, 1])]),
    "resize": model([node("Resize", ["x", "", "s"], ["y"], mode="linear", coordinate_transformation_mode="asymmetric")],
                    image(), ["y"], [tensor("s", np.array([1, 1, 1.5, 2], "f4"))]),
    "depth_space": model([node("DepthToSpace", ["x"], ["d"], blocksize=2, mode="CRD"),
                          node("SpaceToDepth", ["d"], ["y"], blocksize=2)], image(4), ["y"]),
    "generate": model([node("ConstantOfShape", ["s"], ["c"]), node("Range", ["l", "h", "d"], ["r"]),
                       node("Cast", ["r"], ["f"], to=1), node("Add", ["c", "f"], ["y"]), node("Add", ["x", "y"], ["z"])],
                      [value_info("x", [2, 3])], ["z"],
                      [ints_tensor("s", [2, 3]), ints_tensor("l", 0), ints_tensor("h", 3), ints_tensor("d", 1)]),
    "unknown_op": model([node("NoSuchOp", ["x"], ["y"])], image(), ["y"]),
}


def main():
    program = sys.argv[1]
    for kind in ("onnx", "net", "coreml", "mlpackage", "dump"):
        (HERE / "corpus" / kind).mkdir(parents=True, exist_ok=True)
    for name, content in coreml_seeds.SEEDS.items():
        (HERE / f"corpus/coreml/{name}.mlmodel").write_bytes(content)
    for name, content in coreml_seeds.PACKAGES.items():
        (HERE / f"corpus/mlpackage/{name}").write_bytes(content)
    for name, content in dump_seeds.seeds():
        (HERE / f"corpus/dump/{name}").write_bytes(content)
    for name, content in SEEDS.items():
        source, target = HERE / f"corpus/onnx/{name}.onnx", HERE / f"corpus/net/{name}.anem"
        source.write_bytes(content)
        done = subprocess.run([program, "import", source, "-o", target], capture_output=True, text=True)
        if done.returncode != 0:
            print(f"{name}: {done.stderr.strip()}")


if __name__ == "__main__":
    main()
