"""Checks of settings: numbers, choices, and names with values."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from typing import Any, TypeGuard

from benchlab.errors import InputError

__all__ = [
    "ARRIVALS",
    "check_choice",
    "check_number",
    "check_rate",
    "check_seconds",
    "check_text",
    "check_whole",
    "is_number",
    "reading",
    "text_pairs",
]

ARRIVALS = ("constant", "poisson")
"""How the requests of an open loop are spaced: evenly, or at random."""

_MAX_SECONDS = 1e8  # three years; a schedule's nanoseconds stay exact
_MAX_RATE_RPS = 10_000_000.0  # beyond any machine


def is_number(value: object) -> TypeGuard[float]:
    """Whether ``value`` is a finite number, and not true or false."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an int beyond any float
        return False


def check_number(name: str, value: object, what: str, most: float, *, zero: bool = False) -> float:
    """Return ``value`` if it is a number in range; ``what`` is its unit, such as seconds.

    Raises:
        InputError: not a number above 0 (or at least 0, if ``zero``), or above ``most``.
    """
    if not is_number(value) or not (0 < value <= most or (zero and value == 0)):
        bound = "0 or more" if zero else "above 0"
        raise InputError(
            f"must be a number of {what}, {bound} and at most {most:,.0f}",
            field=name,
            value=value,
        )
    return value


def check_seconds(name: str, seconds: object, *, zero: bool = False) -> float:
    """Return ``seconds`` if it is a length of time.

    Raises:
        InputError: not a number above 0 (or at least 0, if ``zero``), or over three years.
    """
    return check_number(name, seconds, "seconds", _MAX_SECONDS, zero=zero)


def check_rate(name: str, rate_rps: object, *, zero: bool = False) -> float:
    """Return ``rate_rps`` if it is a rate in requests/s.

    Raises:
        InputError: not a number above 0 (or at least 0, if ``zero``), or over ten million.
    """
    return check_number(name, rate_rps, "requests/s", _MAX_RATE_RPS, zero=zero)


def check_whole(name: str, value: object, low: int, high: int) -> int:
    """Return ``value`` if it is a whole number in range.

    Raises:
        InputError: not a whole number from ``low`` to ``high``.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise InputError(f"must be a whole number from {low} to {high}", field=name, value=value)
    return value


def check_choice(name: str, value: object, choices: Collection[str]) -> None:
    """Refuse a ``value`` that is not one of ``choices``.

    Raises:
        InputError: it is not.
    """
    if value not in choices:
        raise InputError(
            "is unknown", field=name, value=value, remedy=f"use {' or '.join(choices)}"
        )


def check_text(name: str, value: object) -> None:
    """Refuse a ``value`` that is not text, or that no encoding can write.

    Raises:
        InputError: it is not.
    """
    # The value is not shown: it may be a URL with a secret, in bytes.
    if not isinstance(value, str):
        raise InputError(f"must be text, not {type(value).__name__}", field=name)
    try:
        value.encode()
    except UnicodeEncodeError as exc:
        raise InputError(
            f"has half a character at position {exc.start}",
            field=name,
            remedy="write it in UTF-8, or leave it out",
        ) from exc


def text_pairs(what: str, given: Any) -> tuple[tuple[str, str], ...]:
    """Names and values as pairs of text in order, from a mapping or from pairs.

    ``what`` names the setting.

    Raises:
        InputError: neither a mapping nor pairs, or a text that no encoding can write.

    >>> text_pairs("tags", {"team": "search", "build": 7})
    (('team', 'search'), ('build', '7'))
    """
    items = given.items() if isinstance(given, Mapping) else given
    if isinstance(items, Iterable) and not isinstance(items, str | bytes):
        pairs = list(items)
        if all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in pairs):
            found = tuple((str(name), str(value)) for name, value in pairs)
            for text in chain.from_iterable(found):
                check_text(what, text)
            return found
    # The value is not shown: it may be a header with a secret.
    kind = type(given).__name__
    raise InputError(
        f"a {kind} cannot be read", field=what, remedy="give a mapping of names to values, or pairs"
    )


@contextmanager
def reading(field: str, text: str, hint: str) -> Iterator[None]:
    """Attribute errors inside to ``text``, with ``hint`` unless they have a remedy of their own."""
    try:
        yield
    except InputError as exc:
        raise InputError(
            f"cannot be used: {exc}", field=field, value=text, remedy="" if exc.remedy else hint
        ) from exc
