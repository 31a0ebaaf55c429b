"""Headers, tags and their like are mappings or pairs, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from benchlab import ClosedLoop, Plan, Request, Transport
from benchlab.errors import InputError
from benchlab.plan.pairs import text_pairs

URL = "http://127.0.0.1:8000/x"


def test_a_mapping_and_pairs_are_the_same() -> None:
    assert text_pairs("tags", {"a": 1, "b": "2"}) == (("a", "1"), ("b", "2"))
    assert text_pairs("tags", [["a", 1], ("b", "2")]) == (("a", "1"), ("b", "2"))


@pytest.mark.parametrize("given", ["a: b", b"ab", 5, None, ["ab"], [("a", "b", "c")], [5]])
def test_anything_else_is_refused_by_the_name_of_the_setting(given: Any) -> None:
    with pytest.raises(InputError, match=r"^headers: .* give a mapping of names to values"):
        Request("GET", URL, headers=given)
    with pytest.raises(InputError, match=r"^tags: "):
        Plan([Request("GET", URL)], ClosedLoop(), tags=given)
    with pytest.raises(InputError, match=r"^resolve: "):
        Transport(resolve=given)
