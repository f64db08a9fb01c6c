"""The general model: any log density over named parameters."""

from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp

from taut.core.capabilities import Capability
from taut.errors import ArgumentError, DataError
from taut.models.base import Model
from taut.models.checks.check import Check, check
from taut.models.checks.structure import check_structure
from taut.models.derived import Derived
from taut.models.prior import Prior
from taut.models.unknowns import Parameters, Unknowns


class UnconstrainedPrior(Prior):
    """The log prior of constrained values as a density over the unconstrained vector, its Jacobian counted here.

    Attributes:
        parameters: the adapter.
        log_density: values -> log prior; None where the density carries everything (then the Jacobian is all there is).
    """

    parameters: Unknowns
    log_density: Callable | None = None

    def log_prob(self, z):
        """log p(values(z)) + log |det dvalues/dz|, in nats."""
        values, log_jacobian = self.parameters.constrain(z)
        return log_jacobian if self.log_density is None else self.log_density(values) + log_jacobian


class Naming(eqx.Module):
    """The named values of a log density.

    Attributes:
        parameters: The adapter.
        derived: What is derived from the parameters, if anything is.
    """

    parameters: Unknowns
    derived: Derived | None

    def constrain(self, z):
        """The named, shaped, constrained values at z, and what is derived from them."""
        values = self.parameters.constrain(z)[0]
        return values if self.derived is None else self.derived(values)


class LogDensity(Model):
    r"""Any differentiable log density over named parameters with supports.

    Two forms. *A joint density* of the parameters, the data being inside the function:

    .. math:: \log p(x, \theta) = \texttt{log\_joint}(\theta)

    *Rows and prior*, which can be fitted by minibatches (a network's weights may be the unknown):

    .. math:: \log p(x, \theta) = \sum_r \texttt{log\_likelihood}(\theta, \text{rows})_r + \texttt{log\_prior}(\theta)

    The unknown is fitted in unconstrained coordinates, by the bijections of `numpyro.distributions`; the log-Jacobian
    is counted with the prior. For a joint density `expected_log_likelihood` is E_q[log_joint] and `kl` is against the
    flat measure, minus the entropy of q: the ELBO is shown as E_q[log p(x, theta)] + H(q), and JSON has
    `expected_log_joint` and `entropy` in their place.

    Args:
        log_joint: `values -> scalar`, in nats. Arrays that it carries (`jax.tree_util.Partial(log_joint, data)`) are
            arguments of what is compiled, so that another data set of the same shape compiles nothing.
        parameters: supports by name, e.g. `{"mu": real(), "tau": positive(), "theta": real(8)}`, or any pytree of them;
            a floating array stands for a real unknown of its shape that starts there.
        log_likelihood: `(values, rows) -> [R]`, in place of `log_joint`.
        log_prior: `values -> scalar`, with `log_likelihood`.
        derived: quantities computed from the unknowns, `values -> dict`: summary, draws and verdict have them after
            the unknowns. A comparison (`v["a"] > v["b"]`) has its probability for a mean.

    Raises:
        ArgumentError: neither or both forms are given, or what is given cannot be used.

    Example:
        >>> from taut.models import real
        >>> model = LogDensity(lambda v: -0.5 * (v["mu"] - 8.0) ** 2, parameters={"mu": real()})
        >>> float(model.log_likelihood(jnp.array([8.0]), None)[0]) == 0
        True
    """

    name: ClassVar[str] = "log density"
    parameters: Unknowns
    prior: Prior
    density: Callable
    by_rows: bool = eqx.field(static=True)
    derived: Derived | None = eqx.field(metadata={"fingerprint": False})

    def __init__(
        self,
        log_joint: Callable | None = None,
        *,
        parameters: Any,
        log_likelihood: Callable | None = None,
        log_prior: Callable | None = None,
        derived: Callable | None = None,
    ):
        if (log_joint is None) == (log_likelihood is None) or (log_likelihood is None) != (log_prior is None):
            raise ArgumentError(
                "LogDensity takes either log_joint (a function of the parameters), or log_likelihood (of parameters "
                "and rows, one value "
                "a row) together with log_prior (of the parameters)."
            )
        for name, function in (("log_joint", log_joint), ("log_likelihood", log_likelihood), ("log_prior", log_prior)):
            if function is not None and not callable(function):
                raise ArgumentError(f"{name}={function!r} is not a function.")
        self.parameters = parameters if isinstance(parameters, Unknowns) else Parameters(parameters)
        self.prior = UnconstrainedPrior(self.parameters, log_prior)
        self.by_rows = log_joint is None
        self.density = log_likelihood if log_joint is None else log_joint  # pyright: ignore[reportAttributeAccessIssue]
        self.derived = None if derived is None else Derived(derived, self.parameters)

    @property
    def offers(self):
        """Differentiable, and nothing closed."""
        return frozenset({Capability.DIFFERENTIABLE}) | self.prior.offers

    @property
    def order(self):
        """As the parameters were declared, and then what is derived from them."""
        return self.parameters.order + (() if self.derived is None else self.derived.names)

    @property
    def one_signed(self):
        """Those of the parameters."""
        return self.parameters.one_signed

    @property
    def joint(self):
        """Where the density is not by rows."""
        return not self.by_rows

    def dim(self, rows):
        """Number of unconstrained coordinates."""
        return self.parameters.origin.size

    def start(self, rows):
        """Zero, or the values of array leaves."""
        return self.parameters.origin

    def check_given(self, data):
        """Rows go with the form by rows, and no data with the joint form."""
        if self.by_rows and data is None:
            raise DataError("This log density has a log-likelihood of rows, so it needs data: taut.fit(model, rows).")
        if not self.by_rows and data is not None:
            raise DataError(
                "A joint log density has its data inside; give none, or build the model with log_likelihood and "
                "log_prior."
            )

    def check_data(self, rows, dtype):
        """Refuse a density that cannot be called, or that returns something else than log densities."""
        check_structure(self, rows, dtype)

    def check_density(self, rows):
        """As `check`, in double precision, in which far fewer numbers overflow."""
        check(self, rows)

    def place(self, z, axis):
        """As the parameters name it."""
        return self.parameters.place(z, axis)

    def log_likelihood(self, z, rows):
        """Of each row; a joint density is one row."""
        values, _ = self.parameters.constrain(z)
        if self.by_rows:
            return self.density(values, rows)
        return jnp.reshape(self.density(values), (1,))

    def constrain(self, z):
        """The named, shaped, constrained values at z, and what is derived from them."""
        return self.naming.constrain(z)

    @property
    def naming(self):
        """The parameters and what is derived from them, without the density."""
        return Naming(self.parameters, self.derived)

    def check(self, rows: Any = None, *, dtype: Any = "float64", seed: int = 0) -> Check:
        """Look at the density before any fitting: shapes, finite values and gradients, supports, an improper posterior.

        Args:
            rows: the data, for the form by rows.
            dtype: of the fit.
            seed: of the random points.

        Returns:
            What was seen; printed, it is a few sentences.

        Raises:
            ArgumentError: what cannot be fitted, naming the parameter and the remedy.
            DataError: a density by rows without rows.

        Example:
            >>> from taut.models import real
            >>> LogDensity(lambda v: -0.5 * (v["mu"] - 2.0) ** 2, parameters={"mu": real()}).check().log_density
            -2.0
        """
        return check(self, rows, dtype=dtype, seed=seed)
