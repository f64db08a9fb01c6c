"""The prior whose scale the data choose."""

from taut.models.prior import Normal

INTERCEPT_SCALE = 10.0
"""Standard deviation of the intercept's prior, which has no part in the scale: log-odds from -20 to 20."""


class Empirical(Normal):
    r"""Independent N(0, s^2) coefficients, with the s that has the highest ELBO (empirical Bayes).

    .. math:: \hat s = \arg\max_s \max_q \text{ELBO}(q, s), \qquad \hat s^2 = \frac 1 D \sum_j (m_j^2 + v_j)

    The intercept is apart, with N(0, 10^2). `taut.fit` finds s before it fits and puts `Normal(0, scales)` in the place
    of this prior; `fit.reasons["prior"]` says what it found. It is for regressions with closed expectations.

    Source: D. MacKay, Bayesian Interpolation, 1992.
    """
