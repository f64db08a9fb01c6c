"""Sentence 4, choose your gradient estimator: how the gradient of an expectation over q is had."""

from taut.gradients.base import Gradient as Gradient
from taut.gradients.control_variates import ControlVariate as ControlVariate
from taut.gradients.control_variates import LeaveOneOut as LeaveOneOut
from taut.gradients.control_variates import MovingAverage as MovingAverage
from taut.gradients.control_variates import NoControl as NoControl
from taut.gradients.exact import Exact as Exact
from taut.gradients.path_derivative import PathDerivative as PathDerivative
from taut.gradients.problem import Problem as Problem
from taut.gradients.reinforce import Reinforce as Reinforce
from taut.gradients.reparametrization import Reparametrization as Reparametrization
