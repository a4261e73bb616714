#!/usr/bin/env python3
"""Runs a model on a picture (or zeros) and tells what the engine would make of it.

    predict.py MODEL [PICTURE] [--target m4]
"""
import argparse

import numpy as np

import aneref


def value_for(port, picture):
    """The picture for image inputs, zeros for the others; open extents are 1."""
    if port.image and picture:
        from PIL import Image
        return Image.open(picture)
    return np.zeros([max(extent, 1) for extent in port.shape], port.declared)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("picture", nargs="?")
    parser.add_argument("--target", default="m1")
    arguments = parser.parse_args()

    model = aneref.load(arguments.model, target=arguments.target)
    print(model)
    result = model.predict({port.name: value_for(port, arguments.picture) for port in model.inputs})
    for name, value in result.items():
        if isinstance(value, dict):  # a classifier's probabilities by label
            best = sorted(value, key=value.get, reverse=True)[:3]
            print(f"{name}: " + ", ".join(f"{label} {100 * value[label]:.2f} %" for label in best))
        elif isinstance(value, np.ndarray):
            print(f"{name}: {value.dtype}{list(value.shape)}, {value.min():g} to {value.max():g}")
        else:
            print(f"{name}: {value}")

    ops = model.explain().json["ops"]
    on_engine = sum(op["placement"] == "ane" for op in ops)
    print(f"on the engine of {arguments.target}: {on_engine} of {len(ops)} ops; findings: {len(model.lint())}")


if __name__ == "__main__":
    main()
