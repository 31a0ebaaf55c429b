"""What a number among the settings may be."""

from __future__ import annotations

import math
from typing import TypeGuard

from benchlab.errors import InputError

__all__ = ["check_number", "check_seconds", "check_whole", "is_number"]

_MAX_SECONDS = 1e8  # three years; a schedule's nanoseconds stay exact


def is_number(value: object) -> TypeGuard[float]:
    """Whether ``value`` is a finite number, and not true or false."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def check_number(name: str, value: object, what: str, most: float, *, zero: bool = False) -> float:
    """``value`` as a number; ``what`` is counted, such as seconds.

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
    """``seconds`` as a number.

    Raises:
        InputError: not a number above 0 (or at least 0, if ``zero``), or over three years.
    """
    return check_number(name, seconds, "seconds", _MAX_SECONDS, zero=zero)


def check_whole(name: str, value: object, low: int, high: int) -> int:
    """``value`` as a whole number.

    Raises:
        InputError: no whole number from ``low`` to ``high``.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise InputError(f"must be a whole number from {low} to {high}", field=name, value=value)
    return value
