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

_GAMMA, _ALPHA, _BETA = range(3)
_FREE = {"usl": (_GAMMA, _ALPHA, _BETA), "amdahl": (_GAMMA, _ALPHA), "linear": (_GAMMA,)}
_SIMPLER = ((_GAMMA, _ALPHA), (_GAMMA, _BETA), (_GAMMA,))
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

    ``free`` are the coefficients that were fitted, as their places in (γ, α, β); the others are 0.
    ``covariance`` is that of all three, with zeros for those that were not; None if there are no
    more points than coefficients. ``sse`` is the sum of squared residuals.
    """

    law: Law
    gamma: float
    alpha: float
    beta: float
    free: tuple[int, ...]
    count: int
    sse: float
    covariance: Values | None

    @property
    def freedom(self) -> int:
        """Degrees of freedom: points beyond the coefficients."""
        return self.count - len(self.free)

    @property
    def has_contention(self) -> bool:
        """Whether α was fitted, and not set to 0."""
        return _ALPHA in self.free

    @property
    def has_coherency(self) -> bool:
        """Whether β was fitted, and not set to 0."""
        return _BETA in self.free

    @property
    def rse(self) -> float | None:
        """Residual standard error; None without degrees of freedom."""
        return math.sqrt(self.sse / self.freedom) if self.freedom > 0 else None

    @property
    def aicc(self) -> float | None:
        """Akaike's criterion for few points (Hurvich and Tsai 1989); the lower, the better.

        None where it is undefined: with a point or two beyond the coefficients, or a perfect fit.
        """
        parameters = len(self.free) + 1  # and the variance
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

    Where one fits best below 0, the law is a simpler one, with α or β or both of them 0, and the
    others have its errors: of those whose coefficients are not below 0 the one that fits best.
    """
    free = _FREE[law]
    found = _least_squares(load, throughput, free)
    if found[1:].min() < 0:
        simpler = [part for part in _SIMPLER if len(part) < len(free) and set(part) <= set(free)]
        fits = [(_least_squares(load, throughput, part), part) for part in simpler]
        allowed = [(each, part) for each, part in fits if each[1:].min() >= 0]
        found, free = min(allowed, key=lambda fit: _squared_error(load, throughput, fit[0]))
    if found[_ALPHA] > 1:
        found = _least_squares(load, throughput, free, most=1.0)
    gamma, alpha, beta = (float(value) for value in found)
    sse = _squared_error(load, throughput, found)
    covariance = None
    if len(load) > len(free):
        slope = _gradient(load, gamma, alpha, beta)[:, free]
        covariance = np.zeros((3, 3))
        variance = sse / (len(load) - len(free))
        covariance[np.ix_(free, free)] = variance * np.linalg.pinv(slope.T @ slope, hermitian=True)
    return Fit(law, gamma, alpha, beta, free, len(load), sse, covariance)


def unbounded_coherency(load: Values, throughput: Values) -> tuple[float, float | None]:
    """β as it fits best, below 0 too, and its standard error.

    Below 0 the throughput per user grows more than a line: β has no meaning there, but its interval
    shows how large it could be.
    """
    found = _least_squares(load, throughput, _FREE["usl"])
    gamma, alpha, beta = (float(value) for value in found)
    if len(load) <= 3:
        return beta, None
    slope = _gradient(load, gamma, alpha, beta)
    inverse = np.linalg.pinv(slope.T @ slope, hermitian=True)
    variance = _squared_error(load, throughput, found) / (len(load) - 3)
    return beta, math.sqrt(variance * float(inverse[_BETA, _BETA]))


def _squared_error(load: Values, throughput: Values, found: Values) -> float:
    gamma, alpha, beta = (float(value) for value in found)
    return float(np.sum((throughput - _law(load, gamma, alpha, beta)) ** 2))


def _law(load: Values, gamma: float, alpha: float, beta: float) -> Values:
    reached: Values = gamma * load / (1 + alpha * (load - 1) + beta * load * (load - 1))
    return reached


def _gradient(load: Values, gamma: float, alpha: float, beta: float) -> Values:
    slowed = 1 + alpha * (load - 1) + beta * load * (load - 1)
    whole = load / slowed
    by_alpha = -gamma * whole * (load - 1) / slowed
    slopes: Values = np.stack([whole, by_alpha, by_alpha * load], axis=1)
    return slopes


def _least_squares(
    load: Values, throughput: Values, free: tuple[int, ...], most: float = math.inf
) -> Values:
    """γ, α and β of least squares; those that are not ``free`` are 0."""
    from scipy.optimize import least_squares

    # The coefficients have sizes far apart: γ is fitted as a multiple of the steepest point, α of
    # 1/N and β of 1/N², for the largest N.
    steepest, widest = float(np.max(throughput / load)), float(np.max(load))
    scale = np.array([steepest, 1 / widest, 1 / widest**2])
    chosen = list(free)

    def whole(part: Values) -> Values:
        values = np.zeros(3)
        values[chosen] = part
        scaled: Values = values * scale
        return scaled

    def residuals(part: Values) -> Values:
        gamma, alpha, beta = whole(part)
        rest: Values = (_law(load, gamma, alpha, beta) - throughput) / throughput.max()
        return rest

    def slopes(part: Values) -> Values:
        slope = _gradient(load, *whole(part))[:, chosen]
        found: Values = slope * scale[chosen] / throughput.max()
        return found

    highest = np.full(3, np.inf)
    highest[_ALPHA] = most * widest
    result = least_squares(
        residuals,
        np.array([1.0, 0.1, 0.1])[chosen],
        jac=slopes,
        bounds=(np.full(len(chosen), -np.inf), highest[chosen]),
        ftol=_TOLERANCE,
        xtol=_TOLERANCE,
        gtol=_TOLERANCE,
    )
    found: Values = whole(result.x)
    return found
