"""Every shape survives a dict, and a dict that is wrong says how."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from benchlab.errors import InputError
from benchlab.plan.shapes import ClosedLoop, OpenLoad, load_from_dict, load_to_dict
from tests.plan.shapes.shapes import shapes


@given(shapes)
def test_a_shape_survives_json(load: OpenLoad) -> None:
    assert load_from_dict(json.loads(json.dumps(load_to_dict(load)))) == load


def test_a_closed_loop_survives_a_dict() -> None:
    assert load_from_dict(load_to_dict(ClosedLoop(3))) == ClosedLoop(3)
    assert load_from_dict({"kind": "closed_loop"}) == ClosedLoop()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"kind": "sawtooth"}, "'sawtooth' is unknown: use one of closed_loop, constant_rate"),
        ({"kind": ["stages"]}, "is unknown"),
        ({"rate_rps": 5}, "kind: the load has none: use one of closed_loop"),
        ("stages", "must be a table with a kind"),
        (
            {"kind": "constant_rate", "rate_rps": 1, "speed": 2, "colour": 3},
            "colour: load constant_rate has no such field: known are rate_rps",
        ),
        ({"kind": "constant_rate"}, "load constant_rate lacks rate_rps"),
        ({"kind": "spike", "base_rps": 1, "at_s": 1}, "spike lacks peak_rps, length_s, duration_s"),
        ({"kind": "stages", "stages": [[10]]}, "stages: entry 1 is"),
        ({"kind": "poisson_rate", "rate_rps": "fast"}, "rate_rps='fast'"),
    ],
)
def test_a_dict_that_is_no_shape_says_what_is_wrong(data: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        load_from_dict(data)
