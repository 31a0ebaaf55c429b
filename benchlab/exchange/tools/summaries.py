"""Make imported summaries: read a tool's report whole, and take its numbers within bounds.

A reader opens its file with `document` (JSON) or `report` (text), where whatever does not fit
becomes an error that names the file and the tool.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchlab.errors import WRONG_CONTENT, InputError
from benchlab.exchange.parsing import LONGEST_BYTES, Place, chunks, content_digest, too_long
from benchlab.redact import public_text
from benchlab.runs.imported_summary import ImportedSummary, Point
from benchlab.text import one_line
from benchlab.text_files import decode_text

__all__ = [
    "content_of",
    "document",
    "integer",
    "nanoseconds",
    "number",
    "ratio",
    "report",
    "summary_of",
    "text",
]

_REPORT_BYTES = 4_000_000
_ERRORS_MAX = 20
_ERROR_CHARACTERS = 160
_LIMIT = 1 << 63


@contextmanager
def document(path: Path, tool: str) -> Iterator[dict[str, Any]]:
    """The JSON object in a file; inside, exceptions about its content become an `InputError`."""
    content = _read(path, LONGEST_BYTES)
    with content_of(path, tool):
        try:
            data = json.loads(content)
        except json.JSONDecodeError as exc:
            problem = f"the JSON is broken: {exc.msg}"
            raise InputError(problem, where=f"{path}:{exc.lineno}") from exc
        except RecursionError as exc:
            raise InputError("the JSON is nested too deeply") from exc
        if not isinstance(data, dict):
            raise TypeError("it is not a JSON object")
        yield data


@contextmanager
def report(path: Path, tool: str) -> Iterator[str]:
    """The text of a file; inside, exceptions about its content become an `InputError`."""
    content = _read(path, _REPORT_BYTES)
    with content_of(path, tool):
        yield content


@contextmanager
def content_of(path: Path, tool: str) -> Iterator[None]:
    """Inside, exceptions about the content of a file become an `InputError` that names it."""
    try:
        yield
    except InputError as exc:
        if exc.where:
            raise
        raise exc.within(str(path)) from exc
    except KeyError as exc:
        raise InputError(f"{path} is not a complete result of {tool}: {exc} is missing") from exc
    except WRONG_CONTENT as exc:
        raise InputError(f"{path} is not a complete result of {tool}: {exc}") from exc


def _read(path: Path, limit: int) -> str:
    content = bytearray()
    for chunk in chunks(path, Place(path)):
        content += chunk
        if len(content) > limit:
            raise InputError(too_long("file", limit), where=str(path))
    return decode_text(bytes(content), "replace")


def number(value: object) -> float:
    """A finite number of at least 0, given as a number or as text.

    Raises:
        ValueError: it is something else.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(f"{value!r:.40} is not a number")
    found = float(value)
    if not math.isfinite(found) or found < 0:
        raise ValueError(f"{value!r:.40} is not a number of at least 0")
    return found


def integer(value: object) -> int:
    """A count: as `number`, whole, and small enough to be stored."""
    found = number(value)
    if found >= _LIMIT or found != int(found):
        raise ValueError(f"{value!r:.40} is not a count")
    return int(found)


def nanoseconds(value: object, unit_ns: float) -> int:
    """A duration given in a unit of ``unit_ns``."""
    found = number(value) * unit_ns
    if found >= _LIMIT:
        raise ValueError(f"{value!r:.40} is too large: it must fit into 63 bits of nanoseconds")
    return round(found)


def ratio(percent: object) -> float:
    """A percentile between 0 and 1, given in percent."""
    found = round(number(percent) / 100, 12)
    if found > 1:
        raise ValueError(f"percentile {percent!r:.40} is above 100")
    return found


def text(value: object) -> str:
    """``value`` if it is text, else nothing: for fields that a tool may leave out.

    JSON can hold half of a character, which nothing can store: it becomes a question mark.
    """
    return value.encode(errors="replace").decode() if isinstance(value, str) else ""


def summary_of(
    path: Path,
    format: str,
    tool: str,
    *,
    percentiles: Iterable[Point],
    name: str = "",
    errors: Mapping[str, int] | None = None,
    notes: Sequence[str] = (),
    **facts: Any,
) -> ImportedSummary:
    """The summary of a file. ``errors`` are counts by kind, in the tool's words.

    ``name`` is by default that of the file.
    """
    if not 0 <= (facts.get("started_at_ns") or 0) < _LIMIT:
        raise ValueError(f"the run started {facts['started_at_ns']} ns after 1970")
    found = {kind: count for kind, count in (errors or {}).items() if count}
    listed = [
        f"{one_line(public_text(text(kind)), _ERROR_CHARACTERS)}: {count:,}"
        for kind, count in sorted(found.items(), key=lambda item: -item[1])
    ]
    if len(listed) > _ERRORS_MAX:
        listed[_ERRORS_MAX:] = [f"{len(listed) - _ERRORS_MAX} other kinds"]
    return ImportedSummary(
        id=content_digest(path, format),
        tool=tool,
        format=format,
        name=name or path.name.split(".")[0] or tool,
        percentiles=tuple(sorted(percentiles, key=_order)),
        notes=(*notes, *([f"errors: {', '.join(listed)}"] if listed else [])),
        **facts,
    )


def _order(point: Point) -> tuple[float, int]:
    return point.ratio, point.value_ns
