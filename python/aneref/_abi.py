"""The C interface as ctypes sees it: structs, callbacks and prototypes of `aneref/*.h`, nothing else.

`tests/python/test_abi.py` compares every line here with the headers.
"""
from __future__ import annotations

import ctypes as c

ABI_VERSION = 1
MAX_RANK = 8
Handle = c.c_void_p
_Extents = c.c_int64 * MAX_RANK


class Sized(c.Structure):
    """A struct that begins with its own size (A3); keyword arguments set fields."""

    def __init__(self, **fields):
        super().__init__(**fields)
        self.struct_size = c.sizeof(self)


class Error(Sized):
    _fields_ = [("struct_size", c.c_size_t), ("code", c.c_int32), ("rule", c.c_char * 12), ("message", c.c_char * 512)]


class Tensor(Sized):
    _fields_ = [("struct_size", c.c_size_t), ("data", c.c_void_p), ("data_bytes", c.c_size_t), ("dtype", c.c_int32),
                ("rank", c.c_int32), ("shape", _Extents), ("byte_strides", _Extents)]


class Allocator(Sized):
    _fields_ = [("struct_size", c.c_size_t), ("user", c.c_void_p), ("allocate", c.c_void_p), ("release", c.c_void_p)]


class ModelOptions(Sized):
    _fields_ = [("struct_size", c.c_size_t), ("name", c.c_char_p), ("max_memory", c.c_uint64), ("precision", c.c_int32),
                ("no_fold", c.c_int32), ("function", c.c_char_p), ("release", c.c_void_p), ("release_user", c.c_void_p)]


class Port(Sized):
    _fields_ = [("struct_size", c.c_size_t), ("name", c.c_char_p), ("dtype", c.c_int32), ("declared", c.c_int32),
                ("rank", c.c_int32), ("shape", _Extents), ("extent_names", c.c_char_p * MAX_RANK),
                ("surface_strides", _Extents), ("surface_bytes", c.c_size_t), ("image", c.c_int32),
                ("num_labels", c.c_int32), ("description", c.c_char_p)]


class InputShape(Sized):
    _fields_ = [("struct_size", c.c_size_t), ("name", c.c_char_p), ("rank", c.c_int32), ("shape", _Extents)]


class PlanOptions(Sized):
    _fields_ = [("struct_size", c.c_size_t), ("target", c.c_char_p), ("numerics", c.c_char_p),
                ("input_shapes", c.POINTER(InputShape)), ("num_input_shapes", c.c_size_t), ("max_memory", c.c_uint64),
                ("keep_intermediates", c.c_int32), ("allocator", c.POINTER(Allocator))]


class PlanInfo(Sized):
    _fields_ = [("struct_size", c.c_size_t), ("target", c.c_char_p), ("numerics", c.c_char_p), ("is_static", c.c_int32),
                ("constant_bytes", c.c_uint64), ("arena_bytes", c.c_uint64), ("num_ops", c.c_uint64),
                ("predicted_us", c.c_double)]


class Executor(Sized):
    _fields_ = [("struct_size", c.c_size_t), ("user", c.c_void_p), ("num_threads", c.c_int32), ("run", c.c_void_p)]


class SessionOptions(Sized):
    _fields_ = [("struct_size", c.c_size_t), ("threads", c.c_int32), ("max_memory", c.c_uint64),
                ("allocator", c.POINTER(Allocator)), ("executor", c.POINTER(Executor))]


class OpEvent(Sized):
    _fields_ = [("struct_size", c.c_size_t), ("name", c.c_char_p), ("op", c.c_char_p), ("index", c.c_uint64),
                ("seconds", c.c_double), ("num_outputs", c.c_size_t), ("output_names", c.POINTER(c.c_char_p)),
                ("outputs", c.POINTER(Tensor))]


Progress = c.CFUNCTYPE(c.c_int32, c.c_void_p, c.c_uint64, c.c_uint64)
Observe = c.CFUNCTYPE(None, c.c_void_p, c.POINTER(OpEvent))
Completion = c.CFUNCTYPE(None, c.c_void_p, c.c_int32, c.POINTER(Error))


class RunOptions(Sized):
    _fields_ = [("struct_size", c.c_size_t), ("timeout_ns", c.c_uint64), ("user", c.c_void_p), ("progress", Progress),
                ("observe", Observe)]


class ProfileRow(Sized):
    _fields_ = [("struct_size", c.c_size_t), ("name", c.c_char_p), ("op", c.c_char_p), ("kernel", c.c_char_p),
                ("seconds", c.c_double), ("flops", c.c_double), ("on_engine", c.c_int32)]


class SessionInfo(Sized):
    _fields_ = [("struct_size", c.c_size_t), ("threads", c.c_int32), ("arena_bytes", c.c_uint64),
                ("scratch_bytes", c.c_uint64), ("constant_bytes", c.c_uint64), ("num_runs", c.c_uint64)]


class ReportOptions(Sized):
    _fields_ = [("struct_size", c.c_size_t), ("format", c.c_int32), ("target", c.c_char_p),
                ("input_shapes", c.POINTER(InputShape)), ("num_input_shapes", c.c_size_t), ("max_memory", c.c_uint64)]


class NamedTensor(Sized):
    _fields_ = [("struct_size", c.c_size_t), ("name", c.c_char_p), ("tensor", Tensor)]


class CompareOptions(Sized):
    _fields_ = [("struct_size", c.c_size_t), ("format", c.c_int32), ("rtol", c.c_double), ("atol", c.c_double),
                ("max_ulp", c.c_int64), ("min_psnr", c.c_double), ("bisect", c.c_int32)]


_P = c.POINTER
_error, _handle, _handles = _P(Error), Handle, _P(Handle)
_size, _sizes, _int, _ints, _text = c.c_size_t, _P(c.c_size_t), c.c_int32, _P(c.c_int32), c.c_char_p
_tensor, _named = _P(Tensor), _P(NamedTensor)


def _ports(kind: str) -> dict:
    """The queries that models, plans and sessions share."""
    return {f"aneref_{kind}_num_ports": (_handle, _int, _sizes, _error),
            f"aneref_{kind}_port": (_handle, _int, _size, _P(Port), _error)}


# Argument types by function. All return a status but those of RESULTS.
FUNCTIONS = {
    "aneref_status_name": (_int,),
    "aneref_version": (),
    "aneref_abi_version": (),
    "aneref_check_abi": (c.c_uint32, _error),
    "aneref_dtype_size": (_int,),
    "aneref_dtype_name": (_int,),
    "aneref_surface_layout": (_tensor, _error),
    "aneref_string_get": (_handle, _P(_text), _sizes, _error),
    "aneref_string_destroy": (_handle,),
    "aneref_model_load_file": (_text, _P(ModelOptions), _handles, _error),
    "aneref_model_load_memory": (c.c_void_p, _size, _P(ModelOptions), _handles, _error),
    "aneref_model_destroy": (_handle,),
    **_ports("model"),
    "aneref_model_find_port": (_handle, _int, _text, _sizes, _error),
    "aneref_model_label": (_handle, _size, _size, _P(_text), _error),
    "aneref_plan_create": (_handle, _P(PlanOptions), _handles, _error),
    "aneref_plan_destroy": (_handle,),
    **_ports("plan"),
    "aneref_plan_get_info": (_handle, _P(PlanInfo), _error),
    "aneref_session_create": (_handle, _P(SessionOptions), _handles, _error),
    "aneref_session_destroy": (_handle,),
    **_ports("session"),
    "aneref_session_find_port": (_handle, _int, _text, _sizes, _error),
    "aneref_session_set_input": (_handle, _size, _tensor, _error),
    "aneref_session_get_output": (_handle, _size, _tensor, _error),
    "aneref_session_view_output": (_handle, _size, _tensor, _error),
    "aneref_session_bind_input": (_handle, _size, _tensor, _ints, _error),
    "aneref_session_bind_output": (_handle, _size, _tensor, _ints, _error),
    "aneref_session_set_state": (_handle, _size, _tensor, _error),
    "aneref_session_get_state": (_handle, _size, _tensor, _error),
    "aneref_session_reset_states": (_handle, _error),
    "aneref_session_run": (_handle, _P(RunOptions), _error),
    "aneref_session_run_async": (_handle, _P(RunOptions), Completion, c.c_void_p, _error),
    "aneref_session_wait": (_handle, c.c_uint64, _error),
    "aneref_session_cancel": (_handle, _error),
    "aneref_session_num_values": (_handle, _sizes, _error),
    "aneref_session_value": (_handle, _size, _P(_text), _tensor, _error),
    "aneref_session_enable_profile": (_handle, _int, _error),
    "aneref_session_num_profile_rows": (_handle, _sizes, _error),
    "aneref_session_profile_row": (_handle, _size, _P(ProfileRow), _error),
    "aneref_session_get_info": (_handle, _P(SessionInfo), _error),
    "aneref_explain": (_handle, _P(ReportOptions), _handles, _error),
    "aneref_lint": (_handle, _P(ReportOptions), _handles, _error),
    "aneref_plan_describe": (_handle, _handles, _error),
    "aneref_model_describe": (_handle, _handles, _error),
    "aneref_targets": (_handles, _error),
    "aneref_session_enable_trace": (_handle, _int, _error),
    "aneref_session_trace": (_handle, _handles, _error),
    "aneref_compare_tensors": (_named, _size, _named, _size, _P(CompareOptions), _ints, _handles, _error),
    "aneref_compare_model": (_handle, _P(PlanOptions), _tensor, _size, _named, _size, _P(CompareOptions), _ints, _handles,
                             _error),
}
# Of the library aneref_import.
IMPORT_FUNCTIONS = {"aneref_import_enable": (_error,)}
RESULTS = {"aneref_status_name": _text, "aneref_version": _text, "aneref_abi_version": c.c_uint32,
           "aneref_dtype_size": _size, "aneref_dtype_name": _text}


def declare(library: c.CDLL, functions: dict) -> None:
    """Gives the functions of a loaded library their prototypes. AttributeError: one is missing."""
    for name, arguments in functions.items():
        function = getattr(library, name)
        function.argtypes = arguments
        function.restype = RESULTS.get(name, c.c_int32)
