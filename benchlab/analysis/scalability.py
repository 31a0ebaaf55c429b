"""How throughput grows with the load: the Universal Scalability Law, and what limits it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from benchlab.displayed import Result
from benchlab.errors import InputError
from benchlab.plan.shapes import ClosedLoop
from benchlab.runs.origin import origin_of
from benchlab.runs.run import Run, check_run
from benchlab.statistics.usl import (
    LAWS,
    Coefficient,
    Fit,
    Law,
    fit_law,
    unbounded_coherency,
)
from benchlab.text import plural

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CoefficientName", "Scalability", "scalability"]

_FEW_POINTS = 6
_FEW_LOADS = 4
_FEWEST_LOADS = 3
_MOST_ERRORS = 0.01

CoefficientName: TypeAlias = Literal["alpha", "beta", "gamma"]


@dataclass(frozen=True, kw_only=True)
class Scalability(Result):
    """The Universal Scalability Law fitted to throughput at different loads.

    ``alpha`` is the contention, ``beta`` the coherency, ``gamma`` the throughput of one user. The
    throughput is highest, ``peak_throughput``, at ``peak_load``; without coherency there is no
    peak, and both are None. ``limit`` is what contention alone would allow, however high the load,
    and ``optimal_load`` where a line from the first user reaches it; None without contention.
    Intervals are at ``level``; None where the data gives none. ``unbounded_beta`` is beta as it
    fits best, below 0 too, where it has no meaning and ``beta`` is 0.

    ``laws`` are the fits of this law, of Amdahl's and of a line, to compare them by their
    residual standard error and by AICc. ``origin`` says in a line what was run where.
    """

    load: tuple[float, ...]
    throughput: tuple[float, ...]
    alpha: Coefficient
    beta: Coefficient
    gamma: Coefficient
    peak_load: Coefficient | None
    peak_throughput: Coefficient | None
    limit: Coefficient | None
    optimal_load: Coefficient | None
    laws: Mapping[Law, Fit]
    unbounded_beta: float
    level: float = 0.95
    runs: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    origin: str = ""

    @property
    def fit(self) -> Fit:
        """The fit of the Universal Scalability Law."""
        return self.laws["usl"]

    @property
    def fitted(self) -> tuple[float, ...]:
        """The throughput at each load by the law."""
        return tuple(float(value) for value in self.fit.throughput(np.array(self.load)))

    @property
    def residuals(self) -> tuple[float, ...]:
        """Measured less fitted throughput."""
        return tuple(got - law for got, law in zip(self.throughput, self.fitted, strict=True))

    @property
    def efficiency(self) -> tuple[float, ...]:
        """Measured throughput, as a share of what as many users would have by themselves."""
        return tuple(
            got / (self.gamma.value * load)
            for got, load in zip(self.throughput, self.load, strict=True)
        )

    def interval(
        self, name: CoefficientName, level: float | None = None
    ) -> tuple[float, float] | None:
        """The ends of the interval of a coefficient at another ``level``; None without one.

        Raises:
            InputError: there is no such coefficient, or the level is not between 0 and 1.
        """
        level = self.level if level is None else level
        found = _coefficients(self.fit, *self._points, _checked_level(level))
        coefficient = found[_checked_name(name)]
        if coefficient.low is None or coefficient.high is None:
            return None
        return coefficient.low, coefficient.high

    def usl_interval(
        self, name: CoefficientName, level: float = 0.95
    ) -> tuple[float, float] | None:
        """The interval that the R package *usl* prints at ``level``, to check published ones.

        It takes the quantile ``level`` of t with n − 1 degrees of freedom, so that it covers less
        often than its level says: `interval` is the one to rely on. None without one, and for a
        coefficient that was set to 0.

        Raises:
            InputError: there is no such coefficient, or the level is not between 0 and 1.
        """
        from scipy.stats import t

        coefficient = getattr(self, _checked_name(name))
        is_zero = name != "gamma" and coefficient.value == 0
        if coefficient.error is None or is_zero:
            return None
        margin = float(t.ppf(_checked_level(level), self.fit.count - 1)) * coefficient.error
        return coefficient.value - margin, coefficient.value + margin

    @property
    def _points(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return np.array(self.load), np.array(self.throughput)

    def band(self, load: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """The interval of the fitted throughput at each ``load``; None without one."""
        values = np.asarray(load, dtype=np.float64)
        errors = [self.fit.error_of(self.fit.gradient(float(each))) for each in values]
        if None in errors:
            return None
        margin = _quantile(self.level, self.fit.freedom) * np.array(errors, dtype=np.float64)
        fitted = self.fit.throughput(values)
        return np.maximum(fitted - margin, 0.0), fitted + margin

    def to_dict(self) -> dict[str, Any]:
        """The result as a JSON-ready dict."""
        return {
            "load": list(self.load),
            "throughput": list(self.throughput),
            "runs": list(self.runs),
            "level": self.level,
            **{
                name: _data(getattr(self, name))
                for name in (
                    "alpha",
                    "beta",
                    "gamma",
                    "peak_load",
                    "peak_throughput",
                    "limit",
                    "optimal_load",
                )
            },
            "unbounded_beta": self.unbounded_beta,
            "rse": self.fit.rse,
            "degrees_of_freedom": self.fit.freedom,
            "fitted": list(self.fitted),
            "residuals": list(self.residuals),
            "efficiency": list(self.efficiency),
            "laws": {
                name: {
                    "alpha": fit.alpha,
                    "beta": fit.beta,
                    "gamma": fit.gamma,
                    "rse": fit.rse,
                    "aicc": fit.aicc,
                }
                for name, fit in self.laws.items()
            },
            "warnings": list(self.warnings),
        }

    def to_pandas(self) -> pd.DataFrame:
        """A row per point: load, throughput, fitted, low, high, residual, efficiency_ratio."""
        import pandas as pd

        band = self.band(self.load)
        missing = np.full(len(self.load), np.nan)
        low, high = band if band is not None else (missing, missing)
        return pd.DataFrame(
            {
                "load": self.load,
                "throughput": self.throughput,
                "fitted": self.fitted,
                "low": low,
                "high": high,
                "residual": self.residuals,
                "efficiency_ratio": self.efficiency,
            }
        )

    def __repr__(self) -> str:
        return (
            f"<Scalability of {plural(len(self.load), 'point')}: alpha {self.alpha.value:.4g},"
            f" beta {self.beta.value:.4g}, gamma {self.gamma.value:.4g}>"
        )


def scalability(
    load: ArrayLike | Run | Sequence[Run],
    throughput: ArrayLike | None = None,
    *,
    level: float = 0.95,
    is_sweep: bool = False,
) -> Scalability:
    """Fit the Universal Scalability Law to ``throughput`` at each ``load``.

    Both are lists of numbers; or ``load`` is a list of runs. `benchlab.scalability` describes them,
    and also takes stored runs. ``is_sweep`` says that they are of one sweep: their requests are
    alike, also where each point had started a service of its own.

    Raises:
        InputError: fewer than three different loads, a value that is not above 0, lists of
            different lengths, or runs that cannot be compared.
        InvalidRunError: the verdict of a run is not ``valid``.
    """
    _checked_level(level)
    warnings: list[str] = []
    ids: tuple[str, ...] = ()
    origin = ""
    if throughput is None:
        runs = [load] if isinstance(load, Run) else list(cast("Sequence[Run]", load))
        users, reached = _of_runs(runs, warnings, is_sweep=is_sweep)
        ids, origin = tuple(run.id for run in runs), origin_of(runs)
    else:
        users, reached = _numbers("load", load), _numbers("throughput", throughput)
    if len(users) != len(reached):
        raise InputError(
            f"has {plural(len(reached), 'value')} for {plural(len(users), 'load')}",
            field="throughput",
            remedy="give one for each load",
        )
    different = len(set(users.tolist()))
    if different < _FEWEST_LOADS:
        raise InputError(
            f"has {plural(different, 'different value')}",
            field="load",
            remedy="the law has three coefficients: measure at three loads at least, better at six",
        )
    return replace(_fitted(users, reached, level, ids, warnings), origin=origin)


def _fitted(
    load: NDArray[np.float64],
    throughput: NDArray[np.float64],
    level: float,
    runs: tuple[str, ...],
    warnings: list[str],
) -> Scalability:
    fits = {law: fit_law(load, throughput, law) for law in LAWS}
    fit = fits["usl"]
    found = _coefficients(fit, load, throughput, level)
    peak_load, peak_throughput = _peak(fit, found["beta"], level)
    result = Scalability(
        load=tuple(load.tolist()),
        throughput=tuple(throughput.tolist()),
        alpha=found["alpha"],
        beta=found["beta"],
        gamma=found["gamma"],
        peak_load=peak_load,
        peak_throughput=peak_throughput,
        limit=_limit(fit, fit.gamma, level),
        optimal_load=_limit(fit, 1.0, level),
        laws=fits,
        unbounded_beta=unbounded_coherency(load, throughput)[0],
        level=level,
        runs=runs,
    )
    return replace(result, warnings=(*warnings, *_warnings(result)))


def _coefficients(
    fit: Fit, load: NDArray[np.float64], throughput: NDArray[np.float64], level: float
) -> dict[CoefficientName, Coefficient]:
    """The coefficients with their intervals; one that was set to 0 has an upper bound at most."""
    gamma = _coefficient(fit, fit.gamma, (1, 0, 0), level)
    alpha = _coefficient(fit, fit.alpha, (0, 1, 0), level)
    beta = _coefficient(fit, fit.beta, (0, 0, 1), level)
    if not fit.has_coherency:
        free, error = unbounded_coherency(load, throughput)
        margin = None if error is None else _quantile(level, len(load) - 3) * error
        beta = Coefficient(0.0, error, 0.0, None if margin is None else max(free + margin, 0))
    if not fit.has_contention:
        alpha = Coefficient(0.0, None, 0.0, None)
    return {"alpha": alpha, "beta": beta, "gamma": gamma}


def _peak(
    fit: Fit, beta: Coefficient, level: float
) -> tuple[Coefficient | None, Coefficient | None]:
    """The load of the highest throughput, and that; intervals by the delta method."""
    if fit.beta <= 0 or fit.alpha >= 1:
        return None, None
    load = math.sqrt((1 - fit.alpha) / fit.beta)
    if load < 1:
        return None, None
    peak = _log_interval(fit, load, (0, -0.5 / (1 - fit.alpha), -0.5 / fit.beta), level)
    if beta.low is None or beta.low <= 0:  # there may be no peak at all
        peak = replace(peak, high=None)
    highest = float(fit.throughput(np.array([load]))[0])
    slopes = fit.gradient(load) / highest
    return peak, _log_interval(fit, highest, slopes.tolist(), level)


def _limit(fit: Fit, at_one: float, level: float) -> Coefficient | None:
    """What ``at_one`` of the first user can grow to with contention alone; None without any."""
    if fit.alpha <= 0:
        return None
    by_gamma = 1 / fit.gamma if at_one == fit.gamma else 0.0
    return _log_interval(fit, at_one / fit.alpha, (by_gamma, -1 / fit.alpha, 0), level)


def _warnings(result: Scalability) -> list[str]:
    """What the data cannot support, each in a sentence."""
    found = []
    count, different = len(result.load), len(set(result.load))
    lowest, highest = min(result.load), max(result.load)
    if result.fit.freedom <= 0:
        found.append(
            f"{plural(count, 'point')} for three coefficients: the law goes through each of them,"
            " and nothing can be said about its errors; measure at more loads"
        )
    elif count < _FEW_POINTS:
        found.append(
            f"only {plural(count, 'point')}: intervals are wide, and rest on normal errors"
        )
    if different < _FEW_LOADS and different < count:
        found.append(
            f"only {different} different loads, some of them measured again: that shows the noise,"
            " and not the form of the curve"
        )
    if not result.fit.has_coherency:
        best = result.unbounded_beta
        found.append(
            "no coherency is visible: the throughput shows no sign of falling again, and there is"
            " no peak within reach of these loads"
            + (f" (beta fits best at {best:.3g}, and is set to 0)" if best < 0 else "")
        )
    elif result.beta.low is not None and result.beta.low <= 0:
        found.append("the interval of beta includes 0: there may be no coherency, and no peak")
    if not result.fit.has_contention:
        found.append(
            "no contention is visible: the throughput grows at least as fast as the load"
            f"{' at first' if result.fit.has_coherency else ''}, so alpha is 0; something else"
            " grows with it, such as the use of caches"
        )
    elif result.alpha.low is not None and result.alpha.low <= 0:
        found.append("the interval of alpha includes 0: there may be no contention")
    if result.peak_load is not None and result.peak_load.value > highest:
        found.append(
            f"the peak at a load of {result.peak_load.value:.0f} is beyond the highest that was"
            f" measured, {highest:g}: measure there before you rely on it"
        )
    elif result.peak_load is not None and result.peak_load.value < lowest:
        found.append(
            f"the peak at a load of {result.peak_load.value:.0f} is below the lowest that was"
            f" measured, {lowest:g}: measure there before you rely on it"
        )
    return found


def _of_runs(
    runs: Sequence[Run], warnings: list[str], *, is_sweep: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    for run in runs:
        check_run(run)
        run.require_valid()
    loads = []
    for run in runs:
        shape = run.plan.load
        if not isinstance(shape, ClosedLoop):
            raise InputError(
                f"is an {shape.describe()}: its throughput is what it was told to send",
                field="run",
                value=run.id,
                remedy="sweep the connections of a closed loop",
            )
        loads.append(shape.connections)
        first = runs[0]
        if not is_sweep and run.plan.replace(load=first.plan.load).requests != first.plan.requests:
            raise InputError(
                f"sends other requests than run {first.id}",
                field="run",
                value=run.id,
                remedy="give runs that differ by the number of connections only",
            )
        if run.summary.error_ratio > _MOST_ERRORS:
            warnings.append(
                f"{100 * run.summary.error_ratio:.1f} % of the requests of run {run.id} failed at"
                f" {plural(shape.connections, 'connection')}: they count as throughput"
            )
    throughput = [run.summary.rate_rps for run in runs]
    return _numbers("connections", loads), _numbers("throughput", throughput)


def _numbers(field: str, given: object) -> NDArray[np.float64]:
    try:
        values = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError("is not a list of numbers", field=field) from None
    if values.ndim != 1:
        raise InputError("is not a list of numbers", field=field)
    for value in values.tolist():
        if not (math.isfinite(value) and value > 0):
            raise InputError(
                "has a value that is not above 0",
                field=field,
                value=value,
                remedy="leave that point out",
            )
    return values


def _checked_level(level: float) -> float:
    if not 0 < level < 1:
        raise InputError("must lie between 0 and 1", field="level", value=level)
    return level


def _checked_name(name: CoefficientName) -> CoefficientName:
    if name not in get_args(CoefficientName):
        raise InputError(
            "is not a coefficient", field="name", value=name, remedy="use alpha, beta or gamma"
        )
    return name


def _coefficient(fit: Fit, value: float, gradient: Sequence[float], level: float) -> Coefficient:
    error = fit.error_of(np.array(gradient, dtype=np.float64))
    if error is None:
        return Coefficient(value, None, None, None)
    margin = _quantile(level, fit.freedom) * error
    return Coefficient(value, error, value - margin, value + margin)


def _log_interval(fit: Fit, value: float, gradient: Sequence[float], level: float) -> Coefficient:
    """``value``, whose logarithm has this ``gradient``."""
    error = fit.error_of(np.array(gradient, dtype=np.float64))
    if error is None:
        return Coefficient(value, None, None, None)
    factor = math.exp(min(_quantile(level, fit.freedom) * error, 700.0))
    return Coefficient(value, value * error, value / factor, value * factor)


def _quantile(level: float, freedom: int) -> float:
    from scipy.stats import t

    return float(t.ppf((1 + level) / 2, freedom))


def _data(found: Coefficient | None) -> dict[str, float | None] | None:
    if found is None:
        return None
    return {"value": found.value, "error": found.error, "low": found.low, "high": found.high}
