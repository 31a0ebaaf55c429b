"""What Grafana and its ClickHouse data source make of a panel's SQL before it is sent.

First Grafana replaces the dashboard's variables, then the data source its macros. Both are
written from their documentation and the data source's source (4.20.0), as far as the dashboards
go; anything else in the SQL is an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["TimeRange", "sql_of"]

_VARIABLE = re.compile(r"\$\{(\w+)(?::(\w+))?\}")
_MACRO = re.compile(r"\$__(\w+)(?:\(([^()]*)\))?")


@dataclass(frozen=True)
class TimeRange:
    """What a dashboard shows, in ms since 1970, and the interval that fits its width."""

    from_ms: int
    to_ms: int
    interval_s: int = 1


def sql_of(raw: str, when: TimeRange, variables: Mapping[str, str | Sequence[str]]) -> str:
    """The SQL that reaches ClickHouse; ``variables`` have one value or, where several may be
    chosen, a list of them.

    Raises:
        ValueError: a variable, format or macro that is not known.
    """
    text = _VARIABLE.sub(lambda match: _variable(match, variables), raw)
    text = _MACRO.sub(lambda match: _macro(match, when), text)
    if "$" in text:
        raise ValueError(f"something with a $ was not replaced: {text}")
    return text


def _variable(match: re.Match[str], variables: Mapping[str, str | Sequence[str]]) -> str:
    name, how = match.groups()
    if name not in variables or how != "singlequote":
        raise ValueError(f"{match[0]} in a panel's SQL: unknown, or its value is not quoted")
    value = variables[name]
    values = [value] if isinstance(value, str) else value
    return ",".join("'" + item.replace("'", "\\'") + "'" for item in values)


def _macro(match: re.Match[str], when: TimeRange) -> str:
    name, argument = match.groups()
    start, end = f"toDateTime({when.from_ms // 1000})", f"toDateTime({when.to_ms // 1000})"
    match name, argument:
        case "timeFilter", str():
            return f"{argument} >= {start} AND {argument} <= {end}"
        case "timeInterval", str():
            step = f"INTERVAL {max(when.interval_s, 1)} second"
            return f"toStartOfInterval(toDateTime({argument}), {step})"
        case "interval_s", None:
            return str(max(when.interval_s, 1))
        case _:
            raise ValueError(f"{match[0]} is not a macro of the data source, or not used as one")
