"""The ctypes declarations against the headers, line by line: every struct, field, function and parameter."""
import ctypes
import pathlib
import re

import pytest

from aneref import _abi

INCLUDE = pathlib.Path(__file__).resolve().parents[2] / "runtime" / "capi" / "include" / "aneref"
SCALARS = {"size_t": ctypes.c_size_t, "uint64_t": ctypes.c_uint64, "int64_t": ctypes.c_int64, "int32_t": ctypes.c_int32,
           "uint32_t": ctypes.c_uint32, "double": ctypes.c_double, "char": ctypes.c_char}
# What C callers alone use: their own importers.
NOT_BOUND = {"aneref_importer", "aneref_set_importer"}


def header_text():
    text = "".join(path.read_text() for path in sorted(INCLUDE.glob("*.h")))
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"^#.*$", "", text, flags=re.M))


TEXT = header_text()
ENUMS = {name for name in re.findall(r"typedef int32_t (aneref_\w+);", TEXT)}
HANDLES = {name for name in re.findall(r"typedef struct (aneref_\w+) \1;", TEXT)}
STRUCTS = dict(re.findall(r"typedef struct (aneref_\w+) \{(.*?)\} \1;", TEXT))
FUNCTIONS = dict((name, parameters) for name, parameters in
                 re.findall(r"ANEREF_API [\w ]+?[ *]+(aneref_\w+)\(([^;]*)\);", TEXT))


def class_of(struct):
    return getattr(_abi, "".join(part.capitalize() for part in struct.removeprefix("aneref_").split("_")))


def ctype_of(words, stars):
    """The ctypes class of a C type."""
    words = words.replace("const", "").replace("struct", "").strip()
    if stars == 0:
        return ctypes.c_int32 if words in ENUMS else class_of(words) if words in STRUCTS else SCALARS[words]
    if words in HANDLES or words == "void":
        return ctypes.c_void_p if stars == 1 else ctypes.POINTER(ctypes.c_void_p)
    if words == "char":
        return ctypes.c_char_p if stars == 1 else ctypes.POINTER(ctypes.c_char_p)
    return ctypes.POINTER(ctype_of(words, stars - 1))


def fields_of(body):
    """(name, type, extents) of each field; functions have type None."""
    for field in filter(None, (part.strip() for part in re.sub(r"\([^()]*\([^()]*\)[^()]*\)", "()", body).split(";"))):
        if function := re.search(r"\(\*(\w+)\)", field):
            yield function.group(1), None, ""
            continue
        declared, name, extent = re.fullmatch(r"(.*?)(\w+)(\[\w+\])?", field).groups()
        yield name, ctype_of(declared.replace("*", ""), declared.count("*")), extent or ""


def test_headers_are_read():
    assert len(STRUCTS) >= 18 and len(FUNCTIONS) >= 50 and len(HANDLES) == 4


@pytest.mark.parametrize("struct", sorted(set(STRUCTS) - NOT_BOUND))
def test_struct_has_the_fields_of_the_header(struct):
    expected = list(fields_of(STRUCTS[struct]))
    bound = class_of(struct)._fields_
    assert [name for name, _ in bound] == [name for name, _, _ in expected]
    for (name, kind), (_, declared, extent) in zip(bound, expected):
        if declared is None:
            assert ctypes.sizeof(kind) == ctypes.sizeof(ctypes.c_void_p), name
        elif extent:
            count = {"[ANEREF_MAX_RANK]": _abi.MAX_RANK}.get(extent) or int(extent.strip("[]"))
            assert (kind._type_, kind._length_) == (declared, count), name
        else:
            assert kind is declared, name


def test_every_function_is_bound():
    bound = set(_abi.FUNCTIONS) | set(_abi.IMPORT_FUNCTIONS) | NOT_BOUND
    assert set(FUNCTIONS) - bound == set()
    assert bound - set(FUNCTIONS) - set(STRUCTS) == set()


@pytest.mark.parametrize("function", sorted(set(FUNCTIONS) - NOT_BOUND))
def test_function_has_the_parameters_of_the_header(function):
    bound = {**_abi.FUNCTIONS, **_abi.IMPORT_FUNCTIONS}[function]
    parameters = [p.strip() for p in FUNCTIONS[function].split(",") if p.strip() not in ("", "void")]
    assert len(bound) == len(parameters)
    for kind, parameter in zip(bound, parameters):
        declared = re.fullmatch(r"(.*?)\w+", parameter).group(1)
        if declared.strip() == "aneref_completion":
            assert kind is _abi.Completion
        else:
            assert kind is ctype_of(declared.replace("*", ""), declared.count("*")), parameter


def test_constants_of_the_header():
    source = (INCLUDE / "types.h").read_text()
    assert int(re.search(r"define ANEREF_ABI_VERSION (\d+)", source).group(1)) == _abi.ABI_VERSION
    assert int(re.search(r"define ANEREF_MAX_RANK (\d+)", source).group(1)) == _abi.MAX_RANK
