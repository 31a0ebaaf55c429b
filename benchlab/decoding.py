"""Read back the JSON that benchlab keeps: by the types of what it becomes, and within bounds.

Files and database columns may be damaged, or written by someone else. Whatever they hold, the
result is a value of the type asked for, or a `DamagedError` that names the file, the field and the
value. JSON that Python reads and no other program does (``NaN``, ``Infinity``) is damage, and so
are numbers beyond 64 bits and nesting without end.
"""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from benchlab.errors import WRONG_CONTENT, DamagedError, InputError
from benchlab.text import one_line

__all__ = [
    "MOST_DEPTH",
    "Count",
    "Integer",
    "convert",
    "decode",
    "decode_file",
    "decode_lines",
    "naming_field",
]

MOST_DEPTH = 200
"""How deep arrays and objects may be nested."""

Integer = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""A number that a column of 64 bits can hold."""

Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
"""A number of things or of nanoseconds, 0 or above."""

_MOST_BYTES = 1 << 30
_MOST_DIGITS = 300  # of a number in a body or a check; more do not fit a float
_MESSAGE = re.compile(
    r"(?P<problem>.*?)(?: - at (?P<key>`key` in )?`\$\.?(?P<path>.*)`)?$", re.DOTALL
)
_MISSING = re.compile(r"Object missing required field `(.*)`$")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")
_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")

T = TypeVar("T")


def decode_file(path: Path, kind: type[T], *, exact: bool = False) -> T:
    """The content of the file ``path`` as a ``kind``; ``exact`` as in `decode`.

    Raises:
        OSError: the file cannot be read.
        DamagedError: it holds something else.
    """
    with path.open("rb") as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise DamagedError(f"it is larger than {_MOST_BYTES >> 20} MiB", where=str(path))
    return decode(content, kind, where=str(path), exact=exact)


def decode_lines(path: Path, kind: type[T]) -> list[T]:
    """The lines of the file ``path``, each a ``kind``; one without an end is left out.

    Raises:
        OSError: the file cannot be read.
        DamagedError: a line holds something else.
    """
    *whole, _torn = path.read_bytes().split(b"\n")
    return [decode(line, kind, where=f"{path}:{number}") for number, line in enumerate(whole, 1)]


def decode(text: str | bytes, kind: type[T], *, where: str, exact: bool = False) -> T:
    """The JSON ``text`` as a ``kind``: a class with typed fields, or a built-in type.

    ``where`` names the file, or whatever else the text is from. Lone surrogates, which no store and
    no page can hold, are replaced unless the text must be ``exact``: in the name of a file they
    stand for bytes that are not UTF-8.

    Raises:
        DamagedError: the text is something else.
    """
    odd: list[float] = []

    def parse_float(text: str) -> float:
        value = float(text)
        if not math.isfinite(value):
            odd.append(value)
        return value

    try:
        text = text if isinstance(text, str) else text.decode()
        data = json.loads(
            text, parse_constant=parse_float, parse_float=parse_float, parse_int=_parse_int
        )
    except (ValueError, RecursionError) as exc:  # UnicodeDecodeError is a ValueError
        problem = "it is nested too deep" if isinstance(exc, RecursionError) else str(exc)
        raise DamagedError(f"it is not JSON ({one_line(problem, 200)})", where=where) from exc
    if _is_too_deep(data):
        raise DamagedError(f"it is nested more than {MOST_DEPTH} levels deep", where=where)
    if odd:
        field, value = next(_odd_numbers(data), ("", odd[0]))
        raise DamagedError("is not a number in JSON", field=field, value=value, where=where)
    if not exact and _SURROGATE.search(text):
        data = _without_surrogates(data)
    return convert(data, kind, where=where)


def convert(data: Any, kind: type[T], *, where: str = "") -> T:
    """``data``, parsed JSON, as a ``kind``. Fields that ``kind`` does not have are ignored.

    Raises:
        DamagedError: a field is missing, of another type or out of range.
    """
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as exc:
        raise _located(exc, data, where) from exc
    except (ValueError, OverflowError, RecursionError) as exc:  # a lone surrogate, for instance
        raise DamagedError(f"cannot be used ({one_line(str(exc), 200)})", where=where) from exc


@contextmanager
def naming_field(field: str, where: str = "") -> Iterator[None]:
    """Report whatever malformed data raise inside as a `DamagedError` about ``field``."""
    try:
        yield
    except DamagedError as exc:
        raise exc.inside(field, where) from exc
    except InputError as exc:
        raise DamagedError(
            exc.problem, field=exc.field, value=exc.value, remedy=exc.remedy, where=exc.where
        ).inside(field, where) from exc
    except (*WRONG_CONTENT, OSError, zlib.error) as exc:
        reason = one_line(str(exc), 200) or type(exc).__name__
        raise DamagedError(f"cannot be used ({reason})", field=field, where=where) from exc


def _located(exc: msgspec.ValidationError, data: Any, where: str) -> DamagedError:
    """The error with the field that msgspec's message names, and its value."""
    found = _MESSAGE.match(str(exc))
    assert found is not None
    path, problem = found["path"] or "", found["problem"].replace("`", "")
    if missing := _MISSING.match(found["problem"]):
        field = ".".join(filter(None, (path, missing[1])))
        return DamagedError("it is missing", field=field, where=where)
    value = data
    for index, name in _STEP.findall(path):
        try:
            value = value[int(index)] if index else value[name]
        except (LookupError, TypeError):  # the message leaves out which key of an object it is
            value = ...
            break
    if found["key"]:
        value = ...
    return DamagedError(problem[:1].lower() + problem[1:], field=path, value=value, where=where)


def _odd_numbers(data: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """The places of numbers that are none, and their values."""
    if isinstance(data, float) and not math.isfinite(data):
        yield path, data
    elif isinstance(data, dict):
        for name, item in data.items():
            yield from _odd_numbers(item, f"{path}.{name}" if path else name)
    elif isinstance(data, list):
        for index, item in enumerate(data):
            yield from _odd_numbers(item, f"{path}[{index}]")


def _without_surrogates(data: Any) -> Any:
    if isinstance(data, str):
        return data.encode("utf-8", "replace").decode()
    if isinstance(data, list):
        return [_without_surrogates(item) for item in data]
    if isinstance(data, dict):
        return {_without_surrogates(name): _without_surrogates(data[name]) for name in data}
    return data


def _parse_int(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"a number has {len(text)} digits")
    return int(text)


def _is_too_deep(data: Any) -> bool:
    level = [data] if isinstance(data, dict | list) else []
    for _ in range(MOST_DEPTH):
        level = [
            item
            for nested in level
            for item in (nested.values() if isinstance(nested, dict) else nested)
            if isinstance(item, dict | list)
        ]
        if not level:
            return False
    return True
