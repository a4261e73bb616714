"""Inputs, outputs and states as the library describes them."""
from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Callable, List, Optional, Tuple

import numpy as np

from . import _abi, _arrays
from ._library import call

INPUT, OUTPUT, STATE = 0, 1, 2


@dataclass(frozen=True)
class Port:
    """An input, output or state. Open extents are -1; `shape` is None where even the rank depends on data."""

    name: str
    dtype: np.dtype  # in memory, under the model's arithmetic
    declared: np.dtype  # as the source file declares it
    shape: Optional[Tuple[int, ...]]
    extent_names: Tuple[str, ...] = ()
    image: str = ""  # "RGB", "BGR", "GRAYSCALE" or ""
    num_labels: int = 0
    description: str = ""

    def __str__(self) -> str:
        extents = [self.extent_names[i] or "?" if n < 0 else str(n) for i, n in enumerate(self.shape or ())]
        shape = "[" + ", ".join(extents) + "]" if self.shape is not None else "of a shape that depends on data"
        return f"{self.name}: {self.dtype}{shape}" + (f", {self.image} image" if self.image else "")


def _port(port: _abi.Port) -> Port:
    rank = port.rank
    return Port(
        name=port.name.decode(), dtype=_arrays.DTYPES[port.dtype], declared=_arrays.DTYPES[port.declared],
        shape=None if rank < 0 else tuple(port.shape[:rank]),
        extent_names=tuple((name or b"").decode() for name in port.extent_names[:max(rank, 0)]),
        image=_arrays.IMAGES[port.image], num_labels=port.num_labels, description=(port.description or b"").decode())


def read_ports(owner: str, handle: _abi.Handle, kind: int) -> List[Port]:
    """All ports of a kind; `owner` is "model", "plan" or "session"."""
    count = ctypes.c_size_t()
    call(f"aneref_{owner}_num_ports", handle, kind, ctypes.byref(count))
    return [read_port(owner, handle, kind, i) for i in range(count.value)]


def read_port(owner: str, handle: _abi.Handle, kind: int, index: int) -> Port:
    port = _abi.Port()
    call(f"aneref_{owner}_port", handle, kind, index, ctypes.byref(port))
    return _port(port)


def read_labels(model: _abi.Handle, output: int, count: int) -> List[str]:
    """The class labels of an output."""
    labels, text = [], ctypes.c_char_p()
    for label in range(count):
        call("aneref_model_label", model, output, label, ctypes.byref(text))
        labels.append((text.value or b"").decode())
    return labels


def input_shapes(shapes) -> Tuple[Optional[ctypes.Array], int]:
    """A dict of shapes as the library's list of them."""
    if not shapes:
        return None, 0
    rows: Callable = _abi.InputShape * len(shapes)
    result = rows()
    for row, (name, shape) in zip(result, shapes.items()):
        row.__init__(name=name.encode(), rank=len(shape))
        row.shape[:len(shape)] = [int(n) for n in shape]
    return result, len(shapes)
