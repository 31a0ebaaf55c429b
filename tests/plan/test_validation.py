from __future__ import annotations

from typing import Any

import pytest

from benchlab import ClosedLoop, Plan, Request, Transport
from benchlab.errors import InputError
from benchlab.plan.validation import check_seconds, check_whole, is_number, text_pairs

URL = "http://127.0.0.1:8000/x"


@pytest.mark.parametrize("value", [0, 1, -2.5, 1e300])
def test_finite_numbers_are_numbers(value: Any) -> None:
    assert is_number(value)


@pytest.mark.parametrize("value", [True, "1", None, float("nan"), float("inf"), 1j])
def test_other_values_are_not_numbers(value: Any) -> None:
    assert not is_number(value)
    with pytest.raises(InputError, match=r"x=.* must be a number of seconds"):
        check_seconds("x", value)
    with pytest.raises(InputError, match=r"x=.* must be a whole number from 0 to 5"):
        check_whole("x", value, 0, 5)


def test_bounds_are_named() -> None:
    assert (check_seconds("x", 0, zero=True), check_seconds("x", 1e8)) == (0, 1e8)
    assert (check_whole("x", 1, 1, 5), check_whole("x", 5, 1, 5)) == (1, 5)
    for seconds, zero, bound in ((0, False, "above 0"), (-1, True, "0 or more")):
        with pytest.raises(InputError, match=f"{bound} and at most 100,000,000"):
            check_seconds("x", seconds, zero=zero)
    with pytest.raises(InputError, match="x=200000000"):
        check_seconds("x", 200_000_000)
    for whole in (0, 6, 2.0):
        with pytest.raises(InputError, match="from 1 to 5"):
            check_whole("x", whole, 1, 5)


def test_a_mapping_and_pairs_are_the_same() -> None:
    assert text_pairs("tags", {"a": 1, "b": "2"}) == (("a", "1"), ("b", "2"))
    assert text_pairs("tags", [["a", 1], ("b", "2")]) == (("a", "1"), ("b", "2"))


@pytest.mark.parametrize("given", ["a: b", b"ab", 5, None, ["ab"], [("a", "b", "c")], [5]])
def test_other_values_are_refused_naming_the_setting(given: Any) -> None:
    with pytest.raises(InputError, match=r"^headers: .* give a mapping of names to values"):
        Request("GET", URL, headers=given)
    with pytest.raises(InputError, match=r"^tags: "):
        Plan([Request("GET", URL)], ClosedLoop(), tags=given)
    with pytest.raises(InputError, match=r"^resolve: "):
        Transport(resolve=given)
