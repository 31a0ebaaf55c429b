"""Entries from the columns of a table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from benchlab.errors import InputError
from benchlab.plan.recording.collect import Entry
from benchlab.plan.recording.moments import Moment
from benchlab.plan.validation import is_number
from benchlab.units import NS_PER_S

__all__ = ["entries"]

_MOST_S = 1e8


def entries(columns: Mapping[str, Any], base_ns: int) -> Iterator[Entry]:
    """An entry per row; a column that is None is unknown. Times are from ``base_ns`` on.

    Raises:
        InputError: columns of different lengths, or a value that cannot be used, by its row.
    """
    given = {name: _values(name, column) for name, column in columns.items() if column is not None}
    count = len(given["offset_s"])
    for name, values in given.items():
        if len(values) != count:
            raise InputError(
                f"has {len(values):,} rows, and offset_s {count:,}",
                field=name,
                remedy="give columns of the same length",
            )
    first = min(map(float, filter(is_number, given["offset_s"])), default=0.0)
    absent = [None] * count
    named = [given.get(name, absent) for name in columns]
    for number, row in enumerate(zip(*named, strict=True), 1):
        offset, method, path, host, status, duration, session, body, kind = row
        if not is_number(offset) or offset - first > _MOST_S:
            raise InputError(
                "is not a time in seconds", field=f"offset_s, row {number}", value=offset
            )
        for name, text in (("method", method), ("path", path)):
            if not isinstance(text, str):
                raise InputError("is not text", field=f"{name}, row {number}", value=text)
        known = duration is not None and is_number(duration)
        yield Entry(
            moment=Moment(base_ns + round((offset - first) * NS_PER_S), 0, False),
            method=method.upper(),
            target=path,
            host=str(host or ""),
            status=int(status) if is_number(status) else 0,
            duration_s=duration / 1000 if known else math.nan,
            session=() if _is_absent(session) else (str(session),),
            body=body.encode() if isinstance(body, str) else body,
            content_type=str(kind or ""),
        )


def _is_absent(value: Any) -> bool:
    """Whether it is nothing: None, an empty text, or nan, which frames have for nothing."""
    return value in (None, "") or (isinstance(value, float) and math.isnan(value))


def _values(name: str, column: Any) -> list[Any]:
    if isinstance(column, str | bytes) or not hasattr(column, "__len__"):
        raise InputError("is not a column", field=name, remedy="give a list or an array")
    return list(column.tolist() if hasattr(column, "tolist") else column)
