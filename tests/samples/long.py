"""Small runs, handled as very long ones are: never whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchlab.runs import objective_results
from benchlab.samples import percentiles, samples

__all__ = ["as_if_long"]


@contextmanager
def as_if_long(limit: int = 7) -> Iterator[None]:
    """Within this, nothing longer than ``limit`` is copied, sorted or looked at in one piece."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(samples, "BLOCK_RECORDS", limit)
        patch.setattr(samples, "_MOST_COPIED", limit)
        patch.setattr(percentiles, "_MOST_SORTED", limit)
        patch.setattr(percentiles, "_PART_BITS", 3)
        patch.setattr(objective_results, "_MOST_ORDERED", limit)
        yield
