from __future__ import annotations

import numpy as np

from benchlab.statistics.mser import truncation


def _by_definition(values: list[float]) -> int:
    """White's rule as its formula has it."""
    count = len(values)
    errors = []
    for start in range(count // 2 + 1):
        kept = values[start:]
        mean = sum(kept) / len(kept)
        errors.append(sum((value - mean) ** 2 for value in kept) / len(kept) ** 2)
    return errors.index(min(errors))


def test_the_rule_is_that_of_its_formula() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        # Bounded noise, which is not clipped.
        values = rng.uniform(-1, 1, 60) + np.linspace(1.5, 0, 20).repeat([1] * 19 + [41])
        assert truncation(values) == _by_definition(values.tolist())


def test_a_single_far_value_is_no_transient() -> None:
    values = np.random.default_rng(1).normal(0, 1, 100)
    values[30] = 50
    assert truncation(values) < 10


def test_equal_values_have_no_transient() -> None:
    assert truncation(np.ones(10)) == 0
