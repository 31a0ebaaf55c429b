from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from benchlab.plan.tracing import GOLDEN, is_traced, is_traced_one, scramble

# The first outputs of SplitMix64 with seed 0, by its reference implementation (Vigna 2015).
REFERENCE = (0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F)


def test_the_numbers_are_those_of_the_reference() -> None:
    assert tuple(scramble(k * GOLDEN % 2**64) for k in (1, 2, 3)) == REFERENCE


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1))
def test_an_array_has_the_numbers_of_its_elements(numbers: list[int]) -> None:
    together = scramble(np.array(numbers, dtype=np.uint64))
    assert together.dtype == np.uint64
    assert together.tolist() == [scramble(number) for number in numbers]


@given(st.lists(st.integers(0, 2**62), min_size=1), st.floats(0, 1))
def test_one_request_is_traced_as_in_an_array(seqs: list[int], ratio: float) -> None:
    together = is_traced(np.array(seqs, dtype=np.int64), ratio)
    assert together.tolist() == [is_traced_one(seq, ratio) for seq in seqs]
