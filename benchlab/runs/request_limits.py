"""Objectives as limits of single requests: which of them are within, and how many may not be."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchlab.plan.objectives import Objective
from benchlab.samples.samples import ErrorKind, Samples

__all__ = ["allowed_ratio", "is_within", "within"]


def allowed_ratio(objective: Objective) -> float | None:
    """The share of requests that may be outside of the limit: 0.01 for ``p99<50ms``.

    None for an objective that is no limit of single requests: a mean, a count, a rate, and one
    that asks for slow requests or for errors.
    """
    upper = objective.operator.startswith("<")
    if objective.statistic == "error_ratio":
        return objective.limit if upper else None
    if not objective.of or not upper:
        return None
    if objective.ratio is not None:
        return round(1 - objective.ratio, 12)
    return 0.0 if objective.statistic == "max" else None


def within(objective: Objective, samples: Samples) -> NDArray[np.bool_]:
    """A mask of the requests within the limit of ``objective``; failed ones never are."""
    values = getattr(samples, f"{objective.of}_ns") if objective.of else None
    return is_within(objective, samples.column("error"), values)


def is_within(
    objective: Objective, errors: NDArray[Any], values_ns: NDArray[np.int64] | None
) -> NDArray[np.bool_]:
    """`within` for error kinds and durations, None for an objective that is about errors."""
    good: NDArray[np.bool_] = errors == ErrorKind.OK
    if values_ns is not None:
        good &= objective.holds(values_ns)  # type: ignore[arg-type]  # operators take arrays too
    return good
