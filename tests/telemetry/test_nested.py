from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchlab.telemetry.nested import _double, flatten_line


def flattened(value: Any) -> Any:
    line = json.dumps({"a": {"key": "k", "value": value}}).encode()
    return json.loads(flatten_line(line))["a"]["value"]


def array(*values: Any) -> dict[str, Any]:
    return {"arrayValue": {"values": list(values)}}


def kvlist(**values: Any) -> dict[str, Any]:
    pairs = [{"key": key, "value": value} for key, value in values.items()]
    return {"kvlistValue": {"values": pairs}}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (array(), "[]"),
        ({"arrayValue": {}}, "[]"),
        ({"kvlistValue": {}}, "{}"),
        (array({"stringValue": "a"}, {"intValue": "1"}, {"intValue": 2}), '["a",1,2]'),
        (array({"boolValue": True}, {"boolValue": False}, {}), "[true,false,null]"),
        (array({"doubleValue": 1.0}, {"doubleValue": 1e21}), "[1,1e+21]"),
        (array({"stringValue": '<"&>é\n'}), '["<\\"&>é\\n"]'),
        (array({"stringValue": "\u2028\u2029\x01"}), '["\\u2028\\u2029\\u0001"]'),
        (array({"intValue": 1}, {"doubleValue": "NaN"}), ""),
        (kvlist(a=array({"doubleValue": "-Infinity"})), ""),
        (array({"bytesValue": "AP8="}), '["AP8="]'),
        (
            kvlist(b={"intValue": "9007199254740993"}, a=array({})),
            '{"a":[null],"b":9007199254740993}',
        ),
    ],
)
def test_lists_and_maps_become_compact_json(value: Any, text: str) -> None:
    assert flattened(value) == {"stringValue": text}


@pytest.mark.parametrize(
    ("line", "flat"),
    [
        (b'{"value":{"doubleValue":-0}}', b'{"value":{"doubleValue":-0.0}}'),
        (b'{"sum":-0,"min": -0 ,"max":-0}', b'{"sum":-0.0,"min": -0.0 ,"max":-0.0}'),
        (b'{"asDouble":-0.5,"sum":-01}', b'{"asDouble":-0.5,"sum":-01}'),
        (b'{"s":"\\"sum\\":-0}"}', b'{"s":"\\"sum\\":-0}"}'),
    ],
)
def test_a_negative_zero_is_not_an_integer(line: bytes, flat: bytes) -> None:
    assert flatten_line(line) == flat


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (0.1, "0.1"),
        (-2.5, "-2.5"),
        (1e-6, "0.000001"),
        (9.5e-7, "9.5e-7"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.5e300, "1.5e+300"),
        (5e-324, "5e-324"),
        (123456789.125, "123456789.125"),
    ],
)
def test_doubles_are_formatted_as_in_go(value: float, text: str) -> None:
    assert _double(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_rendered_double_reads_back_as_itself(value: float) -> None:
    assert float(_double(value)) == value


plain = st.one_of(
    st.text().map(lambda text: {"stringValue": text}),
    st.integers(-(2**63), 2**63 - 1).map(lambda number: {"intValue": str(number)}),
    st.booleans().map(lambda flag: {"boolValue": flag}),
    st.binary().map(lambda data: {"bytesValue": base64.b64encode(data).decode()}),
)
nested = st.recursive(
    plain,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda values: array(*values)),
        st.dictionaries(st.text(), inner, max_size=3).map(lambda values: kvlist(**values)),
    ),
    max_leaves=10,
)


def meaning(value: dict[str, Any]) -> Any:
    ((kind, content),) = value.items()
    if kind == "arrayValue":
        return [meaning(item) for item in content["values"]]
    if kind == "kvlistValue":
        return {pair["key"]: meaning(pair["value"]) for pair in content["values"]}
    return int(content) if kind == "intValue" else content


@given(nested)
def test_any_nested_value_keeps_its_meaning(value: dict[str, Any]) -> None:
    found = flattened(value)
    if "arrayValue" in value or "kvlistValue" in value:
        assert json.loads(found["stringValue"]) == meaning(value)
    else:
        assert found == value


@pytest.mark.parametrize(
    "line",
    [
        b'{"plain": 1}',
        b'{"arrayValue": ',
        b'["arrayValue" \xff]',
        b"[" * 100_000 + b'"arrayValue"',
    ],
)
def test_unparsable_lines_are_unchanged(line: bytes) -> None:
    assert flatten_line(line) == line


def test_a_value_of_no_known_shape_costs_only_itself() -> None:
    line = {"a": array(None, {"stringValue": "x"}), "b": {"arrayValue": 5}, "c": kvlist()}
    line["c"]["kvlistValue"]["values"] = [{"value": {"intValue": "1"}}, None, {"key": "k"}]
    line["d"] = {"arrayValue": {"values": [{"intValue": "many"}]}}
    flat = json.loads(flatten_line(json.dumps(line).encode()))
    assert {name: value["stringValue"] for name, value in flat.items()} == {
        "a": '[null,"x"]',
        "b": '{"arrayValue":5}',
        "c": '{"":1,"k":null}',
        "d": '{"arrayValue":{"values":[{"intValue":"many"}]}}',
    }


@pytest.mark.parametrize(
    ("line", "flat"),
    [
        (rb'{"s":"cut \ud83d"}', rb'{"s":"cut \ufffd"}'),
        (rb'{"s":"\uDE00 and \uD83D\uDE00"}', rb'{"s":"\ufffd and \uD83D\uDE00"}'),
        (rb'{"s":"\ud83d\ud83d\ude00"}', rb'{"s":"\ufffd\ud83d\ude00"}'),
        (rb'{"s":"C:\\udata \\\ud800"}', rb'{"s":"C:\\udata \\\ufffd"}'),
    ],
)
def test_half_a_surrogate_pair_is_replaced(line: bytes, flat: bytes) -> None:
    assert flatten_line(line) == flat
