"""The set-up that the studies of gradient estimators share: the rows, the places, and the estimators at each place."""

from collections.abc import Iterable, Iterator
from typing import Any

from taut.algorithms import StochasticGradient
from taut.choosing.choose import choose
from taut.choosing.meter import measure_gradient
from taut.choosing.names import GRADIENTS, named
from taut.core import precision
from taut.data.given import Given
from taut.data.source import Source
from taut.fitting.given_model import check_model
from taut.gradients import Enumeration, Exact, Gradient, Reinforce, admissible
from taut.models import Model
from taut.objectives.parse import parse_objective
from taut.problem import Problem
from taut.results.kinds import fit_class


class GradientStudy:
    """A problem whose gradient estimators are measured at one place or at several.

    Args:
        model: The model.
        family: The family, by name, class or instance; an instance is also the place, unless `at` is given.
        data: The data, as `taut.fit` takes them; None for a joint log density.
        gradients: The estimators, by name, class or instance; None takes all that go with the other parts.
        at: A member of the family, or a list of members.
        objective: The objective, or a form such as "iwae=50"; None for the ELBO.
        batch_size: Number of rows drawn at random for each gradient; None for all rows.
        seed: Seed of all draws.
        dtype: The dtype of the computation; None for "float64", or "float32" where each example has its own z.

    Attributes:
        source: The rows, with the batch size.
    """

    def __init__(
        self,
        model: Model,
        family: Any,
        data: Any,
        *,
        gradients: str | Gradient | Iterable[Any] | None,
        at: Any,
        objective: Any,
        batch_size: int | None,
        seed: int,
        dtype: Any,
    ):
        check_model(model, data)
        self.model, self.seed = model, seed
        self._objective, self._draws = objective, None
        if isinstance(objective, str):
            self._objective, self._draws = parse_objective(objective, StochasticGradient().steps)
        one = isinstance(gradients, (str, Gradient))
        self._gradients = gradients if gradients is None else [gradients] if one else list(gradients)
        self._places = [family] if at is None else list(at) if isinstance(at, (list, tuple)) else [at]
        read = fit_class(model).read(model, Given(data))
        self._rows, self._weights = read.rows, read.weights
        self._dtype = precision.resolve(dtype or model.dtype)
        self.source = Source(self._rows, self._weights, batch_size, seed, self._dtype)

    def places(self) -> Iterator[Problem]:
        """The problem at each place, with an estimator that goes with all other parts."""
        for place in self._places:
            yield self._problem(place, Reinforce(samples=self._draws or 2))

    def estimators(self, place: Problem) -> Iterator[Problem]:
        """The problem at a place with each estimator that is studied."""
        shelf = self._gradients
        if shelf is None:
            shelf = admissible(place.objective, self.model, place.family, self._draws)
        for gradient in shelf:
            yield self._problem(place.family, self._with_draws(gradient))

    def exact(self, place: Problem) -> Any | None:
        """The gradient without noise on all rows, a pytree like the learned leaves; None where no estimator is exact.

        Args:
            place: The problem at a place.
        """
        for gradient in (Exact(), Enumeration()):
            if gradient.supports(place.objective, self.model, place.family) is None:
                whole = Source(self._rows, self._weights, None, self.seed, self._dtype)
                problem = Problem(self.model, place.family, place.objective, gradient)
                return measure_gradient(problem, whole, 2, self.seed).mean
        return None

    def _problem(self, family: Any, gradient: Any) -> Problem:
        return choose(
            self.model,
            self._rows,
            family=family,
            objective=self._objective,
            gradient=gradient,
            algorithm=None,
            steps=None,
            minibatch=self.source.batch_size is not None,
        ).problem

    def _with_draws(self, gradient: Any) -> Any:
        """A gradient that was named, with the draws that the objective fixes; others as they are."""
        part = named("gradient", gradient, GRADIENTS, Gradient)
        return part(samples=self._draws) if isinstance(part, type) and self._draws is not None else part
