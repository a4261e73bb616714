"""Writes the digit reader as an ONNX file, and reads such a file back and evaluates it.

Not an ONNX library: just the protobuf messages and operators of this network (opset 13). The evaluation shares no code
with network.py, so that it can judge what was exported. Field numbers are those of onnx.proto.
"""
import struct

import numpy as np

FLOAT, INT, INTS = 1, 2, 7      # AttributeProto.type
FLOAT32 = 1                     # TensorProto.data_type


# ---- writing --------------------------------------------------------------------------------------------------------

def varint(value):
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def number(field, value):
    return varint(field << 3) + varint(value)


def message(field, content):
    """A length-delimited field: a sub-message, a string or bytes."""
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content


def attribute(name, value):
    if isinstance(value, list):
        return message(1, name) + b"".join(number(8, item) for item in value) + number(20, INTS)
    if isinstance(value, float):
        return message(1, name) + varint(2 << 3 | 5) + struct.pack("<f", value) + number(20, FLOAT)
    return message(1, name) + number(3, value) + number(20, INT)


def node(op_type, inputs, output, **attributes):
    content = b"".join(message(1, name) for name in inputs) + message(2, output)
    content += message(3, output + "_" + op_type.lower()) + message(4, op_type)
    return content + b"".join(message(5, attribute(*item)) for item in sorted(attributes.items()))


def tensor(name, array):
    dims = b"".join(number(1, extent) for extent in array.shape)
    return dims + number(2, FLOAT32) + message(8, name) + message(9, array.astype("<f4").tobytes())


def value_info(name, shape):
    dims = b"".join(message(1, number(1, extent)) for extent in shape)
    return message(1, name) + message(2, message(1, number(1, FLOAT32) + message(2, dims)))


def write_model(path, weights, pads, provenance):
    """weights: network.onnx_weights(); pads: the padding of each convolution; provenance: a line for doc_string."""
    initializers = {"white": np.float32(255.0).reshape(()), "ink_scale": np.float32(1.0 / 255.0).reshape(())}
    nodes = [node("Sub", ["white", "image"], "darkness"), node("Mul", ["darkness", "ink_scale"], "ink")]
    current = "ink"
    for index, pad in enumerate(pads, start=1):
        initializers[f"conv{index}_weight"], initializers[f"conv{index}_bias"] = weights[2 * index - 2:2 * index]
        nodes.append(node("Conv", [current, f"conv{index}_weight", f"conv{index}_bias"], f"conv{index}",
                          kernel_shape=[3, 3], pads=[pad] * 4, strides=[1, 1]))
        nodes.append(node("Relu", [f"conv{index}"], f"relu{index}"))
        nodes.append(node("MaxPool", [f"relu{index}"], f"pool{index}", kernel_shape=[2, 2], strides=[2, 2]))
        current = f"pool{index}"
    initializers["dense_weight"], initializers["dense_bias"] = weights[-2:]
    nodes.append(node("Flatten", [current], "features", axis=1))
    nodes.append(node("Gemm", ["features", "dense_weight", "dense_bias"], "logits", transB=1))
    nodes.append(node("Softmax", ["logits"], "probabilities", axis=1))
    graph = b"".join(message(1, item) for item in nodes) + message(2, "digits")
    graph += b"".join(message(5, tensor(*item)) for item in initializers.items())
    graph += message(11, value_info("image", [1, 1, 28, 28])) + message(12, value_info("probabilities", [1, 10]))
    metadata = {"aneref.image.image": "grayscale", "aneref.labels.probabilities": ",".join(map(str, range(10)))}
    model = number(1, 7) + message(2, "examples/digits/train.py") + message(6, provenance) + message(7, graph)
    model += message(8, message(1, "") + number(2, 13))
    model += b"".join(message(14, message(1, key) + message(2, text)) for key, text in metadata.items())
    with open(path, "wb") as file:
        file.write(model)


# ---- reading --------------------------------------------------------------------------------------------------------

def fields(data):
    """The fields of one message as {number: [value, ...]}; a length-delimited value is bytes."""
    result, position = {}, 0

    def read_varint():
        nonlocal position
        value, shift = 0, 0
        while True:
            byte = data[position]
            position += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while position < len(data):
        key = read_varint()
        if key & 7 == 0:
            value = read_varint()
        else:
            length = {1: 8, 5: 4}.get(key & 7) or read_varint()
            value = data[position:position + length]
            position += length
        result.setdefault(key >> 3, []).append(value)
    return result


def read_model(path):
    """(nodes, initializers, metadata); a node is (op type, input names, output name, attributes)."""
    with open(path, "rb") as file:
        model = fields(file.read())
    graph = fields(model[7][0])
    initializers, nodes, metadata = {}, [], {}
    for item in map(fields, graph[5]):
        initializers[item[8][0].decode()] = np.frombuffer(item[9][0], "<f4").reshape(item.get(1, []))
    for item in map(fields, graph[1]):
        attributes = {}
        for entry in map(fields, item.get(5, [])):
            attributes[entry[1][0].decode()] = entry[8] if entry[20][0] == INTS else entry[3][0]
        nodes.append((item[4][0].decode(), [name.decode() for name in item[1]], item[2][0].decode(), attributes))
    for item in map(fields, model[14]):
        metadata[item[1][0].decode()] = item[2][0].decode()
    return nodes, initializers, metadata


def windows(x, side, stride):
    """[n,c,h,w] -> [n,c,oh,ow,side,side]."""
    return np.lib.stride_tricks.sliding_window_view(x, (side, side), axis=(2, 3))[:, :, ::stride, ::stride]


def conv(x, weight, bias, attributes):
    top, left, bottom, right = attributes["pads"]
    x = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
    return np.einsum("nchwij,ocij->nohw", windows(x, 3, 1), weight, dtype=np.float64) + bias[None, :, None, None]


def softmax(x):
    exponentials = np.exp(x - x.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


OPERATORS = {
    "Sub": lambda a, b, _: a - b,
    "Mul": lambda a, b, _: a * b,
    "Conv": conv,
    "Relu": lambda x, _: np.maximum(x, 0),
    "MaxPool": lambda x, _: windows(x, 2, 2).max(axis=(4, 5)),
    "Flatten": lambda x, _: x.reshape(len(x), -1),
    "Gemm": lambda a, b, c, _: a @ b.T + c,
    "Softmax": lambda x, _: softmax(x),
}


def evaluate(model, image):
    """Probabilities [10] of one uint8 picture [28,28], computed node by node in double precision."""
    nodes, initializers, _ = model
    values = dict(initializers, image=image.astype(np.float64)[None, None])
    for op_type, inputs, output, attributes in nodes:
        values[output] = OPERATORS[op_type](*[values[name] for name in inputs], attributes)
    return values["probabilities"][0]
