"""The names that scripts for coremltools use, so that `import coremltools as ct` may become `import aneref as ct`.

Only what running a model needs: converting and editing models stays with coremltools.
"""
from __future__ import annotations

import enum
import os
from typing import Any, Dict, Optional, Union

from ._model import Model


class ComputeUnit(enum.Enum):
    """Where Core ML may run a model. aneref computes as the engine does wherever it runs, so this changes nothing."""

    ALL = 1
    CPU_AND_GPU = 2
    CPU_ONLY = 3
    CPU_AND_NE = 4


class MLModel(Model):
    """`coremltools.models.MLModel` for predictions: the same first arguments, `predict` and `make_state`."""

    def __init__(self, model: Union[str, "os.PathLike[str]", bytes], is_temp_package: bool = False,
                 mil_program: Any = None, skip_model_load: bool = False,
                 compute_units: ComputeUnit = ComputeUnit.ALL, weights_dir: Optional[str] = None,
                 function_name: Optional[str] = None, optimization_hints: Optional[Dict[str, Any]] = None, *,
                 target: str = "m1", numerics: str = "portable", **options):
        del is_temp_package, mil_program, skip_model_load, weights_dir, optimization_hints  # mean nothing here
        super().__init__(model, target, numerics, function=function_name, **options)
        self.compute_unit = compute_units

    @property
    def input_description(self) -> Dict[str, str]:
        return {port.name: port.description for port in self.inputs}

    @property
    def output_description(self) -> Dict[str, str]:
        return {port.name: port.description for port in self.outputs}

    @property
    def user_defined_metadata(self) -> Dict[str, str]:
        return dict(self.description.get("metadata") or {})
