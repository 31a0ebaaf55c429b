"""Series of known shape with noise as latencies have it: 100 batches of a run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["DRIFTS", "NOISES", "noise"]

COUNT = 100
_TIME = np.arange(COUNT) / (COUNT - 1)

DRIFTS = {
    "up 10 %": np.log1p(0.10 * _TIME),
    "down 10 %": np.log1p(-0.10 * _TIME),
    "up 20 %": np.log1p(0.20 * _TIME),
    "faster and faster": np.log1p(0.10 * _TIME**2),
    "late": np.log1p(0.15 * np.clip(2 * _TIME - 1, 0, 1)),
    "sawtooth on a drift": np.log1p(0.10 * _TIME + 0.05 * (5 * _TIME % 1)),
    "two teeth": np.log1p(0.20 * (2 * _TIME % 1)),
}
"""Logarithms of a level that changes by 10 % or more, from end to end or within each tooth."""

NOISES = {
    "independent": (0.02, 0.0, False),
    "heavy tails": (0.03, 0.0, True),
    "dependent": (0.02, 0.5, False),
    "very dependent": (0.015, 0.8, False),
    "wide": (0.06, 0.0, False),
}
"""Deviation, autocorrelation and whether tails are heavy (Student's t with 3 degrees)."""


def noise(kind: str, seed: int, count: int = COUNT) -> NDArray[np.float64]:
    """Noise of one of the kinds of `NOISES`."""
    deviation, memory, heavy = NOISES[kind]
    rng = np.random.default_rng(seed)
    found: NDArray[np.float64]
    found = rng.standard_t(3, count) / np.sqrt(3) if heavy else rng.standard_normal(count)
    for index in range(1, count):
        found[index] = memory * found[index - 1] + np.sqrt(1 - memory**2) * found[index]
    return deviation * found
