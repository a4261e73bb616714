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


def program(value):
    """x + w, the constant w with the given Value."""
    tensor = message(1, number(1, 11) + number(2, 1) + message(3, message(1, number(1, 2))))
    const = message(1, "const") + message(3, message(1, "w") + message(2, tensor)) + message(
        5, message(1, "val") + message(2, message(2, tensor) + value))
    bound = [message(2, message(1, key) + message(2, message(1, message(1, name)))) for key, name in (("x", "x"), ("y", "w"))]
    add = message(1, "add") + b"".join(bound) + message(3, message(1, "y") + message(2, tensor))
    block = message(2, "y") + message(3, const) + message(3, add)
    function = message(1, message(1, "x") + message(2, tensor)) + message(2, "CoreML5") + message(
        3, message(1, "CoreML5") + message(2, block))
    return number(1, 7) + description([array("x", [2])], [array("y", [2])]) + message(
        502, number(1, 1) + message(2, message(1, "main") + message(2, function)))


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
