"""Objectives: conditions on the numbers of a run, such as ``p99<50ms`` or ``error_ratio<0.01``.

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
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final

from attrs import frozen

from benchlab.displayed import Displayed
from benchlab.errors import InputError
from benchlab.samples.statistics import DURATIONS, STATISTICS
from benchlab.units import parse_duration_s

__all__ = ["Objective", "check_objectives", "parse_objectives"]

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


@frozen
class Objective(Displayed):
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
        """Read an objective.

        >>> Objective.parse("p99<50ms over 5s").window_s
        5.0

        Raises:
            InputError: it cannot be read, names no known metric, or has a limit without the unit
                that its metric needs, or with one that it does not have.
        """
        match = _FORM.fullmatch(text)
        if match is None:
            raise _wrong(text, "cannot be read", _HINT)
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
                raise _wrong(text, f"has windows below {_SHORTEST_WINDOW_S:g} s")
        tidy = f"{metric}{where}{match['operator']}{match['number']}{unit}{over}"
        return cls(tidy, of, statistic, endpoint, match["operator"], limit, unit, window_s)

    def __str__(self) -> str:
        return self.text

    @property
    def quantity(self) -> str:
        """The unit of ``limit``: ns, ratio, count or requests/s."""
        return _COUNTED.get(self.statistic, "ns")

    def holds(self, value: float) -> bool:
        """Whether ``value``, in the unit of ``limit``, meets the condition."""
        return _OPERATORS[self.operator](value, self.limit)

    @property
    def ratio(self) -> float | None:
        """The ratio (0 to 1) of a percentile; None for other statistics."""
        match = _PERCENTILE.fullmatch(self.statistic)
        return float(Decimal(match[1]) / 100) if match else None

    def show(self, value: float) -> str:
        """``value`` in the unit of the limit, with enough digits to see on which side it lies."""
        scale = _UNITS.get(self.unit, 1) if self.of else 0.01 if self.unit == "%" else 1
        unit = f" {self.unit.replace('us', 'µs')}" if self.unit else ""
        whole_digits = len(str(int(value / scale)))
        shown = Decimal(0)
        for digits in range(max(3, whole_digits), 17):
            shown = Decimal(f"{value / scale:.{digits}g}")
            if self.holds(float(shown) * scale) == self.holds(value):
                break
        return f"{shown:,f}{' requests/s' if self.statistic == 'rate_rps' else unit}"


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
        raise InputError("must be a list of objectives", field=field, value=items, remedy=_HINT)
    parsed = []
    for item in items:
        if not isinstance(item, str | Objective):
            raise InputError(f"{item!r} is among them", field=field, remedy=_HINT)
        try:
            parsed.append(item if isinstance(item, Objective) else Objective.parse(item))
        except InputError as exc:
            raise exc.of(field) from exc
    return tuple(parsed)


def _metric(name: str, text: str) -> tuple[str, str]:
    """Duration ("" for none) and statistic that ``name`` means."""
    if name in _COUNTED:
        return "", name
    of, dot, statistic = name.partition(".")
    if not dot or of not in DURATIONS:
        of, statistic = "latency", name
    statistic = statistic.replace("_", ".")
    percentile = _PERCENTILE.fullmatch(statistic)
    if statistic in ("mean", "min", "max") or (percentile and Decimal(percentile[1]) > 0):
        return of, statistic
    raise _wrong(
        text,
        f"has the unknown metric {name!r}",
        f"use {', '.join(STATISTICS.values())} or any other percentile (latency; put service. or"
        f" lag. before it for those), {', '.join(_COUNTED)}",
    )


def _limit(number: str, unit: str, statistic: str, text: str, *, duration: bool) -> float:
    try:
        value = Decimal(number)
    except InvalidOperation as exc:
        raise _wrong(text, f"has the limit {number!r}, which is not a number") from exc
    if not math.isfinite(float(value)):
        raise _wrong(text, "has a limit that is too large")
    if value < 0:
        raise _wrong(text, "has a limit below 0, which nothing can reach")
    if duration:
        if unit not in _UNITS:
            problem = f"has the unknown unit {unit!r}" if unit else "has no unit"
            raise _wrong(text, problem, f"write {number}ms (ns, us, ms or s)")
        return float(value * _UNITS[unit])
    if unit == "%" and statistic == "error_ratio":
        value /= 100
    elif unit:
        raise _wrong(text, f"has the unit {unit!r}", f"{statistic} is a bare number")
    if statistic == "error_ratio" and value > 1:
        raise _wrong(
            text,
            "has a ratio above 1",
            "write a ratio from 0 to 1, or a percentage such as error_ratio<1%",
        )
    return float(value)


def _wrong(text: str, problem: str, remedy: str = "") -> InputError:
    return InputError(problem, field="objective", value=text, remedy=remedy)


def check_objectives(
    objectives: Sequence[Objective], field: str, endpoints: Sequence[str], duration_s: float
) -> None:
    """Refuse objectives that no run of a plan could meet or break.

    Raises:
        InputError: an endpoint that is none of the plan's, or windows longer than the run.
    """
    for objective in objectives:
        if objective.endpoint and objective.endpoint not in endpoints:
            raise InputError(
                f"is about the endpoint {objective.endpoint!r}",
                field=field,
                value=str(objective),
                remedy=f"the plan has {', '.join(map(repr, dict.fromkeys(endpoints)))}",
            )
        if objective.window_s is not None and objective.window_s > duration_s:
            raise InputError(
                f"has windows of {objective.window_s:g} s in a run of {duration_s:g} s",
                field=field,
                value=str(objective),
                remedy="make them shorter, since none would be complete",
            )
