"""Sentence 4, choose your gradient estimator: how the gradient of an expectation over q is had."""

import importlib
from typing import Any

from taut.gradients.base import Gradient as Gradient
from taut.gradients.control_variates import ControlVariate as ControlVariate
from taut.gradients.control_variates import LeaveOneOut as LeaveOneOut
from taut.gradients.control_variates import MovingAverage as MovingAverage
from taut.gradients.control_variates import NoControl as NoControl
from taut.gradients.disarm import Disarm as Disarm
from taut.gradients.enumeration import Enumeration as Enumeration
from taut.gradients.exact import Exact as Exact
from taut.gradients.measure_valued import MeasureValued as MeasureValued
from taut.gradients.optimal_baseline import OptimalBaseline as OptimalBaseline
from taut.gradients.path_derivative import PathDerivative as PathDerivative
from taut.gradients.problem import Problem as Problem
from taut.gradients.reinforce import Reinforce as Reinforce
from taut.gradients.reparametrization import Reparametrization as Reparametrization
from taut.gradients.shelf import admissible as admissible
from taut.gradients.shelf import estimators as estimators
from taut.gradients.straight_through import StraightThrough as StraightThrough
from taut.gradients.taylor import DeltaMethod as DeltaMethod
from taut.gradients.taylor import DoubleControl as DoubleControl


def __getattr__(name: str) -> Any:
    # Both read data as `taut.fit` does and hand back tables, so they live above this room.
    if name in (homes := {"compare": "taut.comparison", "claims": "taut.consistency"}):
        return getattr(importlib.import_module(homes[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
