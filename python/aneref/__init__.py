"""aneref runs Core ML, ONNX and .anem networks as Apple's Neural Engine would, on any CPU.

    model = aneref.load("MobileNet.mlpackage", target="m4")
    result = model.predict({"image": picture})

`predict` is shaped like coremltools' `MLModel.predict`; `explain`, `lint`, `trace` and `compare` tell what the engine
makes of the network. Results are the same bits on every machine and at any number of threads.
"""
from ._arrays import empty_surface
from ._library import AnerefError, Cancelled, DeadlineExceeded, FileProblem, InvalidArgument, lib as _lib
from ._model import Model, State, compare, load, targets
from ._ports import Port
from ._reports import Comparison, Lint, Report, Trace
from ._session import OpProfile, OpResult, Session
from . import models
from .models import ComputeUnit

__version__: str = _lib.aneref_version().decode()
__all__ = ["AnerefError", "Cancelled", "Comparison", "ComputeUnit", "DeadlineExceeded", "FileProblem", "InvalidArgument",
           "Lint", "Model", "OpProfile", "OpResult", "Port", "Report", "Session", "State", "Trace", "compare",
           "empty_surface", "load", "models", "targets"]
