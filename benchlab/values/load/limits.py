"""What a value of a load shape may be."""

from __future__ import annotations

import math

from benchlab.errors import InputError

__all__ = ["ARRIVALS", "BLOCK", "check_arrivals", "check_rate", "check_seconds"]

BLOCK = 512
"""Offsets made at once, while the run goes on: few enough not to delay a send by 0.1 ms."""

ARRIVALS = ("constant", "poisson")
"""How the requests of an open loop follow each other: evenly, or at random."""

_MAX_RATE_RPS = 10_000_000.0
_MAX_SECONDS = 1e8  # three years; a schedule's nanoseconds stay exact


def check_rate(name: str, rate_rps: object, *, zero: bool = False) -> float:
    """``rate_rps`` as a number.

    Raises:
        InputError: not a number above 0 (or at least 0, if ``zero``), or beyond any machine.
    """
    number = _number(rate_rps)
    if number is None or not (0 < number <= _MAX_RATE_RPS or (zero and number == 0)):
        bound = "0 or more" if zero else "above 0"
        raise InputError(
            f"{name}={rate_rps!r} must be a number of requests/s, {bound} and at most"
            f" {_MAX_RATE_RPS:,.0f}"
        )
    return number


def check_seconds(name: str, seconds: object, *, zero: bool = False) -> float:
    """``seconds`` as a number.

    Raises:
        InputError: not a number above 0 (or at least 0, if ``zero``), or over three years.
    """
    number = _number(seconds)
    if number is None or not (0 < number <= _MAX_SECONDS or (zero and number == 0)):
        bound = "0 or more" if zero else "above 0"
        raise InputError(f"{name}={seconds!r} must be a number of seconds, {bound}")
    return number


def check_arrivals(arrivals: object) -> None:
    """Refuse a spacing that does not exist.

    Raises:
        InputError: neither ``constant`` nor ``poisson``.
    """
    if arrivals not in ARRIVALS:
        raise InputError(f"arrivals={arrivals!r} is unknown: use {' or '.join(ARRIVALS)}")


def _number(value: object) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return value
    return None
