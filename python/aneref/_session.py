"""Sessions: the memory and state of one run at a time, over a plan that any number of sessions share."""
from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional

import numpy as np

from . import _abi, _arrays
from ._library import Handle, InvalidArgument, call, create, take_text
from ._ports import INPUT, OUTPUT, STATE, Port, read_port, read_ports
from ._reports import Trace


@dataclass(frozen=True)
class OpResult:
    """One op that has just been computed, for `observe`. The arrays are the library's memory: copy what you keep."""

    name: str
    op: str
    index: int
    seconds: float
    outputs: Dict[str, np.ndarray]


@dataclass(frozen=True)
class OpProfile:
    """One kernel call of the last run."""

    name: str
    op: str
    kernel: str
    seconds: float
    flops: float
    on_engine: bool


def _index(ports: List[Port], name: str, kind: str) -> int:
    for index, port in enumerate(ports):
        if port.name == name:
            return index
    known = ", ".join(repr(port.name) for port in ports) or "none"
    raise InvalidArgument(f"no {kind} is called '{name}'; there are: {known}", "invalid_argument")


class Session:
    """Runs a plan. Serves one thread at a time; make one per thread. `Model.session` makes them."""

    def __init__(self, plan: Handle, threads: int = 0, max_memory: int = 0):
        options = _abi.SessionOptions(threads=threads, max_memory=max_memory)
        self._handle = create("aneref_session_create", "aneref_session_destroy", plan.raw, options)
        self._bound: Dict[str, np.ndarray] = {}
        self.inputs = read_ports("session", self._raw, INPUT)
        self.states = read_ports("session", self._raw, STATE)
        self._outputs = read_ports("session", self._raw, OUTPUT)
        self._fixed = all(port.shape is not None and min(port.shape, default=0) >= 0 for port in self._outputs)

    @property
    def _raw(self) -> _abi.Handle:
        return self._handle.raw

    @property
    def outputs(self) -> List[Port]:
        """Shapes that depend on data are those of the last run."""
        return self._outputs if self._fixed else read_ports("session", self._raw, OUTPUT)

    # ---- values ----

    def set_input(self, name: str, value: Any) -> None:
        """Copies a value in; any numeric type converts, pictures are taken apart. It stays for the runs that follow."""
        index = _index(self.inputs, name, "input")
        port = self.inputs[index]
        array = (_arrays.planes_of(value, port.image, len(port.shape or ()), name) if port.image
                 else _arrays.readable(value, name))
        call("aneref_session_set_input", self._raw, index, _arrays.tensor_of(array))

    def get_output(self, name: str, dtype: Any = None) -> np.ndarray:
        """A copy of an output of the last run, in the declared type unless another one is asked for."""
        index = _index(self._outputs, name, "output")
        port = self._outputs[index] if self._fixed else read_port("session", self._raw, OUTPUT, index)
        result = np.empty(port.shape or (), dtype or port.declared)
        call("aneref_session_get_output", self._raw, index, _arrays.tensor_of(result))
        return result

    def view_output(self, name: str) -> np.ndarray:
        """An output where it lies, for reading, without a copy: valid until this session runs, binds or closes."""
        view = _abi.Tensor()
        call("aneref_session_view_output", self._raw, _index(self._outputs, name, "output"), ctypes.byref(view))
        array = _arrays.view_of(view)
        array.flags.writeable = False
        return array

    def bind(self, name: str, array: Optional[np.ndarray]) -> bool:
        """From now on each run reads the input (or writes the output) `name` from (to) this array; None unbinds.

        True: in place, without a copy, which `empty_surface` arrays of the port's type get; other layouts and types
        cost one pass over the data.
        """
        is_input = any(port.name == name for port in self.inputs)
        kind, ports = ("input", self.inputs) if is_input else ("output", self._outputs)
        index, direct = _index(ports, name, kind), ctypes.c_int32()
        function = f"aneref_session_bind_{kind}"
        if array is None:
            call(function, self._raw, index, None, ctypes.byref(direct))
            self._bound.pop(name, None)
            return False
        if not isinstance(array, np.ndarray) or _arrays.readable(array, name) is not array:
            raise InvalidArgument(f"'{name}': only arrays of native types with strides that are not negative can be bound",
                                  "invalid_argument")
        if not is_input and not array.flags.writeable:
            raise InvalidArgument(f"'{name}': an output is bound to an array that is read-only", "invalid_argument")
        call(function, self._raw, index, _arrays.tensor_of(array), ctypes.byref(direct))
        self._bound[name] = array
        return bool(direct.value)

    # ---- states ----

    def get_state(self, name: str) -> np.ndarray:
        """A copy of a state's value."""
        index = _index(self.states, name, "state")
        result = np.empty(self.states[index].shape or (), self.states[index].dtype)
        call("aneref_session_get_state", self._raw, index, _arrays.tensor_of(result))
        return result

    def set_state(self, name: str, value: Any) -> None:
        index = _index(self.states, name, "state")
        array = _arrays.readable(value, name)
        call("aneref_session_set_state", self._raw, index, _arrays.tensor_of(array))

    def reset_states(self) -> None:
        """All states are zero again."""
        call("aneref_session_reset_states", self._raw)

    # ---- runs ----

    def run(self, *, timeout: Optional[float] = None, progress: Optional[Callable[[int, int], Any]] = None,
            observe: Optional[Callable[[OpResult], None]] = None) -> None:
        """Runs once, without the interpreter's lock.

        `timeout` in seconds raises DeadlineExceeded; `progress(done, total)` comes after each op, and a true result
        cancels; `observe(OpResult)` comes after each op with its results. An exception of a callback ends the run and
        is raised here.
        """
        failed: List[BaseException] = []
        keep = []
        options = _abi.RunOptions(timeout_ns=0 if timeout is None else max(1, int(timeout * 1e9)))
        if progress is not None or observe is not None:
            options.progress = _abi.Progress(_progress_of(progress, failed))
            keep.append(options.progress)
        if observe is not None:
            options.observe = _abi.Observe(_observer_of(observe, failed))
            keep.append(options.observe)
        try:
            call("aneref_session_run", self._raw, options)
        except Exception:
            if failed:
                raise failed[0] from None
            raise
        if failed:  # of the last op
            raise failed[0]

    def cancel(self) -> None:
        """Ends the run in flight, soon. From any thread."""
        call("aneref_session_cancel", self._raw)

    def predict(self, data: Mapping[str, Any], **run_options) -> Dict[str, np.ndarray]:
        """Inputs by name in, all outputs by name out; `run_options` are those of `run`."""
        for name, value in data.items():
            self.set_input(name, value)
        self.run(**run_options)
        return {port.name: self.get_output(port.name) for port in self._outputs}

    # ---- what the last run did ----

    def profile(self, data: Optional[Mapping[str, Any]] = None) -> List[OpProfile]:
        """Runs once (on the inputs as they are, or `data`) with a clock around each kernel call."""
        for name, value in (data or {}).items():
            self.set_input(name, value)
        call("aneref_session_enable_profile", self._raw, 1)
        try:
            self.run()
        finally:
            call("aneref_session_enable_profile", self._raw, 0)
        count, row = ctypes.c_size_t(), _abi.ProfileRow()
        call("aneref_session_num_profile_rows", self._raw, ctypes.byref(count))
        rows = []
        for i in range(count.value):
            call("aneref_session_profile_row", self._raw, i, ctypes.byref(row))
            rows.append(OpProfile(row.name.decode(), row.op.decode(), row.kernel.decode(), row.seconds, row.flops,
                                  bool(row.on_engine)))
        return rows

    def trace(self, data: Optional[Mapping[str, Any]] = None) -> Trace:
        """Runs once and gives what each thread did beside the predicted timeline of the chip."""
        for name, value in (data or {}).items():
            self.set_input(name, value)
        call("aneref_session_enable_trace", self._raw, 1)
        try:
            self.run()
            return Trace(take_text("aneref_session_trace", self._raw))
        finally:
            call("aneref_session_enable_trace", self._raw, 0)

    @property
    def info(self) -> Dict[str, int]:
        """Threads, bytes of arena, scratch and constants, and the number of runs that succeeded."""
        info = _abi.SessionInfo()
        call("aneref_session_get_info", self._raw, ctypes.byref(info))
        return {name: getattr(info, name) for name, _ in info._fields_ if name != "struct_size"}

    def close(self) -> None:
        """Frees the session's memory now. Views of its outputs end here."""
        self._handle.close()
        self._bound.clear()

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *unused) -> None:
        self.close()


def _progress_of(progress: Optional[Callable[[int, int], Any]], failed: List[BaseException]) -> Callable:
    def called(_user, done, total):
        if failed:
            return 1
        try:
            return 1 if progress is not None and progress(done, total) else 0
        except BaseException as error:  # may not pass through C
            failed.append(error)
            return 1

    return called


def _observer_of(observe: Callable[[OpResult], None], failed: List[BaseException]) -> Callable:
    def called(_user, event):
        try:
            if not failed:
                observe(_op_result(event.contents))
        except BaseException as error:  # may not pass through C
            failed.append(error)

    return called


def _op_result(event: _abi.OpEvent) -> OpResult:
    outputs = {event.output_names[i].decode(): _arrays.view_of(event.outputs[i]) for i in range(event.num_outputs)}
    return OpResult((event.name or b"").decode(), (event.op or b"").decode(), event.index, event.seconds, outputs)
