"""Descriptors from files."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from benchlab.errors import InputError
from benchlab.plan.grpc.descriptors import Descriptors
from benchlab.plan.grpc.proto_files import descriptors_of_proto, descriptors_of_set
from tests.plan.grpc.conftest import PROTOS


def test_imports_are_found_below_an_import_path_and_beside_the_file(
    orders: Descriptors, modern: Descriptors
) -> None:
    assert orders.source == str(PROTOS / "shop/orders.proto")
    assert orders.import_paths == (str(PROTOS),)
    assert modern.import_paths == ()
    assert [service.full_name for service in modern.services] == [
        "legacy.Lookup",
        "modern.Sensors",
    ]


def test_a_file_outside_of_the_import_paths_is_found_by_its_own_directory(tmp_path: Path) -> None:
    (tmp_path / "own.proto").write_text(
        'syntax = "proto3"; import "shop/common.proto";'
        "message A { shop.common.Money m = 1; } service S { rpc M(A) returns (A); }"
    )
    found = descriptors_of_proto(str(tmp_path / "own.proto"), [str(PROTOS)])
    assert found.method("S/M").takes.DESCRIPTOR.fields_by_name["m"].message_type is not None


def test_a_file_without_a_package_has_bare_names() -> None:
    assert descriptors_of_proto(str(PROTOS / "bare.proto")).method("Echo/Say").name == "Echo/Say"


def test_a_missing_import_is_refused_with_the_remedy() -> None:
    with pytest.raises(InputError, match=r"shop/common\.proto.*--import-path") as caught:
        descriptors_of_proto(str(PROTOS / "shop/orders.proto"))
    assert caught.value.field == "proto"


def test_the_compilers_message_says_where_an_error_is(tmp_path: Path) -> None:
    path = tmp_path / "bad.proto"
    path.write_text('syntax = "proto3";\nmessage A {\n  strin a = 1;\n}\n')
    with pytest.raises(InputError, match=r'bad\.proto:3:3: "strin" is not defined$'):
        descriptors_of_proto(str(path))


@pytest.mark.parametrize(
    ("path", "import_paths", "field"),
    [
        ("nowhere.proto", (), "proto"),
        (str(PROTOS), (), "proto"),
        (str(PROTOS / "bare.proto"), ["/nowhere"], "import_paths"),
    ],
)
def test_a_path_that_is_not_there_is_refused(
    path: str, import_paths: list[str], field: str
) -> None:
    with pytest.raises(InputError) as caught:
        descriptors_of_proto(path, import_paths)
    assert caught.value.field == field


def test_a_descriptor_set_is_read(orders: Descriptors, tmp_path: Path) -> None:
    path = tmp_path / "orders.pb"
    path.write_bytes(orders.data)
    found = descriptors_of_set(str(path))
    assert found.data == orders.data
    assert found.source == str(path)


def test_a_descriptor_set_that_is_none_is_refused(orders: Descriptors, tmp_path: Path) -> None:
    path = tmp_path / "orders.pb"
    with pytest.raises(InputError, match=r"orders\.pb' cannot be read \(No such file"):
        descriptors_of_set(str(path))
    path.write_text('syntax = "proto3";')
    with pytest.raises(InputError, match=r"^protoset: is not a descriptor set"):
        descriptors_of_set(str(path))
    cut = FileDescriptorSet.FromString(orders.data)
    del cut.file[0]
    path.write_bytes(cut.SerializeToString())
    with pytest.raises(InputError, match=r"^protoset: lacks shop/common\.proto"):
        descriptors_of_set(str(path))
