"""The short version of `make fuzz`: every seed, and random damage to them."""

from __future__ import annotations

from random import Random

import pytest

from tests.exchange.mutations import mutated
from tests.fuzz.targets import TARGETS, Target

# Each input of "telemetry" is inserted into a store.
INPUTS = {"response": 2_000, "import": 300, "telemetry": 5, "plan": 300, "metadata": 300}


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
