"""The Universal Scalability Law, fitted to measured throughput.

X(N) = γN / (1 + α(N − 1) + βN(N − 1)): γ is the throughput of one user, α what users wait for each
other (contention), β what they do to agree with each other (coherency). Without β it is Amdahl's
law, without both a line.

Source: Gunther, *Guerrilla Capacity Planning* (2007), chapters 4 to 6. Least squares; errors from
the gradient, and intervals by Student's t with as many degrees of freedom as there are points
beyond the coefficients: Bates and Watts, *Nonlinear Regression Analysis* (1988), section 2.3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["LAWS", "Coefficient", "Fit", "Law", "fit_law", "unbounded_coherency"]

Law = Literal["usl", "amdahl", "linear"]

LAWS: tuple[Law, ...] = ("usl", "amdahl", "linear")
"""The laws, the most general first."""

_FREE = {"usl": 3, "amdahl": 2, "linear": 1}  # γ, then α, then β
_TOLERANCE = 1e-14

Values: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Coefficient:
    """An estimate, its standard error and its interval; None where the data gives none."""

    value: float
    error: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Fit:
    """A law with the coefficients that fit best.

    ``free`` is the number of coefficients that were fitted. ``covariance`` is that of (γ, α, β),
    with zeros for those that were not; None if there are no more points than coefficients.
    ``sse`` is the sum of squared residuals.
    """

    law: Law
    gamma: float
    alpha: float
    beta: float
    free: int
    count: int
    sse: float
    covariance: Values | None

    @property
    def freedom(self) -> int:
        """Degrees of freedom: points beyond the coefficients."""
        return self.count - self.free

    @property
    def rse(self) -> float | None:
        """Residual standard error; None without degrees of freedom."""
        return math.sqrt(self.sse / self.freedom) if self.freedom > 0 else None

    @property
    def aicc(self) -> float | None:
        """Akaike's criterion for few points (Hurvich and Tsai 1989); the lower, the better.

        None where it is undefined: with a point or two beyond the coefficients, or a perfect fit.
        """
        parameters = self.free + 1  # and the variance
        spare = self.count - parameters - 1
        if spare <= 0 or self.sse <= 0:
            return None
        likelihood = self.count * math.log(self.sse / self.count)
        return likelihood + 2 * parameters + 2 * parameters * (parameters + 1) / spare

    def throughput(self, load: Values) -> Values:
        """The throughput at each ``load`` by this law."""
        return _law(load, self.gamma, self.alpha, self.beta)

    def error_of(self, gradient: Values) -> float | None:
        """The standard error of what has this gradient by (γ, α, β): the delta method."""
        if self.covariance is None:
            return None
        return math.sqrt(max(float(gradient @ self.covariance @ gradient), 0.0))

    def gradient(self, load: float) -> Values:
        """The gradient of the throughput at ``load`` by (γ, α, β)."""
        found: Values = _gradient(np.array([load]), self.gamma, self.alpha, self.beta)[0]
        return found


def fit_law(load: Values, throughput: Values, law: Law = "usl") -> Fit:
    """The best fit of ``law``, with 0 ≤ α ≤ 1 and β ≥ 0.

    A coefficient that fits best below 0 is set to 0, where the law is a simpler one: the others
    are fitted anew, and have the errors of that law.
    """
    free = _FREE[law]
    found = _least_squares(load, throughput, free)
    while free > 1 and min(found[1], found[free - 1]) < 0:
        free -= 1
        found = _least_squares(load, throughput, free)
    if free > 1 and found[1] > 1:
        found = _least_squares(load, throughput, free, most=1.0)
    gamma, alpha, beta = (float(value) for value in found)
    sse = float(np.sum((throughput - _law(load, gamma, alpha, beta)) ** 2))
    covariance = None
    if len(load) > free:
        slope = _gradient(load, gamma, alpha, beta)[:, :free]
        covariance = np.zeros((3, 3))
        variance = sse / (len(load) - free)
        covariance[:free, :free] = variance * np.linalg.pinv(slope.T @ slope, hermitian=True)
    return Fit(law, gamma, alpha, beta, free, len(load), sse, covariance)


def unbounded_coherency(load: Values, throughput: Values) -> tuple[float, float | None]:
    """β as it fits best, below 0 too, and its standard error.

    Below 0 the throughput per user grows more than a line: β has no meaning there, but its interval
    shows how large it could be.
    """
    gamma, alpha, beta = (float(value) for value in _least_squares(load, throughput, 3))
    if len(load) <= 3:
        return beta, None
    slope = _gradient(load, gamma, alpha, beta)
    sse = float(np.sum((throughput - _law(load, gamma, alpha, beta)) ** 2))
    inverse = np.linalg.pinv(slope.T @ slope, hermitian=True)
    return beta, math.sqrt(sse / (len(load) - 3) * float(inverse[2, 2]))


def _law(load: Values, gamma: float, alpha: float, beta: float) -> Values:
    reached: Values = gamma * load / (1 + alpha * (load - 1) + beta * load * (load - 1))
    return reached


def _gradient(load: Values, gamma: float, alpha: float, beta: float) -> Values:
    slowed = 1 + alpha * (load - 1) + beta * load * (load - 1)
    whole = load / slowed
    by_alpha = -gamma * whole * (load - 1) / slowed
    slopes: Values = np.stack([whole, by_alpha, by_alpha * load], axis=1)
    return slopes


def _least_squares(load: Values, throughput: Values, free: int, most: float = math.inf) -> Values:
    """γ, α and β of least squares, the last ones 0 if fewer than three are ``free``."""
    from scipy.optimize import least_squares

    # The coefficients have sizes far apart: γ is fitted as a multiple of the steepest point, α of
    # 1/N and β of 1/N², for the largest N.
    steepest, widest = float(np.max(throughput / load)), float(np.max(load))
    scale = np.array([steepest, 1 / widest, 1 / widest**2])

    def whole(part: Values) -> Values:
        values = np.zeros(3)
        values[:free] = part
        scaled: Values = values * scale
        return scaled

    def residuals(part: Values) -> Values:
        gamma, alpha, beta = whole(part)
        rest: Values = (_law(load, gamma, alpha, beta) - throughput) / throughput.max()
        return rest

    def slopes(part: Values) -> Values:
        found: Values = _gradient(load, *whole(part))[:, :free] * scale[:free] / throughput.max()
        return found

    highest = np.full(3, np.inf)
    highest[1] = most * widest
    result = least_squares(
        residuals,
        np.array([1.0, 0.1, 0.1])[:free],
        jac=slopes,
        bounds=(np.full(free, -np.inf), highest[:free]),
        ftol=_TOLERANCE,
        xtol=_TOLERANCE,
        gtol=_TOLERANCE,
    )
    found: Values = whole(result.x)
    return found
