"""Seeds of the fuzz targets for Core ML: small models by name, and packages as fuzz_mlpackage.cc cuts them.

Just the protobuf messages of these models; field numbers are those of schema/coreml*.proto.
"""
import io
import json
import struct
import zipfile

from onnx_file import message, number, varint


def floats(field, values):
    return message(field, struct.pack(f"<{len(values)}f", *values))


def sizes(field, values):
    return message(field, b"".join(varint(value) for value in values))


def real(field, value):
    return varint(field << 3 | 5) + struct.pack("<f", value)


def weights(*values):
    return floats(1, values)


def array(name, shape, dtype=65568):
    return message(1, name) + message(3, message(5, sizes(1, shape) + number(2, dtype)))


def image(name, width, height, color=20):
    return message(1, name) + message(3, message(4, number(1, width) + number(2, height) + number(3, color)))


def description(inputs, outputs):
    return message(2, b"".join(message(1, item) for item in inputs) + b"".join(message(10, item) for item in outputs))


def layer(kind, content, inputs, outputs):
    names = b"".join(message(2, name) for name in inputs) + b"".join(message(3, name) for name in outputs)
    return message(1, message(1, "layer " + outputs[0] if outputs else "layer") + names + message(kind, content))


def network(layers, inputs, outputs, kind=500, extra=b"", exact=False):
    mapping = number(5, 1) + number(6, 1) if exact else b""
    return number(1, 4) + description(inputs, outputs) + message(kind, b"".join(layers) + mapping + extra)


CONV = number(1, 2) + number(2, 3) + sizes(20, [2, 2]) + message(51, b"") + message(90, weights(*range(24)))
LUT = number(1, 2) + number(2, 3) + sizes(20, [1, 1]) + message(50, b"") + message(
    90, message(30, b"\x1b\x80") + message(40, number(1, 2) + message(102, floats(1, [0, 1, 2, 4]))))
LSTM = number(1, 2) + number(2, 1) + b"".join(message(10, message(30, b"")) for _ in range(3)) + message(
    15, number(10, 1)) + message(20, b"".join(message(field, weights(1, 2)) for field in (1, 2, 3, 4)) + b"".join(
        message(field, weights(1)) for field in (20, 21, 22, 23)))
TREE = b"".join(message(1, item) for item in (
    number(2, 0) + number(12, 1) + number(13, 2), number(2, 1) + number(3, 6), number(2, 2) + number(3, 6))) + number(2, 1)


def inner(layers):
    return b"".join(layers)


# ---- ML Programs ----

BOOL, STRING, HALF, FLOAT, INT, BYTE = 1, 2, 10, 11, 23, 31


def of(dtype, *dims):
    """The type of a tensor; None is an open extent."""
    extents = b"".join(message(3, message(2, b"") if dim is None else message(1, number(1, dim))) for dim in dims)
    return message(1, number(1, dtype) + number(2, len(dims)) + extents)


def value(dtype, values, scalar=False):
    """An immediate value."""
    if dtype == STRING:
        content = message(4, b"".join(message(1, text) for text in values))
    elif dtype == BOOL:
        content = message(3, message(1, bytes(values)))
    elif dtype in (BYTE, HALF):
        content = message(7, message(1, bytes(values)))
    elif dtype == FLOAT:
        content = message(1, floats(1, values))
    else:
        content = message(2, message(1, b"".join(varint(number & 0xFFFFFFFFFFFFFFFF) for number in values)))
    length = len(values) // 2 if dtype == HALF else len(values)
    return message(2, of(dtype, *([] if scalar else [length]))) + message(3, message(1, content))


def named(name, kind):
    return message(1, name) + message(2, kind)


def operation(kind, outputs, inputs=(), blocks=(), **attributes):
    """Inputs are names, lists of names, or values (bytes)."""
    def argument(what):
        return b"".join(message(1, message(2, part) if isinstance(part, bytes) else message(1, part))
                        for part in (what if isinstance(what, list) else [what]))
    content = message(1, kind)
    content += b"".join(message(2, message(1, key) + message(2, argument(what))) for key, what in dict(inputs).items())
    content += b"".join(message(3, named(*item)) for item in outputs) + b"".join(message(4, block) for block in blocks)
    return content + b"".join(message(5, message(1, key) + message(2, what)) for key, what in attributes.items())


def block(operations, outputs, inputs=()):
    return b"".join(message(1, named(*item)) for item in inputs) + b"".join(message(2, name) for name in outputs) + b"".join(
        message(3, item) for item in operations)


def program_of(operations, inputs, outputs, arrays, opset="CoreML5", version=7):
    function = b"".join(message(1, named(*item)) for item in inputs) + message(2, opset) + message(
        3, message(1, opset) + message(2, block(operations, outputs)))
    return number(1, version) + description(arrays, [array(name, [2]) for name in outputs]) + message(
        502, number(1, 1) + message(2, message(1, "main") + message(2, function)))


def program(value_):
    """x + w, the constant w with the given Value."""
    pair = of(FLOAT, 2)
    return program_of([operation("const", [("w", pair)], val=message(2, pair) + value_),
                       operation("add", [("y", pair)], {"x": "x", "y": "w"})], [("x", pair)], ["y"], [array("x", [2])])


def decoded(kind, **attributes):
    """x + a compressed constant of two values."""
    pair = of(FLOAT, 2)
    return program_of([operation(kind, [("w", pair)], **attributes), operation("add", [("y", pair)], {"x": "x", "y": "w"})],
                      [("x", pair)], ["y"], [array("x", [2])], "CoreML6")


def control(kind):
    """cond: x if p else x + x. while_loop: doubles x three times."""
    pair, one, flag = of(FLOAT, 2), of(INT), of(BOOL)
    twice = operation("add", [("t", pair)], {"x": "x", "y": "x"})
    if kind == "cond":
        chosen = operation("cond", [("y", pair)], {"pred": "p"}, [block([], ["x"]), block([twice], ["t"])])
        return program_of([operation("cast", [("p", flag)], {"x": "c", "dtype": value(STRING, ["bool"], True)}), chosen],
                          [("x", pair), ("c", of(FLOAT))], ["y"], [array("x", [2]), array("c", [])])
    test = block([operation("less", [("more", flag)], {"x": "i", "y": value(INT, [3], True)})], ["more"], [("i", one), ("v", pair)])
    body = block([operation("add", [("i2", one)], {"x": "i", "y": value(INT, [1], True)}),
                  operation("add", [("v2", pair)], {"x": "v", "y": "v"})], ["i2", "v2"], [("i", one), ("v", pair)])
    loop = operation("while_loop", [("n", one), ("y", pair)], {"loop_vars": ["start", "x"]}, [test, body])
    return program_of([operation("const", [("start", one)], val=value(INT, [0], True)), loop], [("x", pair)], ["y"],
                      [array("x", [2])])


def state_program():
    """s = s + x."""
    pair, kept = of(HALF, 2), message(5, message(1, of(HALF, 2)))
    return program_of([operation("read_state", [("old", pair)], {"input": "s"}),
                       operation("add", [("y", pair)], {"x": "old", "y": "x"}),
                       operation("coreml_update_state", [("new", pair)], {"state": "s", "value": "y"})],
                      [("x", pair), ("s", kept)], ["y"], [array("x", [2], 65552)], "CoreML8", 9)


def list_program():
    """Writes x to a list and reads it again."""
    pair = of(FLOAT, 2)
    kind = message(2, message(1, pair) + message(2, message(1, number(1, 2))))
    at = value(INT, [1], True)
    return program_of([operation("make_list", [("l", kind)], {
        "init_length": value(INT, [2], True), "dynamic_length": value(BOOL, [0], True), "elem_shape": [value(INT, [2], True)],
        "dtype": value(STRING, ["fp32"], True)}), operation("list_write", [("m", kind)], {"ls": "l", "index": at, "value": "x"}),
        operation("list_read", [("y", pair)], {"ls": "m", "index": at})], [("x", pair)], ["y"], [array("x", [2])])


INLINE = program(message(3, message(1, message(1, floats(1, [1, 2])))))
FROM_BLOB = program(message(5, message(1, "@model_path/weights/weight.bin") + number(2, 64)))
BLOB = struct.pack("<II56x", 1, 2) + struct.pack("<IIQQQ32x", 0xDEADBEEF, 2, 8, 128, 0) + struct.pack("<2f", 3, 4)
MANIFEST = json.dumps({"fileFormatVersion": "1.0.0", "rootModelIdentifier": "A",
                       "itemInfoEntries": {"A": {"path": "com.apple.CoreML/model.mlmodel"}}}).encode()

SEEDS = {
    "conv_pool": network([layer(100, CONV, ["x"], ["c"]), layer(130, message(10, b""), ["c"], ["r"]),
                          layer(120, number(60, 1), ["r"], ["y"])], [array("x", [3, 4, 4])], [array("y", [])]),
    "lookup_table": network([layer(100, LUT, ["x"], ["y"])], [array("x", [3, 2, 2])], [array("y", [])]),
    "picture_classifier": network(
        [layer(301, b"", ["image"], ["f"]), layer(175, b"", ["f"], ["p"])], [image("image", 2, 1)],
        [message(1, "prob") + message(3, message(6, message(2, b"")))], kind=403,
        extra=message(2, message(10, real(10, 0.5))) + message(100, b"".join(message(1, c) for c in "abcdef")) + message(200, "p")),
    "recurrent": network([layer(420, LSTM, ["x"], ["y", "h", "c"])], [array("x", [2])], [array("y", [])]),
    "branch": network([layer(605, message(1, inner([layer(230, real(1, 1), ["x"], ["y"])])) + message(
        2, inner([layer(231, real(1, 2), ["x"], ["y"])])), ["x"], [])], [array("x", [1])], [array("y", [])], exact=True),
    "loop": network([layer(600, b"", ["x"], ["a"]), layer(615, number(1, 3) + message(4, inner(
        [layer(230, real(1, 1), ["a"], ["t"]), layer(600, b"", ["t"], ["a"])])), [], [])],
        [array("x", [2])], [array("a", [])], exact=True),
    "n_dimensional": network([layer(985, sizes(1, [1, 0]), ["x"], ["t"]), layer(930, number(1, 1), ["t", "i"], ["g"]),
                              layer(995, sizes(1, [0, 0]) + sizes(3, [2, 1]) + sizes(5, [1, 1]), ["g"], ["s"]),
                              layer(1270, sizes(1, [0]), ["s"], ["y"])], [array("x", [2, 3]), array("i", [2])],
                             [array("y", [])], exact=True),
    "custom": network([layer(500, message(10, "Odd"), ["x"], ["y"])], [array("x", [1])], [array("y", [])]),
    "pipeline": number(1, 1) + description([array("x", [2])], [array("y", [1])]) + message(202, message(
        1, number(1, 1) + description([array("x", [2])], [array("s", [2])]) + message(
            604, message(2, struct.pack("<d", 2.0)))) + message(
        1, number(1, 1) + description([array("s", [2])], [array("y", [1])]) + message(302, message(1, TREE)))),
    "program": INLINE,
    "program_palette": decoded("constexpr_lut_to_dense", indices=value(BYTE, [2]), lut=value(FLOAT, [1, 5]), shape=value(33, [2])),
    "program_affine": decoded("constexpr_affine_dequantize", quantized_data=value(BYTE, [7, 9]), zero_point=value(BYTE, [1], True),
                              scale=value(FLOAT, [0.5], True), axis=value(INT, [0], True)),
    "program_sparse": decoded("constexpr_sparse_to_dense", nonzero_data=value(FLOAT, [3]), mask=value(BYTE, [2]), shape=value(33, [2])),
    "program_cond": control("cond"),
    "program_loop": control("while_loop"),
    "program_state": state_program(),
    "program_list": list_program(),
    "program_open": program_of([operation("relu", [("y", of(FLOAT, None))], {"x": "x"})], [("x", of(FLOAT, None))], ["y"], [array("x", [2])]),
}


def cut(manifest, model, blob):
    return b"\x01" + b"".join(struct.pack("<I", len(part))[:3] + part for part in (manifest, model, blob))


def archive(method):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as out:
        for name, data in (("Manifest.json", MANIFEST), ("Data/com.apple.CoreML/model.mlmodel", FROM_BLOB),
                           ("Data/com.apple.CoreML/weights/weight.bin", BLOB)):
            out.writestr(zipfile.ZipInfo("X.mlpackage/" + name), data, method)
    return b"\x00" + content.getvalue()


PACKAGES = {
    "program": cut(MANIFEST, FROM_BLOB, BLOB),
    "network": cut(MANIFEST, SEEDS["conv_pool"], b""),
    "no_manifest": cut(b"{}", FROM_BLOB, BLOB),
    "leads_out": cut(MANIFEST.replace(b"com.apple.CoreML/", b"../../"), FROM_BLOB, BLOB),
    "stored": archive(zipfile.ZIP_STORED),
    "deflated": archive(zipfile.ZIP_DEFLATED),
}
