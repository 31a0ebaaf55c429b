"""Objectives: what the numbers of a run should be, such as ``p99<50ms`` or ``error_ratio<0.01``.

    [latency.|service.|lag.]STATISTIC[ENDPOINT] OPERATOR LIMIT [over LENGTH]

STATISTIC is ``mean``, ``min``, ``max`` or a percentile (``p50``, ``p99.9``) of a duration, by
default latency, with a LIMIT in ns, us, µs, ms or s; or ``error_ratio`` (a ratio, or a percentage
with %), ``error_count`` or ``rate_rps``, with a bare number. ENDPOINT, in square brackets, is the
name of one of the plan's requests. OPERATOR is ``<``, ``<=``, ``>`` or ``>=``.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import numpy as np

from benchlab.errors import InputError
from benchlab.units import NS_PER_S, parse_duration_s, seconds_to_ns
from benchlab.values.samples import Samples
from benchlab.values.summary import STATISTICS, exact_percentile

__all__ = [
    "Objective",
    "ObjectiveResult",
    "check_objectives",
    "evaluate",
    "observe",
    "parse_objectives",
]

_DURATIONS = ("latency", "service", "lag")
_COUNTED = {"error_ratio": "ratio", "error_count": "count", "rate_rps": "requests/s"}
_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9}
_OPERATORS: Final[dict[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_SHORTEST_WINDOW_S = 0.1

_FORM = re.compile(
    r"\s*(?P<metric>[\w.]+)\s*(?:\[(?P<endpoint>.+)\])?\s*(?P<operator><=|>=|<|>)"
    r"\s*(?P<number>[-+]?[\d.]+(?:e[-+]?\d+)?)\s*(?P<unit>[^\s\d]*)"
    r"(?:\s+over\s+(?P<window>\S+))?\s*",
    re.IGNORECASE,
)
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?)")
_HINT = "write it like p99<50ms, error_ratio<0.01 or 'p99<50ms over 5s'"


@dataclass(frozen=True, slots=True)
class Objective:
    """A condition on one number of a run; made by `parse`, and written back by ``str``.

    ``of`` is ``latency``, ``service`` or ``lag`` for a ``statistic`` of a duration and empty for
    the others; ``limit`` is in ns, a ratio (0 to 1), a count or requests/s; ``unit`` is how it was
    written; an empty ``endpoint`` means all requests. With ``window_s`` the condition is on each
    of the consecutive windows of that length.
    """

    text: str
    of: str
    statistic: str
    endpoint: str
    operator: str
    limit: float
    unit: str = ""
    window_s: float | None = None

    @classmethod
    def parse(cls, text: str) -> Objective:
        """The objective that ``text`` means.

        Raises:
            InputError: it cannot be read, names no known metric, or has a limit without the unit
                that its metric needs, or with one that it does not have.
        """
        match = _FORM.fullmatch(text)
        if match is None:
            raise InputError(f"objective {text!r} cannot be read: {_HINT}")
        of, statistic = _metric(match["metric"], text)
        unit = match["unit"].replace("\u03bc", "\u00b5")
        limit = _limit(match["number"], unit, statistic, text, duration=bool(of))
        metric = f"{of}.{statistic}" if of not in ("", "latency") else statistic
        endpoint = (match["endpoint"] or "").strip()
        where = f"[{endpoint}]" if endpoint else ""
        window_s, over = None, ""
        if match["window"]:
            window_s = parse_duration_s(match["window"])
            over = f" over {match['window']}{'s' if match['window'][-1] in '.0123456789' else ''}"
            if window_s < _SHORTEST_WINDOW_S:
                raise InputError(f"objective {text!r} has windows below {_SHORTEST_WINDOW_S:g} s")
        tidy = f"{metric}{where}{match['operator']}{match['number']}{unit}{over}"
        return cls(tidy, of, statistic, endpoint, match["operator"], limit, unit, window_s)

    def __str__(self) -> str:
        return self.text

    @property
    def quantity(self) -> str:
        """What ``limit`` is measured in: ns, ratio, count or requests/s."""
        return _COUNTED.get(self.statistic, "ns")

    def holds(self, value: float) -> bool:
        """Whether ``value``, in the unit of ``limit``, fulfils the condition."""
        return _OPERATORS[self.operator](value, self.limit)

    @property
    def ratio(self) -> float | None:
        """The ratio (0 to 1) of a percentile; None for other statistics."""
        match = _PERCENTILE.fullmatch(self.statistic)
        return float(Decimal(match[1]) / 100) if match else None

    def show(self, value: float) -> str:
        """``value`` in the unit of the limit, with digits enough to see on which side it lies."""
        scale = _UNITS.get(self.unit, 1) if self.of else 0.01 if self.unit == "%" else 1
        unit = f" {self.unit.replace('us', 'µs')}" if self.unit else ""
        whole_digits = len(str(int(value / scale)))
        shown = Decimal(0)
        for digits in range(max(3, whole_digits), 17):
            shown = Decimal(f"{value / scale:.{digits}g}")
            if self.holds(float(shown) * scale) == self.holds(value):
                break
        return f"{shown:,f}{' requests/s' if self.statistic == 'rate_rps' else unit}"


@dataclass(frozen=True, slots=True)
class ObjectiveResult:
    """What came of an objective.

    ``observed`` is in the unit of the objective's limit, and None when there was nothing to
    observe; an objective of which nothing was observed is not met. For a windowed objective
    ``observed`` is the worst of ``window_count`` windows, which began ``worst_start_ns`` after the
    start of the run; ``broken_count`` windows were not as they should be, the first of them at
    ``first_broken_ns``.
    """

    objective: Objective
    observed: float | None
    met: bool
    worst_start_ns: int | None = None
    window_count: int = 0
    broken_count: int = 0
    first_broken_ns: int | None = None

    @property
    def word(self) -> str:
        """``met`` or ``broken``."""
        return "met" if self.met else "broken"

    @property
    def observed_text(self) -> str:
        """The observed value with its unit; a dash when there is none."""
        return "–" if self.observed is None else self.objective.show(self.observed)

    @property
    def window_text(self) -> str:
        """Which window was worst and how many were broken; empty for one without windows."""
        window_s = self.objective.window_s
        if window_s is None:
            return ""
        if self.worst_start_ns is None:
            return f"no window of {window_s:g} s was complete"
        start_s = self.worst_start_ns / NS_PER_S
        words = f"worst from {start_s:.6g} s to {start_s + window_s:.6g} s"
        windows = f"{self.window_count:,} window{'s' if self.window_count > 1 else ''}"
        if self.first_broken_ns is None:
            return f"{words}, of {windows}"
        first = f", first at {self.first_broken_ns / NS_PER_S:.6g} s"
        return (
            f"{words}; broken in {self.broken_count:,} of {windows}"
            f"{first if self.first_broken_ns != self.worst_start_ns else ''}"
        )

    def in_words(self) -> str:
        """The whole result in one line."""
        if self.observed is None:
            return f"{self.objective}: broken, there was nothing to observe"
        windows = f" ({self.window_text})" if self.window_text else ""
        return f"{self.objective}: {self.word}, {self.observed_text}{windows}"

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {
            "objective": str(self.objective),
            "met": self.met,
            "observed": self.observed,
            "limit": self.objective.limit,
            "unit": self.objective.quantity,
            "worst_window_start_ns": self.worst_start_ns,
            "window_count": self.window_count,
            "broken_window_count": self.broken_count,
            "first_broken_window_start_ns": self.first_broken_ns,
        }


def parse_objectives(
    items: str | Objective | Iterable[str | Objective], field: str
) -> tuple[Objective, ...]:
    """Objectives from their texts; ``field`` is what the user calls them.

    Raises:
        InputError: an objective that cannot be used.
    """
    if isinstance(items, str | Objective):
        items = (items,)
    if not isinstance(items, Iterable):
        raise InputError(f"{field}={items!r} must be a list of objectives: {_HINT}")
    parsed = []
    for item in items:
        if not isinstance(item, str | Objective):
            raise InputError(f"{field} holds {item!r}: {_HINT}")
        parsed.append(item if isinstance(item, Objective) else Objective.parse(item))
    return tuple(parsed)


def evaluate(
    objective: Objective, measured: Samples, start_ns: int, end_ns: int
) -> ObjectiveResult:
    """Hold ``objective`` against the samples of the window ``start_ns`` to ``end_ns``.

    Percentiles are exact. Windows follow each other from ``start_ns`` on and hold the requests
    intended in them; an incomplete last one is left out, and so is one without any request, except
    for counts and rates. A rate is that of the answers which came within a window.
    """
    samples = measured.endpoint(objective.endpoint) if objective.endpoint else measured
    if objective.window_s is None:
        value = observe(objective, samples, start_ns, end_ns)
        return ObjectiveResult(objective, value, value is not None and objective.holds(value))
    length_ns = seconds_to_ns(objective.window_s)
    found = [
        (value, start)
        for start, part in _windows(objective, samples, start_ns, end_ns, length_ns)
        if (value := observe(objective, part, start, start + length_ns)) is not None
    ]
    if not found:
        return ObjectiveResult(objective, None, met=False)
    upper = objective.operator.startswith("<")
    worst, worst_start = (max if upper else min)(
        found, key=lambda item: (item[0], -item[1] if upper else item[1])
    )
    broken = [start for value, start in found if not objective.holds(value)]
    return ObjectiveResult(
        objective,
        worst,
        not broken,
        worst_start,
        len(found),
        len(broken),
        broken[0] if broken else None,
    )


def observe(objective: Objective, samples: Samples, start_ns: int, end_ns: int) -> float | None:
    """The number that ``objective`` is about, of these samples; None when they have none."""
    if objective.statistic == "error_count":
        return samples.error_count
    if objective.statistic == "rate_rps":
        if end_ns <= start_ns:
            return None
        done = int(np.count_nonzero(samples.column("done_ns") <= end_ns))
        return done * NS_PER_S / (end_ns - start_ns)
    if len(samples) == 0:
        return None
    if objective.statistic == "error_ratio":
        return samples.error_count / len(samples)
    values = getattr(samples, f"{objective.of}_ns")
    if objective.ratio is not None:
        return exact_percentile(np.sort(values), objective.ratio)
    return round(float(getattr(values, objective.statistic)()))


def _windows(
    objective: Objective, samples: Samples, start_ns: int, end_ns: int, length_ns: int
) -> Iterator[tuple[int, Samples]]:
    """Start and samples of each complete window, in order."""
    by = "done_ns" if objective.statistic == "rate_rps" else "intended_ns"
    side = "right" if by == "done_ns" else "left"
    ordered = samples.where(np.argsort(samples.column(by), kind="stable"))
    starts = np.arange(start_ns, end_ns - length_ns + 1, length_ns, dtype=np.int64)
    edges = np.append(starts, starts[-1:] + length_ns)
    at = np.searchsorted(ordered.column(by), edges, side=side)  # type: ignore[call-overload]
    for index, start in enumerate(starts.tolist()):
        yield start, ordered.where(slice(at[index], at[index + 1]))  # type: ignore[arg-type]


def _metric(name: str, text: str) -> tuple[str, str]:
    """Duration ("" for none) and statistic that ``name`` means."""
    if name in _COUNTED:
        return "", name
    of, dot, statistic = name.partition(".")
    if not dot or of not in _DURATIONS:
        of, statistic = "latency", name
    statistic = statistic.replace("_", ".")
    percentile = _PERCENTILE.fullmatch(statistic)
    if statistic in ("mean", "min", "max") or (percentile and Decimal(percentile[1]) > 0):
        return of, statistic
    raise InputError(
        f"objective {text!r} has the unknown metric {name!r}: use {', '.join(STATISTICS.values())}"
        " or any other percentile (latency; put service. or lag. before it for those),"
        f" {', '.join(_COUNTED)}"
    )


def _limit(number: str, unit: str, statistic: str, text: str, *, duration: bool) -> float:
    try:
        value = Decimal(number)
    except InvalidOperation as exc:
        raise InputError(f"objective {text!r} has the limit {number!r}, no number") from exc
    if not math.isfinite(float(value)):
        raise InputError(f"objective {text!r} has a limit that is too large")
    if value < 0:
        raise InputError(f"objective {text!r} has a limit below 0, which nothing can reach")
    if duration:
        if unit not in _UNITS:
            found = f"has the unknown unit {unit!r}" if unit else "has no unit"
            raise InputError(f"objective {text!r} {found}: write {number}ms (ns, us, ms or s)")
        return float(value * _UNITS[unit])
    if unit == "%" and statistic == "error_ratio":
        value /= 100
    elif unit:
        raise InputError(f"objective {text!r} has the unit {unit!r}: {statistic} is a bare number")
    if statistic == "error_ratio" and value > 1:
        raise InputError(
            f"objective {text!r} has a ratio above 1: write a ratio from 0 to 1, or a percentage"
            f" such as error_ratio{'<1%'}"
        )
    return float(value)


def check_objectives(
    objectives: Sequence[Objective], field: str, endpoints: Sequence[str], duration_s: float
) -> None:
    """Refuse objectives that no run of a plan could be held against.

    Raises:
        InputError: an endpoint that is none of the plan's, or windows longer than the run.
    """
    for objective in objectives:
        if objective.endpoint and objective.endpoint not in endpoints:
            raise InputError(
                f"{field} {str(objective)!r} is about the endpoint {objective.endpoint!r}:"
                f" the plan has {', '.join(map(repr, dict.fromkeys(endpoints)))}"
            )
        if objective.window_s is not None and objective.window_s > duration_s:
            raise InputError(
                f"{field} {str(objective)!r} has windows of {objective.window_s:g} s in a run of"
                f" {duration_s:g} s: none would be complete"
            )
