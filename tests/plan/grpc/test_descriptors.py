"""Descriptors: looked up, pruned, carried as text."""

from __future__ import annotations

import base64
import zlib

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from benchlab.errors import InputError
from benchlab.plan.grpc import descriptors
from benchlab.plan.grpc.descriptors import Descriptors, split_name


def files_of(given: Descriptors) -> list[str]:
    return [file.name for file in FileDescriptorSet.FromString(given.data).file]


@pytest.mark.parametrize(
    ("name", "streams"),
    [
        ("shop.Orders/Place", (False, False)),
        ("shop.Orders/Watch", (False, True)),
        ("shop.Orders/Upload", (True, False)),
        ("shop.Orders/Talk", (True, True)),
        ("shop.Orders.Talk", (True, True)),
    ],
)
def test_a_method_says_what_it_takes_and_returns(
    orders: Descriptors, name: str, streams: tuple[bool, bool]
) -> None:
    found = orders.method(name)
    assert (found.takes_stream, found.returns_stream) == streams
    assert found.name == "/".join(split_name(name))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("shop.Orders/Plaec", "did you mean Place? methods there: Place, Talk, Upload, Watch"),
        ("shop.Order/Place", "did you mean shop.Orders? services there: shop.Orders, shop.Stock"),
        ("Orders/Place", "did you mean shop.Orders?"),
        ("shop.Orders/Zzz", "shop.Orders has no method 'Zzz': methods there: Place"),
    ],
)
def test_an_unknown_name_is_refused_with_those_there_are(
    orders: Descriptors, name: str, expected: str
) -> None:
    with pytest.raises(InputError) as caught:
        orders.method(name)
    assert expected in str(caught.value)
    assert caught.value.field == "url"


def test_files_come_after_those_they_import_and_without_protobufs_own(orders: Descriptors) -> None:
    assert files_of(orders) == ["shop/common.proto", "shop/orders.proto"]
    data = FileDescriptorSet.FromString(orders.data)
    backwards = FileDescriptorSet(file=reversed(data.file)).SerializeToString()
    assert Descriptors.of_set(backwards).data == orders.data


def test_a_service_carries_only_the_files_it_needs(modern: Descriptors) -> None:
    assert files_of(modern) == ["legacy.proto", "modern.proto"]
    assert files_of(modern.of_service("legacy.Lookup")) == ["legacy.proto"]
    assert files_of(modern.of_service("modern.Sensors")) == ["legacy.proto", "modern.proto"]


def test_what_is_carried_has_no_comments(orders: Descriptors) -> None:
    data = FileDescriptorSet.FromString(orders.data)
    data.file[0].source_code_info.location.add(leading_comments="a long story")
    noted = Descriptors.of_set(data.SerializeToString())
    assert b"a long story" in noted.data
    assert b"a long story" not in noted.of_service("shop.Orders").data


def test_they_survive_as_text_that_is_small(orders: Descriptors) -> None:
    text = orders.to_text()
    said = (orders.source, orders.import_paths, orders.streaming)
    assert Descriptors.from_text(text, *said) == orders
    assert len(text) < len(orders.data)


@pytest.mark.parametrize(
    "text", ["!", base64.b64encode(b"no zlib").decode(), "eNpj"], ids=["base64", "zlib", "cut off"]
)
def test_damaged_text_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="descriptors"):
        Descriptors.from_text(text)


def test_a_set_without_what_it_imports_is_refused_by_name(orders: Descriptors) -> None:
    data = FileDescriptorSet.FromString(orders.data)
    del data.file[0]
    with pytest.raises(InputError, match=r"lacks shop/common.proto, which shop/orders.proto"):
        Descriptors.of_set(data.SerializeToString())


def test_files_that_import_each_other_are_refused() -> None:
    data = FileDescriptorSet()
    data.file.add(name="a.proto", dependency=["b.proto"])
    data.file.add(name="b.proto", dependency=["a.proto"])
    with pytest.raises(InputError, match="import each other"):
        Descriptors.of_set(data.SerializeToString())


@pytest.mark.parametrize("data", [b"\xff\xff", b"not a set"])
def test_something_else_is_no_descriptor_set(data: bytes) -> None:
    with pytest.raises(InputError, match="--include_imports"):
        Descriptors.of_set(data)


def test_a_message_of_an_unknown_type_is_refused() -> None:
    data = FileDescriptorSet()
    message = data.file.add(name="a.proto").message_type.add(name="A")
    message.field.add(name="b", number=1, type="TYPE_MESSAGE", label=1, type_name=".Nowhere")
    with pytest.raises(InputError, match=r"a\.proto cannot be used"):
        Descriptors.of_set(data.SerializeToString())


def test_text_that_would_fill_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descriptors, "_MAX_BYTES", 1_000)
    bomb = base64.b64encode(zlib.compress(bytes(1_001), 9)).decode()
    with pytest.raises(InputError, match="more than 1000 B"):
        Descriptors.from_text(bomb)
