"""Every registered shape: as a dict, as options, as a public name."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

import benchlab
from benchlab.errors import InputError
from benchlab.plan.shapes import (
    ClosedLoop,
    ConstantRate,
    OpenLoop,
    PoissonRate,
    Steps,
    load_from_dict,
    load_to_dict,
)
from benchlab.plan.shapes.registry import SHAPES, TEXT_SHAPES, load_from_options
from tests.plan.shapes.shapes import shapes


@given(shapes)
def test_a_shape_survives_json(load: OpenLoop) -> None:
    assert load_from_dict(json.loads(json.dumps(load_to_dict(load)))) == load


def test_a_closed_loop_survives_a_dict() -> None:
    assert load_from_dict(load_to_dict(ClosedLoop(3))) == ClosedLoop(3)
    assert load_from_dict({"kind": "closed_loop"}) == ClosedLoop()


@pytest.mark.parametrize(
    ("data", "message"),
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
def test_invalid_shape_dict_error_names_the_reason(data: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_from_dict(data)


def test_every_shape_is_a_public_name() -> None:
    names = {shape.__name__ for shape in SHAPES if not shape.is_imported}
    assert names <= set(benchlab.__all__)
    assert all(getattr(benchlab, name) in SHAPES for name in names)


def test_kinds_are_unique() -> None:
    assert len({shape.kind for shape in SHAPES}) == len(SHAPES)


def test_shapes_with_a_text_form_explain_it() -> None:
    assert all(shape.help for shape in TEXT_SHAPES.values())


@given(shapes)
def test_options_describe_arrivals(load: OpenLoop) -> None:
    options = dict(load.options() or {"--arrivals": load.arrivals})
    assert options.get("--arrivals", "constant") == load.arrivals


def test_options_make_loads() -> None:
    assert load_from_options(0) == ClosedLoop(64)
    assert load_from_options(0, connections=3, think_time="1s") == ClosedLoop(3, 1)
    assert load_from_options(5) == ConstantRate(5)
    assert load_from_options(5, "poisson") == PoissonRate(5)
    assert load_from_options(5, "poisson", shape="steps 1s:5") == Steps([(1, 5)], "poisson")
    with pytest.raises(InputError, match="shape='sine 1s' is unknown: use stages, steps, spike"):
        load_from_options(5, shape="sine 1s")
    with pytest.raises(InputError, match="arrivals='x' is unknown"):
        load_from_options(5, "x")
