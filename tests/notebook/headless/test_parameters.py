"""Parameters of a notebook, from text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchlab.errors import InputError
from benchlab.notebook.headless import Parameter, convert_parameters

NOTEBOOK = Path("x.ipynb")


def convert(kind: str, text: str) -> Any:
    known = {"x": Parameter("x", kind, "", "what it is")}
    return convert_parameters({"x": text}, known, NOTEBOOK)["x"]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("int", "7", 7),
        ("float", "0.5", 0.5),
        ("str", "0.5", "0.5"),
        ("None", "0.5", "0.5"),
        ("bool", " Yes ", True),
        ("bool", "0", False),
        ("dict", '{"a": 1}', {"a": 1}),
        ("list", "[1, 2]", [1, 2]),
    ],
)
def test_text_becomes_a_value_of_the_declared_type(kind: str, text: str, value: object) -> None:
    converted = convert(kind, text)
    assert (converted, type(converted)) == (value, type(value))


@pytest.mark.parametrize(
    ("kind", "text"), [("int", "7.5"), ("float", "soon"), ("bool", "perhaps"), ("int", "")]
)
def test_text_of_another_type_is_refused_with_what_the_parameter_is(kind: str, text: str) -> None:
    with pytest.raises(InputError, match=rf"x must be {kind}, not '{text}' \(what it is\)"):
        convert(kind, text)


def test_an_unreadable_mapping_is_not_shown_since_it_may_be_secret() -> None:
    with pytest.raises(InputError, match="x must be dict") as caught:
        convert("dict", '{"authorization": s3cret}')
    assert "s3cret" not in str(caught.value)


def test_an_unknown_parameter_is_refused_with_those_that_are_known() -> None:
    known = {name: Parameter(name, "int", "1", "") for name in ("x", "y")}
    with pytest.raises(InputError, match=r"x\.ipynb has no parameter 'z': it has x, y"):
        convert_parameters({"z": "1"}, known, NOTEBOOK)
    with pytest.raises(InputError, match="it has none"):
        convert_parameters({"z": "1"}, {}, NOTEBOOK)
