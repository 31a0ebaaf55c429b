"""The marginal standard error rule: how much of the beginning of a series to leave out.

Source: K. P. White, "An effective truncation heuristic for bias reduction in simulation output",
Simulation 69 (1997). The rule minimizes the standard error of the mean of what is kept, so that it
looks at the precision and never at the level.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["truncation"]

_CLIPPED_AT = 4.0


def truncation(values: NDArray[np.floating[Any]]) -> int:
    """How many of the first ``values`` to leave out, at most half of them.

    A single far value must not decide, so values are clipped at four robust deviations around the
    median of the second half.

    >>> truncation(np.array([9.0, 6.0, 3.0, 3.1, 3.0, 2.9, 3.0, 3.1, 3.0, 2.9]))
    2
    """
    count = len(values)
    most = count // 2
    centre = float(np.median(values[most:]))
    spread = 1.4826 * float(np.median(np.abs(values[most:] - centre)))
    apart = values - centre
    if spread > 0:
        apart = np.clip(apart, -_CLIPPED_AT * spread, _CLIPPED_AT * spread)
    kept = count - np.arange(most + 1, dtype=np.float64)
    sums = np.cumsum(apart[::-1])[::-1][: most + 1]
    squares = np.cumsum(apart[::-1] ** 2)[::-1][: most + 1]
    return int(np.argmin((squares - sums**2 / kept) / kept**2))
