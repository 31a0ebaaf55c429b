"""A scalability result as people see it."""

from __future__ import annotations

from typing import Final

from benchlab.analysis.scalability import Scalability
from benchlab.display.result_view import ResultView
from benchlab.display.table import Table
from benchlab.statistics.usl import Coefficient, Law
from benchlab.text import plural

__all__ = ["view"]

_LAWS: Final[dict[Law, str]] = {
    "usl": "Universal Scalability Law",
    "amdahl": "Amdahl's law (no coherency)",
    "linear": "linear (no contention)",
}
_DASH = "–"


def view(result: Scalability) -> ResultView:
    """Peak and coefficients, the points, and the simpler laws beside it."""
    measured_past = result.peak_load is not None and result.peak_load.value <= max(result.load)
    peak = result.peak_load
    return ResultView(
        title=f"scalability: {plural(len(result.load), 'point')}, load {min(result.load):g} to"
        f" {max(result.load):g}",
        banner="no peak seen" if peak is None else f"peak at {peak.value:.0f}",
        level="good" if measured_past else "caution",
        sentence=_sentence(result),
        facts=(
            ("alpha (contention)", _shown(result.alpha)),
            ("beta (coherency)", _shown(result.beta)),
            ("gamma (one user)", _shown(result.gamma)),
            ("peak load", _shown(result.peak_load)),
            ("peak throughput", _shown(result.peak_throughput)),
            ("limit by contention", _shown(result.limit)),
            ("optimal load", _shown(result.optimal_load)),
            ("residual standard error", _number(result.fit.rse)),
        ),
        warnings=result.warnings,
        tables=(_points(result), _laws(result)),
        notes=(
            "X(N) = γN / (1 + α(N − 1) + βN(N − 1)), by least squares (Gunther 2007); intervals at"
            f" {100 * result.level:g} % by Student's t, {plural(result.fit.freedom, 'degree')} of"
            " freedom.",
        ),
    )


def _sentence(result: Scalability) -> str:
    peak, highest = result.peak_load, result.peak_throughput
    if peak is None or highest is None:
        if result.limit is None:
            return "Throughput grows at least as fast as the load, as far as it was measured."
        return (
            "Throughput still grows at the highest load; contention alone limits it to"
            f" {result.limit.value:,.4g}."
        )
    return (
        f"Throughput is highest, about {highest.value:,.4g}, at a load of {peak.value:,.4g}:"
        " more load makes it fall."
    )


def _points(result: Scalability) -> Table:
    rows = [
        [f"{load:g}", f"{got:,.4g}", f"{law:,.4g}", f"{rest:+,.3g}", f"{100 * efficiency:.1f} %"]
        for load, got, law, rest, efficiency in zip(
            result.load,
            result.throughput,
            result.fitted,
            result.residuals,
            result.efficiency,
            strict=True,
        )
    ]
    return Table(["load", "throughput", "fitted", "residual", "efficiency"], rows, title="points")


def _laws(result: Scalability) -> Table:
    rows = [
        [
            _LAWS[name],
            f"{fit.alpha:.4g}",
            f"{fit.beta:.4g}",
            f"{fit.gamma:,.4g}",
            _number(fit.rse),
            _number(fit.aicc),
        ]
        for name, fit in result.laws.items()
    ]
    return Table(
        ["law", "alpha", "beta", "gamma", "residual error", "AICc"],
        rows,
        note="AICc: the lower, the better; it weighs the fit against the number of coefficients",
        title="laws",
    )


def _shown(found: Coefficient | None) -> str:
    if found is None:
        return "none"
    if found.low is None:
        return f"{found.value:,.4g}, no interval"
    high = "open" if found.high is None else f"{found.high:,.4g}"
    return f"{found.value:,.4g} [{found.low:,.4g}, {high}]"


def _number(value: float | None) -> str:
    return _DASH if value is None else f"{value:,.4g}"
