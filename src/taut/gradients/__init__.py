"""Sentence 4, choose your gradient estimator: how the gradient of an expectation over q is estimated."""

from taut.core.rooms import absent as _absent
from taut.gradients.base import Gradient as Gradient
from taut.gradients.catalogue import admissible as admissible
from taut.gradients.catalogue import estimators as estimators
from taut.gradients.control_variates.base import ControlVariate as ControlVariate
from taut.gradients.control_variates.base import LeaveOneOut as LeaveOneOut
from taut.gradients.control_variates.base import MovingAverage as MovingAverage
from taut.gradients.control_variates.base import NoControl as NoControl
from taut.gradients.control_variates.optimal_baseline import OptimalBaseline as OptimalBaseline
from taut.gradients.control_variates.taylor import DeltaMethod as DeltaMethod
from taut.gradients.control_variates.taylor import DoubleControl as DoubleControl
from taut.gradients.disarm import Disarm as Disarm
from taut.gradients.enumeration import Enumeration as Enumeration
from taut.gradients.exact import Exact as Exact
from taut.gradients.measure_valued import MeasureValued as MeasureValued
from taut.gradients.path_derivative import PathDerivative as PathDerivative
from taut.gradients.reinforce import Reinforce as Reinforce
from taut.gradients.reparametrization import Reparametrization as Reparametrization
from taut.gradients.straight_through import StraightThrough as StraightThrough

__getattr__ = _absent(__name__)
