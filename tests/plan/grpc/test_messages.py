"""Messages from JSON, and back."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from google.protobuf.json_format import MessageToJson
from hypothesis import given, settings
from hypothesis import strategies as st

from benchlab.errors import InputError
from benchlab.plan.grpc.descriptors import Descriptors
from benchlab.plan.grpc.messages import decoder, encoder, fill_message, json_of, message_text

ORDER = "shop.Orders/Place"


def encoded(descriptors: Descriptors, message: Any, method: str = ORDER) -> Any:
    """The message that is sent for ``message``, parsed again by protobuf."""
    takes = descriptors.method(method).takes
    return takes.FromString(encoder(descriptors, takes)(message_text(message)))


def test_every_kind_of_field_is_written_as_protobufs_json_has_it(orders: Descriptors) -> None:
    order = encoded(
        orders,
        {
            "id": str(-(2**63)),
            "serial": 2**64 - 1,
            "weight": "Infinity",
            "rating": 1.5,
            "paid": True,
            "seal": b"\x00\xff",
            "lines": [{"article": "tea", "count": 2, "parts": [{"price": {"currency": "YEN"}}]}],
            "discounts": {"eve": {"units": "5"}},
            "notes": {"-1": "below"},
            "locker": 7,
            "placedAt": "2026-01-02T03:04:05.000000006Z",
            "patience": "1.5s",
            "extra": {"any": ["thing", None]},
            "coupon": "X",
            "attachment": {"@type": "type.googleapis.com/shop.Query", "text": "in an Any"},
            "mood": -3,
            "values": [1, 2.5],
            "accepted": ["EUR", 2],
        },
    )
    assert (order.id, order.serial, order.seal) == (-(2**63), 2**64 - 1, b"\x00\xff")
    assert math.isinf(order.weight)
    assert order.lines[0].parts[0].price.currency == 2
    assert order.discounts["eve"].units == 5
    assert order.notes[-1] == "below"
    assert order.WhichOneof("delivery") == "locker"
    assert order.placed_at.nanos == 6
    assert order.patience.nanos == 500_000_000
    assert order.extra["any"][0] == "thing"
    assert order.coupon.value == "X"
    assert order.attachment.type_url.endswith("shop.Query")
    assert (order.mood, list(order.values), list(order.accepted)) == (-3, [1, 2.5], [1, 2])


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ({"idd": 1}, "idd"),
        ({"lines": [{"price": {"unit": 1}}]}, "lines[0].price"),
        ({"lines": [{"count": -1}]}, "lines.count"),
        ({"id": 2**63}, "id"),
        ({"id": "x"}, "id"),
        ({"paid": "true"}, "paid"),
        ({"accepted": ["DOLLAR"]}, "accepted[0]"),
        ({"placedAt": "yesterday"}, "placedAt"),
        ({"address": "a", "locker": 1}, "delivery"),
        ({"values": 1}, "values"),
        ({"lines": {"article": "x"}}, "lines"),
        ({"discounts": {"a": {"units": "x"}}}, "discounts"),
        ({"lines": [{"article": 5}]}, "article"),
        ({"attachment": {"@type": "type.googleapis.com/no.Such"}}, "attachment"),
        ('{"id": 1, "id": 2}', "id"),
    ],
)
def test_a_message_that_does_not_fit_is_refused_with_the_field(
    orders: Descriptors, message: Any, named: str
) -> None:
    with pytest.raises(InputError) as caught:
        encoded(orders, message)
    assert caught.value.field == "message"
    assert "shop.Order" in str(caught.value)
    assert named in str(caught.value)


@pytest.mark.parametrize("text", ["[]", "[1]", "null", "5", '"x"', "[" * 5000, '{"lines": 5}'])
def test_json_that_is_no_message_is_refused(orders: Descriptors, text: str) -> None:
    encode = encoder(orders, orders.method(ORDER).takes)
    if text == "[]":  # protobuf takes an empty list for an empty object
        assert encode(text.encode()) == b""
        return
    with pytest.raises(InputError) as caught:
        encode(text.encode())
    assert caught.value.field == "message"


def test_a_required_field_of_proto2_that_is_missing_is_named(modern: Descriptors) -> None:
    with pytest.raises(InputError, match=r"origin\.key"):
        encoded(modern, {"origin": {"limit": 1}}, "modern.Sensors/Report")


def test_editions_proto2_groups_and_extensions_are_understood(modern: Descriptors) -> None:
    origin = {"key": "a", "inner": {"deep": True}, "[legacy.tenant]": "x"}
    reading = encoded(modern, {"sensor": "", "origin": origin}, "modern.Sensors/Report")
    assert reading.HasField("sensor")  # editions have explicit presence
    assert reading.origin.inner.deep
    takes = modern.method("modern.Sensors/Report").takes
    read = json.loads(decoder(modern, takes)(reading.SerializeToString()))
    assert read == {"sensor": "", "value": "0", "origin": origin}


def test_a_response_has_its_default_values_and_names_in_camel_case(orders: Descriptors) -> None:
    order = orders.method(ORDER).returns
    read = json.loads(decoder(orders, order)(b""))
    assert read["id"] == "0"
    assert read["lines"] == []
    assert "placedAt" not in read  # a message is there or not
    assert "mood" not in read  # optional


@pytest.mark.parametrize("data", [b"\xff", b"\x0a\x05ab", b"\x12\x01\xff"])
def test_a_response_that_is_no_message_is_reported(orders: Descriptors, data: bytes) -> None:
    decode = decoder(orders, orders.method("shop.Stock/Count").returns)
    if data == b"\x12\x01\xff":
        assert json.loads(decode(data)) == {"text": ""}  # an unknown field is no error
        return
    with pytest.raises(ValueError, match=r"shop\.Query"):
        decode(data)


def test_an_any_of_an_unknown_type_has_no_json(orders: Descriptors) -> None:
    order = orders.method(ORDER).returns
    made = order()
    made.attachment.type_url = "type.googleapis.com/no.Such"  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="no JSON"):
        decoder(orders, order)(made.SerializeToString())


def test_the_messages_of_a_stream_are_an_array() -> None:
    assert json_of([b'{"a": 1}', b"{}"], is_stream=True) == b'[{"a": 1},{}]'
    assert json_of([b'{"a": 1}'], is_stream=False) == b'{"a": 1}'
    assert json_of([], is_stream=False) == b""


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({}, b"{}"),
        ("", b"{}"),
        (b' {"a": 1}\n', b'{"a": 1}'),
        ({"raw": b"\x00\x01", "name": "é"}, '{"raw":"AAE=","name":"é"}'.encode()),
    ],
)
def test_a_message_is_written_as_json(message: Any, text: bytes) -> None:
    assert message_text(message) == text


def test_a_message_of_generated_code_is_written_as_json(orders: Descriptors) -> None:
    query = orders.method("shop.Stock/Count").takes
    assert json.loads(message_text(query(text="x"))) == {"text": "x"}


@pytest.mark.parametrize("message", [5, ["a"], None, {"a": object()}, {"a": float("nan")}])
def test_what_is_no_message_is_refused(message: Any) -> None:
    with pytest.raises(InputError) as caught:
        message_text(message)
    assert caught.value.field == "message"


@pytest.mark.parametrize(
    ("text", "values", "filled"),
    [
        ('{"id": "{{id}}"}', {"id": 7}, '{"id": "7"}'),
        ('{"id": {{id}}}', {"id": 7}, '{"id": 7}'),
        ('{"values": "{{v}}"}', {"v": [1, 2]}, '{"values": [1,2]}'),
        ('{"paid": "{{p}}"}', {"p": True}, '{"paid": true}'),
        ('{"coupon": "{{c}}"}', {"c": None}, '{"coupon": null}'),
        ('{"address": "to \\"{{a}}\\""}', {"a": 'x"y'}, '{"address": "to \\"x\\"y\\""}'),
        ('{"address": "{{other}}"}', {"a": [1]}, '{"address": "{{other}}"}'),
        ('{"weight": "{{w}}"}', {"w": 1.5}, '{"weight": "1.5"}'),
    ],
)
def test_fields_of_a_message_are_filled(text: str, values: dict[str, Any], filled: str) -> None:
    assert fill_message(text.encode(), values).decode() == filled


FLOATS = st.floats(allow_nan=False, width=32)
MONEY = st.fixed_dictionaries(
    {}, optional={"units": st.integers(-(2**63), 2**63 - 1), "currency": st.integers(0, 2)}
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
LINE = st.recursive(
    st.fixed_dictionaries({}, optional={"article": TEXT, "price": MONEY}),
    lambda parts: st.fixed_dictionaries({"parts": st.lists(parts, max_size=2)}),
    max_leaves=4,
)
ORDERS = st.fixed_dictionaries(
    {},
    optional={
        "id": st.integers(-(2**63), 2**63 - 1),
        "serial": st.integers(0, 2**64 - 1),
        "weight": st.floats(allow_nan=False),
        "rating": FLOATS,
        "paid": st.booleans(),
        "seal": st.binary(max_size=8),
        "lines": st.lists(LINE, max_size=2),
        "discounts": st.dictionaries(TEXT, MONEY, max_size=2),
        "notes": st.dictionaries(st.integers(-(2**31), 2**31 - 1), TEXT, max_size=2),
        "address": TEXT,
        "mood": st.integers(-(2**31), 2**31 - 1),
        "values": st.lists(st.floats(allow_nan=False), max_size=3),
        "accepted": st.lists(st.integers(0, 2), max_size=3),
        "stamp": st.integers(0, 2**64 - 1),
    },
)


@given(values=ORDERS)
@settings(deadline=None, max_examples=60)
def test_json_and_message_are_the_same(orders: Descriptors, values: dict[str, Any]) -> None:
    kind = orders.method(ORDER).takes
    sent = kind(**values)
    binary = sent.SerializeToString(deterministic=True)
    encode, decode = encoder(orders, kind), decoder(orders, kind)
    assert encode(decode(binary)) == binary
    assert encode(MessageToJson(sent, preserving_proto_field_name=True).encode()) == binary
