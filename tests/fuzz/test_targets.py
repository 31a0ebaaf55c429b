"""The short version of `make fuzz`: every seed, and random damage to them."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from tests.exchange.mutations import mutated
from tests.fuzz.targets import TARGETS, Target, close_store

# Each input of "telemetry" is inserted into a store.
INPUTS = {"response": 2_000, "import": 300, "telemetry": 5, "plan": 300, "metadata": 300}


@pytest.fixture(autouse=True, scope="module")
def _closed_at_the_end() -> Iterator[None]:
    yield
    close_store()


@pytest.mark.parametrize("target", TARGETS.values(), ids=list(TARGETS))
def test_damaged_input_breaks_no_promise(target: Target) -> None:
    seeds = target.seeds()
    random = Random(0)
    inputs = seeds[:12] + [
        mutated(random.choice(seeds), random) for _ in range(INPUTS[target.name])
    ]
    for data in inputs:
        try:
            target.check(data)
        except Exception as exc:
            raise AssertionError(f"{target.name} failed for {data[:500]!r}") from exc
