#!/usr/bin/env python3
"""Copies a .npz and plants a fault in one float16 tensor, so that there is something to find. Standard library only.

break_dump.py IN.npz OUT.npz NAME FAULT, with FAULT one of:
  mirror    each row from right to left
  scale     every element times 1/255
  channels  the channels rotated by one
"""
import re
import struct
import sys
import zipfile


def read_npy(data):
    """Header bytes, shape and values of a C-order float16 array."""
    size = 10 + struct.unpack("<H", data[8:10])[0]
    header = data[10:size].decode("latin1")
    if "'<f2'" not in header or "True" in header:
        raise SystemExit("the tensor is no float16 array in C order")
    shape = [int(part) for part in re.search(r"\(([^)]*)\)", header).group(1).split(",") if part.strip()]
    count = (len(data) - size) // 2
    return data[:size], shape, list(struct.unpack(f"<{count}e", data[size:]))


def planted(fault, shape, values):
    width = shape[-1]
    if fault == "mirror":
        return [values[i - i % width + (width - 1 - i % width)] for i in range(len(values))]
    if fault == "scale":
        return [value / 255 for value in values]
    if fault == "channels":
        plane = len(values) // shape[1]
        return values[plane:] + values[:plane]
    raise SystemExit(__doc__)


def main():
    if len(sys.argv) != 5:
        raise SystemExit(__doc__)
    source, target, name, fault = sys.argv[1:]
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        if name + ".npy" not in old.namelist():
            raise SystemExit(f"{source} has no tensor '{name}'")
        for entry in old.namelist():
            data = old.read(entry)
            if entry == name + ".npy":
                header, shape, values = read_npy(data)
                values = planted(fault, shape, values)
                data = header + struct.pack(f"<{len(values)}e", *values)
            new.writestr(entry, data)


if __name__ == "__main__":
    main()
