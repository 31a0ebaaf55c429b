"""Process small runs in blocks, like very long ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchlab.runs import objective_results
from benchlab.samples import curve, percentiles, samples

__all__ = ["as_if_long"]


@contextmanager
def as_if_long(limit: int = 7) -> Iterator[None]:
    """Within this block, at most ``limit`` records are copied, sorted or evaluated at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(samples, "BLOCK_RECORDS", limit)
        patch.setattr(samples, "_MOST_COPIED", limit)
        patch.setattr(percentiles, "_MOST_SORTED", limit)
        patch.setattr(curve, "_MOST_SORTED", limit)
        patch.setattr(percentiles, "_PART_BITS", 3)
        patch.setattr(objective_results, "_MOST_ORDERED", limit)
        yield
