"""Models: `load`, `predict`, and what the library tells about a network."""
from __future__ import annotations

import ctypes
import json
import os
import threading
from collections import OrderedDict
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from . import _abi, _arrays
from ._library import Handle, InvalidArgument, call, check, create, enable_import, lib, take_text
from ._ports import INPUT, OUTPUT, STATE, Port, input_shapes, read_labels, read_ports
from ._reports import Comparison, Lint, Report, Trace, table
from ._session import OpResult, Session

_PRECISIONS = {"default": 0, "fp16": 1, "source": 2}
_MAX_PLANS = 8  # sets of input shapes whose plans are kept
Shapes = Mapping[str, Sequence[int]]


class State:
    """The states of a stateful model between two predictions; `Model.make_state` makes zeros."""

    def __init__(self, values: Dict[str, np.ndarray]):
        self._values = values

    def read_state(self, name: str) -> np.ndarray:
        return self._values[name].copy()

    def write_state(self, name: str, value: Any) -> None:
        old = self._values[name]
        array = np.asarray(value)
        if array.shape != old.shape:
            raise InvalidArgument(f"state '{name}' has shape {old.shape}, not {array.shape}", "shape")
        self._values[name] = array.astype(old.dtype)

    def __iter__(self):
        return iter(self._values)


class _Plan:
    """A plan and its idle sessions; a thread that finds none makes one."""

    def __init__(self, model: "Model", shapes: Optional[Shapes]):
        rows, count = input_shapes(shapes)
        options = _abi.PlanOptions(target=model.target.encode(), numerics=model.numerics.encode(), input_shapes=rows,
                                   num_input_shapes=count, max_memory=model._max_memory)
        self.handle = create("aneref_plan_create", "aneref_plan_destroy", model._handle.raw, options)
        self._model = (model.threads, model._max_memory)
        self._idle: List[Session] = []
        self._lock = threading.Lock()

    def take(self) -> Session:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return Session(self.handle, *self._model)

    def give_back(self, session: Session) -> None:
        with self._lock:
            self._idle.append(session)


class Model:
    """A network, ready for one chip and one arithmetic. Any number of threads may use it at once.

    `target` is a chip of `targets()`; `numerics` is "portable", "fp32", "device" or "device:NAME=VALUE,...".
    `path` is a file, the folder of a Core ML package, or the bytes of a file.
    """

    def __init__(self, path: Union[str, "os.PathLike[str]", bytes], target: str = "m1", numerics: str = "portable", *,
                 threads: int = 0, precision: str = "default", fold: bool = True, function: Optional[str] = None,
                 input_shapes: Optional[Shapes] = None, max_memory: int = 0):
        self.target, self.numerics, self.threads = target, numerics, threads
        self._max_memory = max_memory
        self._handle = _load(path, _model_options(precision, fold, function, max_memory))
        self.inputs: List[Port] = read_ports("model", self._handle.raw, INPUT)
        self.outputs: List[Port] = read_ports("model", self._handle.raw, OUTPUT)
        self.states: List[Port] = read_ports("model", self._handle.raw, STATE)
        self._labels = [read_labels(self._handle.raw, i, port.num_labels) for i, port in enumerate(self.outputs)]
        self._plans: "OrderedDict[Tuple, _Plan]" = OrderedDict()
        self._lock = threading.Lock()
        self._description: Optional[Dict[str, Any]] = None
        self._open = [p.name for p in self.inputs if p.shape is None or min(p.shape, default=0) < 0]
        self._shapes = {name: tuple(shape) for name, shape in (input_shapes or {}).items()}
        if all(name in self._shapes for name in self._open):
            plan = self._plan({})  # options that do not fit are reported here, not by the first prediction
            plan.give_back(plan.take())

    # ---- predictions ----

    def predict(self, data: Union[Mapping[str, Any], Sequence[Mapping[str, Any]]], state: Optional[State] = None, *,
                timeout: Optional[float] = None, progress: Optional[Callable[[int, int], Any]] = None,
                observe: Optional[Callable[[OpResult], None]] = None) -> Any:
        """Runs the network: inputs by name in, outputs by name out, as coremltools' `MLModel.predict`.

        Image inputs take PIL pictures or uint8 arrays [height, width, 3] in RGB order; image outputs are PIL pictures
        (arrays where PIL is not installed). A classifier's probabilities are a dict by label, with the best label
        beside it. Arrays have the types that the model declares. A list of dicts gives a list of dicts. A stateful
        model starts from zero unless it is given a `state`, which is updated. The options are those of `Session.run`.
        """
        run_options: Dict[str, Any] = {"timeout": timeout, "progress": progress, "observe": observe}
        if not isinstance(data, Mapping):
            return [self.predict(row, state, **run_options) for row in data]
        self._check_names(data)
        values = {port.name: self._array(port, data[port.name]) for port in self.inputs}
        plan = self._plan({name: values[name].shape for name in self._open})
        session = plan.take()
        try:
            self._restore(session, state)
            outputs = session.predict(values, **run_options)
            if state is not None:
                state._values.update({port.name: session.get_state(port.name) for port in self.states})
        finally:
            plan.give_back(session)
        return self._dressed(outputs)

    def make_state(self) -> State:
        """States of zeros, for `predict(data, state)`."""
        shapes = {port.name: port.shape for port in self.states}
        if any(shape is None or min(shape, default=0) < 0 for shape in shapes.values()):
            raise InvalidArgument("the states of this model have no fixed shape", "shape")
        return State({port.name: np.zeros(port.shape or (), port.dtype) for port in self.states})

    def intermediates(self, data: Mapping[str, Any]) -> Dict[str, np.ndarray]:
        """Every tensor that a run computes, by its source name, in execution order: a dump for `compare`."""
        values: Dict[str, np.ndarray] = {}

        def keep(result: OpResult) -> None:
            values.update({name: array.copy() for name, array in result.outputs.items()})

        self.predict(data, observe=keep)
        return values

    def session(self, threads: Optional[int] = None, input_shapes: Optional[Shapes] = None) -> Session:
        """A session of one's own: bound arrays, profiles, cancellation. Sessions share the plan and its weights."""
        shapes = {name: tuple(shape) for name, shape in (input_shapes or {}).items()}
        return Session(self._plan(shapes).handle, self.threads if threads is None else threads, self._max_memory)

    # ---- reports ----

    def explain(self, target: Optional[str] = None) -> Report:
        """Which op runs where on the chip, why, and what to change; "all": every chip in one table."""
        return Report(lambda kind: take_text("aneref_explain", self._handle.raw, self._report_options(kind, target)))

    def lint(self, target: Optional[str] = None) -> Lint:
        """What to look at, worst first."""
        return Lint(lambda kind: take_text("aneref_lint", self._handle.raw, self._report_options(kind, target)))

    def plan(self) -> Dict[str, Any]:
        """Tasks, tiles, addresses and predicted cost: the document of `aneref plan --json`."""
        return json.loads(take_text("aneref_plan_describe", self._plan({}).handle.raw))

    def trace(self, data: Optional[Mapping[str, Any]] = None) -> Trace:
        """Runs once on `data` (without: zeros) and gives the threads' work beside the predicted timeline."""
        shapes = {} if data is None else {name: np.shape(data[name]) for name in self._open if name in data}
        with self.session(input_shapes=shapes) as session:
            return session.trace(data)

    def compare(self, data: Mapping[str, Any], dump: Mapping[str, Any], *, rtol: float = 0, atol: float = 0,
                max_ulp: int = 0, min_psnr: float = 0, bisect: bool = False) -> Comparison:
        """Runs the network on `data` and compares every tensor that `dump`, recorded elsewhere, has.

        Without a tolerance each op must stay within its bounds of rounding. The result is true when it does; its
        report says which op differs first, and why.
        """
        self._check_names(data)
        values = [self._array(port, data[port.name]) for port in self.inputs]
        shapes = {port.name: value.shape for port, value in zip(self.inputs, values)}
        rows, count = input_shapes({name: shapes[name] for name in self._open})
        how = _abi.PlanOptions(target=self.target.encode(), numerics=self.numerics.encode(), input_shapes=rows,
                               num_input_shapes=count, max_memory=self._max_memory)
        tensors = (_abi.Tensor * max(len(values), 1))(*[_arrays.tensor_of(value) for value in values])
        named, kept = _named_tensors(dump)
        options = {"rtol": rtol, "atol": atol, "max_ulp": max_ulp, "min_psnr": min_psnr, "bisect": int(bisect)}
        return _comparison(options, "aneref_compare_model", self._handle.raw, how, tensors, len(values), named, len(kept),
                           keep=(kept, values))

    # ---- descriptions ----

    @property
    def description(self) -> Dict[str, Any]:
        """Format, ops, parameters, metadata, import notes: the document of `aneref info --json`."""
        if self._description is None:
            self._description = json.loads(take_text("aneref_model_describe", self._handle.raw))
        return self._description

    @property
    def plan_info(self) -> Dict[str, Any]:
        """Memory of the plan, number of ops, predicted time on the chip."""
        info = _abi.PlanInfo()
        call("aneref_plan_get_info", self._plan({}).handle.raw, ctypes.byref(info))
        values = {name: getattr(info, name) for name, _ in info._fields_ if name != "struct_size"}
        return {name: value.decode() if isinstance(value, bytes) else value for name, value in values.items()}

    @property
    def labels(self) -> Dict[str, List[str]]:
        """The class labels of each output that has some."""
        return {port.name: labels for port, labels in zip(self.outputs, self._labels) if labels}

    def __repr__(self) -> str:
        ports = [f"  {kind} {port}" for kind, ports in self._ports() for port in ports]
        return "\n".join([f"aneref.Model(target={self.target!r}, numerics={self.numerics!r})", *ports])

    def _repr_html_(self) -> str:
        rows = [(kind, port.name, str(port).partition(": ")[2], port.description)
                for kind, ports in self._ports() for port in ports]
        return table(("", "name", "type", "description"), rows)

    # ---- inside ----

    def _ports(self):
        return ("input", self.inputs), ("output", self.outputs), ("state", self.states)

    def _check_names(self, data: Mapping[str, Any]) -> None:
        names = {port.name for port in self.inputs}
        if set(data) == names:
            return
        unknown, missing = sorted(set(data) - names), sorted(names - set(data))
        parts = [f"no input is called {', '.join(map(repr, unknown))}"] if unknown else []
        parts += [f"{', '.join(map(repr, missing))} is missing"] if missing else []
        raise InvalidArgument(f"{'; '.join(parts)}; the inputs are: {', '.join(map(str, self.inputs))}", "invalid_argument")

    @staticmethod
    def _array(port: Port, value: Any) -> np.ndarray:
        if port.image:
            return _arrays.planes_of(value, port.image, len(port.shape or ()), port.name)
        return _arrays.readable(value, port.name)

    def _plan(self, shapes: Mapping[str, Tuple[int, ...]]) -> _Plan:
        """The plan for these extents of open inputs, made when it is first needed."""
        wanted = {**self._shapes, **shapes}
        key = tuple(sorted((name, tuple(shape)) for name, shape in wanted.items()))
        with self._lock:
            plan = self._plans.pop(key, None) or _Plan(self, wanted)
            self._plans[key] = plan
            if len(self._plans) > _MAX_PLANS:
                self._plans.popitem(last=False)
        return plan

    def _restore(self, session: Session, state: Optional[State]) -> None:
        if not self.states:
            return
        if state is None:
            session.reset_states()
            return
        for port in self.states:
            session.set_state(port.name, state._values[port.name])

    def _dressed(self, outputs: Dict[str, np.ndarray]) -> Dict[str, Any]:
        """Outputs as Core ML gives them: pictures, and probabilities by label."""
        result: Dict[str, Any] = {}
        for port, labels in zip(self.outputs, self._labels):
            value = outputs[port.name]
            if labels and value.size == len(labels):
                flat = value.reshape(-1).astype(float)
                result.setdefault(self._label_name(), labels[int(np.argmax(flat))])
                result[port.name] = dict(zip(labels, flat.tolist()))
            elif port.image:
                result[port.name] = _arrays.picture_of(value, port.image)
            else:
                result[port.name] = value
        return result

    def _label_name(self) -> str:
        """What the source calls the best label; Core ML's converters say classLabel."""
        metadata = self.description.get("metadata") or {}
        return metadata.get("predicted_feature") or "classLabel"

    def _report_options(self, kind: int, target: Optional[str]) -> _abi.ReportOptions:
        rows, count = input_shapes(self._shapes)
        return _abi.ReportOptions(format=kind, target=(target or self.target).encode(), input_shapes=rows,
                                  num_input_shapes=count, max_memory=self._max_memory)


def _model_options(precision: str, fold: bool, function: Optional[str], max_memory: int) -> _abi.ModelOptions:
    if precision not in _PRECISIONS:
        raise InvalidArgument(f"precision is one of {', '.join(_PRECISIONS)}, not '{precision}'", "invalid_argument")
    return _abi.ModelOptions(precision=_PRECISIONS[precision], no_fold=int(not fold), max_memory=max_memory,
                             function=function.encode() if function else None)


def _load(path: Any, options: _abi.ModelOptions) -> Handle:
    """Reads a file or bytes; the importer is looked for when the library meets a foreign format."""
    in_memory = isinstance(path, (bytes, bytearray, memoryview))
    arguments: Tuple = (bytes(path), len(bytes(path))) if in_memory else (os.fsencode(path),)
    function = "aneref_model_load_" + ("memory" if in_memory else "file")
    handle, error = Handle("aneref_model_destroy"), _abi.Error()
    status = getattr(lib, function)(*arguments, options, ctypes.byref(handle.raw), error)
    if status and lib.aneref_status_name(status) == b"no_importer":
        enable_import()
        status = getattr(lib, function)(*arguments, options, ctypes.byref(handle.raw), error)
    check(lib, status, error)
    return handle.created()


def _named_tensors(tensors: Mapping[str, Any]):
    """A dict of arrays as the library's list, and the arrays, which must outlive it."""
    kept = [_arrays.readable(value, name) for name, value in tensors.items()]
    rows = (_abi.NamedTensor * max(len(kept), 1))()
    for row, name, array in zip(rows, tensors, kept):
        row.__init__(name=name.encode(), tensor=_arrays.tensor_of(array))
    return rows, kept


def _comparison(options: Dict[str, Any], function: str, *arguments, keep: Any) -> Comparison:
    passed = ctypes.c_int32()

    def make(kind: int, unused: Any = keep) -> str:
        how = _abi.CompareOptions(format=kind, **options)
        return take_text(function, *arguments, how, ctypes.byref(passed))

    document = make(0)
    return Comparison(lambda kind: document if kind == 0 else make(kind), bool(passed.value))


def load(path: Union[str, "os.PathLike[str]", bytes], target: str = "m1", numerics: str = "portable", **options) -> Model:
    """Loads `.anem`, `.onnx`, `.mlmodel` or `.mlpackage`; the options are those of `Model`."""
    return Model(path, target, numerics, **options)


def compare(a: Mapping[str, Any], b: Mapping[str, Any], *, rtol: float = 0, atol: float = 0, max_ulp: int = 0,
            min_psnr: float = 0) -> Comparison:
    """Compares two sets of arrays by name; `b` is the reference. Without a tolerance they must be equal."""
    rows_a, kept_a = _named_tensors(a)
    rows_b, kept_b = _named_tensors(b)
    options = {"rtol": rtol, "atol": atol, "max_ulp": max_ulp, "min_psnr": min_psnr}
    return _comparison(options, "aneref_compare_tensors", rows_a, len(kept_a), rows_b, len(kept_b), keep=(kept_a, kept_b))


def targets() -> List[Dict[str, Any]]:
    """Every chip: the document of `aneref targets --json`."""
    return json.loads(take_text("aneref_targets"))
