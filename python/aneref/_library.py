"""The loaded library: where it is found, calls that raise, handles that close themselves.

Not here: what the calls mean. ctypes releases the interpreter's lock for the time of each call.
"""
from __future__ import annotations

import ctypes
import os
import pathlib
import threading
import weakref
from typing import List, Optional, Union

from . import _abi

_FOLDER = pathlib.Path(__file__).resolve().parent / "lib"  # of a wheel: core/ and import/
_lock = threading.Lock()
_importer: Union[None, bool, str] = None  # None: not tried yet; else True or the reason why there is none


class AnerefError(RuntimeError):
    """What the library refused. `status` is its code's name, `rule` the id of the broken rule or ''."""

    def __init__(self, message: str, status: str = "internal", rule: str = ""):
        super().__init__(message)
        self.status = status
        self.rule = rule


class InvalidArgument(AnerefError, ValueError):
    """A name, shape, type or option that does not fit."""


class FileProblem(AnerefError, OSError):
    """A file that cannot be opened or read."""


class Cancelled(AnerefError):
    """The run was cancelled, by `Session.cancel` or a progress callback."""


class DeadlineExceeded(AnerefError, TimeoutError):
    """The run took longer than it was given."""


_CLASSES = {"invalid_argument": InvalidArgument, "shape": InvalidArgument, "io": FileProblem, "cancelled": Cancelled,
            "deadline": DeadlineExceeded}


def _load_all(libraries: List[pathlib.Path]) -> None:
    """Loads what a wheel brings along, each library after those it needs, which the loader then takes as they are."""
    while libraries:
        waiting = []
        for path in libraries:
            try:
                ctypes.CDLL(str(path))
            except OSError:
                waiting.append(path)
        if len(waiting) == len(libraries):
            return  # loading ours will say what is missing
        libraries = waiting


def _open(file_name: str, part: str) -> ctypes.CDLL:
    """From ANEREF_LIBRARY_DIR when that is set, else from this package, else as the system finds it."""
    folder = os.environ.get("ANEREF_LIBRARY_DIR")
    if folder:
        return ctypes.CDLL(str(pathlib.Path(folder) / file_name))
    path = _FOLDER / part / file_name
    if not path.exists():
        return ctypes.CDLL(file_name)
    _load_all(sorted(other for other in path.parent.iterdir() if other != path))
    return ctypes.CDLL(str(path))


def _load() -> ctypes.CDLL:
    library = _open("libaneref.so.0", "core")
    _abi.declare(library, _abi.FUNCTIONS)
    error = _abi.Error()
    check(library, library.aneref_check_abi(_abi.ABI_VERSION, error), error)
    return library


def check(library: ctypes.CDLL, status: int, error: _abi.Error) -> None:
    """Raises what a status says."""
    if status == 0:
        return
    name = library.aneref_status_name(status).decode()
    message = error.message.decode("utf-8", "replace") or name
    raise _CLASSES.get(name, AnerefError)(message, name, error.rule.decode())


def call(function: str, *arguments) -> None:
    """Calls a function whose last parameter is the error record, and raises on failure."""
    error = _abi.Error()
    check(lib, getattr(lib, function)(*arguments, error), error)


def enable_import() -> None:
    """Registers the importer of foreign formats, once. AnerefError: its library is not there."""
    global _importer
    with _lock:
        if _importer is None:
            try:
                library = _open("libaneref_import.so.0", "import")
                _abi.declare(library, _abi.IMPORT_FUNCTIONS)
                error = _abi.Error()
                check(lib, library.aneref_import_enable(error), error)
                _importer = True
            except (OSError, AttributeError) as problem:
                _importer = f"libaneref_import is not installed: {problem}"
    if _importer is not True:
        raise AnerefError(str(_importer), "no_importer")


class Handle:
    """Owns a handle: destroys it when nobody refers to it any more, or by close()."""

    def __init__(self, destroy: str):
        self.raw = _abi.Handle()
        self._destroy = destroy
        self._finalizer: Optional[weakref.finalize] = None

    def created(self) -> "Handle":
        """To be called once `raw` is filled in."""
        self._finalizer = weakref.finalize(self, getattr(lib, self._destroy), _abi.Handle(self.raw.value))
        return self

    def close(self) -> None:
        if self._finalizer is not None:
            self._finalizer()
        self.raw = _abi.Handle()


def create(function: str, destroy: str, *arguments) -> Handle:
    """A handle that `function` makes; it writes to its last but one parameter."""
    handle = Handle(destroy)
    call(function, *arguments, ctypes.byref(handle.raw))
    return handle.created()


def take_text(function: str, *arguments) -> str:
    """The text of an aneref_string that `function` makes."""
    string = create(function, "aneref_string_destroy", *arguments)
    text, length = ctypes.c_char_p(), ctypes.c_size_t()
    call("aneref_string_get", string.raw, ctypes.byref(text), ctypes.byref(length))
    result = ctypes.string_at(text, length.value).decode()
    string.close()
    return result


lib = _load()
