"""What a value of a load shape may be."""

from __future__ import annotations

from benchlab.errors import InputError
from benchlab.plan.validation import check_number

__all__ = ["ARRIVALS", "BLOCK", "check_arrivals", "check_rate"]

BLOCK = 512
"""Offsets made at once, while the run goes on: few enough not to delay a send by 0.1 ms."""

ARRIVALS = ("constant", "poisson")
"""How the requests of an open loop follow each other: evenly, or at random."""

_MAX_RATE_RPS = 10_000_000.0


def check_rate(name: str, rate_rps: object, *, zero: bool = False) -> float:
    """``rate_rps`` as a number.

    Raises:
        InputError: not a number above 0 (or at least 0, if ``zero``), or beyond any machine.
    """
    return check_number(name, rate_rps, "requests/s", _MAX_RATE_RPS, zero=zero)


def check_arrivals(arrivals: object) -> None:
    """Refuse a spacing that does not exist.

    Raises:
        InputError: neither ``constant`` nor ``poisson``.
    """
    if arrivals not in ARRIVALS:
        raise InputError(
            "is unknown", field="arrivals", value=arrivals, remedy=f"use {' or '.join(ARRIVALS)}"
        )
