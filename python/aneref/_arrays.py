"""numpy arrays and pictures to and from the library's tensors. Knows no model."""
from __future__ import annotations

import ctypes
from typing import Any, Sequence

import numpy as np

from . import _abi
from ._library import InvalidArgument, call, lib

DTYPES = tuple(np.dtype(lib.aneref_dtype_name(i).decode()) for i in range(12))
_INDEX = {dtype: index for index, dtype in enumerate(DTYPES)}
IMAGES = ("", "RGB", "BGR", "GRAYSCALE")


class Surface(np.ndarray):
    """An array of `empty_surface`: it owns its row padding, which other arrays of the same strides may not."""

    padded_bytes = 0  # slices and copies have lost it

    def __array_finalize__(self, source):
        self.padded_bytes = 0


def span(array: np.ndarray) -> int:
    """Bytes from the first element to behind the last one that may be touched."""
    if isinstance(array, Surface) and array.padded_bytes:
        return array.padded_bytes
    if array.size == 0:
        return 0
    return sum((n - 1) * stride for n, stride in zip(array.shape, array.strides)) + array.itemsize


def readable(value: Any, name: str) -> np.ndarray:
    """`value` as an array whose memory the library can read: a known type, native bytes, strides that are not negative."""
    array = value if isinstance(value, Surface) else np.asarray(value)
    if array.dtype.newbyteorder("=") not in _INDEX:
        raise InvalidArgument(f"'{name}': no tensor has elements of type {array.dtype}", "invalid_argument")
    if array.ndim > _abi.MAX_RANK:
        raise InvalidArgument(f"'{name}': rank {array.ndim} is over {_abi.MAX_RANK}", "limit")
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    # Strides that are all 0 mean dense (types.h), so a repeated scalar is written out.
    if any(s < 0 for s in array.strides) or (array.size > 1 and not any(array.strides)):
        array = array.copy(order="C")
    return array


def tensor_of(array: np.ndarray) -> _abi.Tensor:
    """Describes the memory of `array`, which must outlive the result. The array must be `readable`."""
    tensor = _abi.Tensor(data=array.ctypes.data, data_bytes=span(array), dtype=_INDEX[array.dtype], rank=array.ndim)
    for i, (extent, stride) in enumerate(zip(array.shape, array.strides)):
        tensor.shape[i] = extent
        tensor.byte_strides[i] = stride
    return tensor


def view_of(tensor: _abi.Tensor) -> np.ndarray:
    """The library's memory as an array, without a copy; it lives as long as the library says."""
    rank = tensor.rank
    shape, strides = tuple(tensor.shape[:rank]), tuple(tensor.byte_strides[:rank])
    dtype = DTYPES[tensor.dtype]
    if not tensor.data or 0 in shape:
        return np.empty(shape, dtype)
    memory = np.frombuffer((ctypes.c_char * tensor.data_bytes).from_address(tensor.data), np.uint8)
    if not any(strides):
        return np.ndarray(shape, dtype, memory)
    return np.ndarray(shape, dtype, memory, strides=strides)


def empty_surface(shape: Sequence[int], dtype: Any = np.float16) -> np.ndarray:
    """An array in the engine's own layout: rows of the last axis padded to 64 bytes, at a multiple of 64.

    `Session.bind` uses such arrays in place, without copying. The elements are zero.
    """
    kind = np.dtype(dtype)
    if kind not in _INDEX:
        raise InvalidArgument(f"no tensor has elements of type {kind}", "invalid_argument")
    tensor = _abi.Tensor(dtype=_INDEX[kind], rank=len(shape))
    if len(shape) > _abi.MAX_RANK:
        raise InvalidArgument(f"rank {len(shape)} is over {_abi.MAX_RANK}", "limit")
    tensor.shape[:len(shape)] = [int(n) for n in shape]
    call("aneref_surface_layout", tensor)
    memory = np.zeros(tensor.data_bytes + 64, np.uint8)
    start = -memory.ctypes.data % 64
    surface = Surface(tuple(shape), kind, memory, start, tuple(tensor.byte_strides[:len(shape)]))
    surface.padded_bytes = tensor.data_bytes
    return surface


def is_picture(value: Any) -> bool:
    """Whether `value` is one of PIL's pictures (without importing PIL)."""
    return type(value).__module__.partition(".")[0] == "PIL" and hasattr(value, "convert")


def planes_of(value: Any, image: str, rank: int, name: str) -> np.ndarray:
    """Pixels as the network takes them, [.., channels, height, width], from a PIL picture or a uint8 array
    [height, width, 3] in RGB order ([height, width] for grayscale). Other arrays are planes already."""
    if is_picture(value):
        value = np.asarray(value.convert("L" if image == "GRAYSCALE" else "RGB"))
    array = readable(value, name)
    if image == "GRAYSCALE":
        if array.ndim != 2:
            return array
        planes = array[np.newaxis]
    else:
        if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
            return array
        planes = np.moveaxis(array[:, :, ::-1] if image == "BGR" else array, 2, 0)
    planes = planes.reshape((1,) * (rank - planes.ndim) + planes.shape) if rank > planes.ndim else planes
    return readable(planes, name)


def picture_of(planes: np.ndarray, image: str) -> Any:
    """Planes of an image output as a PIL picture, or as uint8 [height, width, 3] or [height, width] without PIL."""
    array = planes.reshape(planes.shape[-3:])
    pixels = np.rint(np.clip(np.nan_to_num(array.astype(np.float32), nan=0.0), 0, 255)).astype(np.uint8)
    pixels = pixels[0] if image == "GRAYSCALE" else np.moveaxis(pixels[::-1] if image == "BGR" else pixels, 0, 2)
    pixels = np.ascontiguousarray(pixels)
    try:
        from PIL import Image
    except ImportError:
        return pixels
    return Image.fromarray(pixels)
