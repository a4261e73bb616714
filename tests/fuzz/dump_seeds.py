"""Seeds of fuzz_dump: one small file per form that people dump tensors in, and a few that lie. Used by make_corpus.py."""
import io
import json
import struct
import zipfile

import numpy as np


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def npz(arrays, method):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, array in arrays.items():
            archive.writestr(zipfile.ZipInfo(name + ".npy", (2026, 1, 1, 0, 0, 0)), npy(array), method)
    return file.getvalue()


def safetensors(entries, data):
    header = json.dumps(entries).encode()
    return struct.pack("<Q", len(header)) + header + data


def manifest(**changes):
    entry = {"name": "y", "file": "s.bin", "dtype": "float16", "shape": [2, 3], "offset": 8, "strides": [64, 2]}
    return json.dumps({"tensors": [{**entry, **changes}]}).encode()


def seeds():
    """(name, bytes) of each."""
    half = np.arange(6, dtype="<f2").reshape(2, 3)
    two = {"conv/1": half, "ids": np.arange(3, dtype="<i8")}
    cut = {"x": {"dtype": "F16", "shape": [2], "data_offsets": [0, 4]}}
    return [
        ("half.npy", npy(half)),
        ("columns.npy", npy(np.asfortranarray(half))),
        ("scalar.npy", npy(np.float64(3))),
        ("long_header.npy", b"\x93NUMPY\x02\x00" + struct.pack("<I", 1 << 30) + b"{'descr': '<f2'"),
        ("large_shape.npy", npy(half).replace(b"(2, 3)", b"(9999999999, 9999999999)")),
        ("stored.npz", npz(two, zipfile.ZIP_STORED)),
        ("deflated.npz", npz(two, zipfile.ZIP_DEFLATED)),
        ("empty.npz", npz({}, zipfile.ZIP_STORED)),
        ("padded_rows.json", manifest()),
        ("dense.json", manifest(strides=None, offset=0)),
        ("outside.json", manifest(shape=[2, 300])),
        ("other_folder.json", manifest(file="../s.bin")),
        ("no_list.json", b'{"tensors": {"name": "y"}}'),
        ("halves.safetensors", safetensors(cut, b"\x00\x3c\x00\x40")),
        ("narrow.safetensors", safetensors({"x": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]},
                                            "y": {"dtype": "F8_E4M3", "shape": [2], "data_offsets": [2, 4]}}, b"\x80\x3f\x38\x40")),
        ("backwards.safetensors", safetensors({"x": {"dtype": "F16", "shape": [2], "data_offsets": [4, 0]}}, b"\0\0\0\0")),
        ("raw.tensorproto", b"\x0a\x02\x01\x02\x10\x0a\x42\x01y\x4a\x04\x00\x3c\x00\x40"),
        ("varints.tensorproto", b"\x08\x02\x10\x03\x28" + b"\xff" * 9 + b"\x01\x28\x05"),
        ("floats.tensorproto", b"\x0a\x01\x02\x10\x01\x22\x08" + struct.pack("<2f", 1, 2)),
    ]
