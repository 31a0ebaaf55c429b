"""How a call ended, from its trailers or from what stands in for them."""

from __future__ import annotations

import grpc
import pytest

from benchlab.load.drivers.grpc import statuses
from benchlab.load.drivers.grpc.deadlines import encode_timeout
from benchlab.samples.records import ErrorKind

UNKNOWN = ErrorKind.GRPC_UNKNOWN
INTERNAL = ErrorKind.GRPC_INTERNAL
UNAVAILABLE = ErrorKind.GRPC_UNAVAILABLE


@pytest.mark.parametrize("code", list(grpc.StatusCode), ids=lambda code: str(code.name))
def test_every_status_of_grpc_is_a_kind_of_its_own(code: grpc.StatusCode) -> None:
    kind, message = statuses.parse_status(str(code.value[0]), "why%20not")
    assert kind.grpc_status == ("" if code is grpc.StatusCode.OK else code.name)
    assert message == "why not"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("17", "grpc-status is 17, which is none of gRPC's: so it is"),
        ("4294967296", "grpc-status is 4294967296, which is none of gRPC's: so it is"),
        ("-1", "grpc-status is '-1', not a number: so it is"),
        ("", "grpc-status is '', not a number: so it is"),
        ("²", "grpc-status is '²', not a number: so it is"),
    ],
)
def test_a_status_that_cannot_be_read_is_unknown(value: str, why: str) -> None:
    assert statuses.parse_status(value, "so it is") == (UNKNOWN, why)


@pytest.mark.parametrize(
    ("encoded", "text"),
    [
        ("plain", "plain"),
        ("100%25", "100%"),
        ("100% %zz %4", "100% %zz %4"),
        ("%E2%82%AC", "€"),
        ("%FF", "\ufffd"),
    ],
)
def test_the_status_message_is_percent_decoded(encoded: str, text: str) -> None:
    assert statuses.decode_message(encoded) == text


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, UNKNOWN),
        (400, INTERNAL),
        (401, ErrorKind.GRPC_UNAUTHENTICATED),
        (403, ErrorKind.GRPC_PERMISSION_DENIED),
        (404, ErrorKind.GRPC_UNIMPLEMENTED),
        (415, UNKNOWN),
        (429, UNAVAILABLE),
        (431, INTERNAL),
        (500, UNKNOWN),
        (502, UNAVAILABLE),
        (503, UNAVAILABLE),
        (504, UNAVAILABLE),
    ],
)
def test_an_http_status_stands_in_for_a_missing_one(status: int, kind: ErrorKind) -> None:
    assert statuses.of_http_status(status) is kind


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (0, INTERNAL),
        (1, INTERNAL),
        (2, INTERNAL),
        (3, INTERNAL),
        (7, UNAVAILABLE),
        (8, ErrorKind.GRPC_CANCELLED),
        (11, ErrorKind.GRPC_RESOURCE_EXHAUSTED),
        (12, ErrorKind.GRPC_PERMISSION_DENIED),
        (99, INTERNAL),
    ],
)
def test_the_code_of_a_reset_stream_stands_in_for_it_too(code: int, kind: ErrorKind) -> None:
    assert statuses.of_reset(code) is kind


def test_the_content_type_tells_gRPC_from_a_page() -> None:
    for good in ("application/grpc", "application/grpc+proto", "application/grpc;charset=utf-8"):
        assert statuses.content_fault(good) == ""
    for bad in (None, "text/html", "application/grpcs", "application/json"):
        assert statuses.content_fault(bad)


@pytest.mark.parametrize(
    ("timeout_ns", "header"),
    [
        (1, "1n"),
        (0, "1n"),
        (99_999_999, "99999999n"),
        (100_000_000, "100000u"),
        (100_000_001, "100001u"),
        (30_000_000_000, "30000000u"),
        (100_000_000_000, "100000m"),
        (10**8 * 10**9, "1666667M"),
    ],
)
def test_a_deadline_has_at_most_eight_digits(timeout_ns: int, header: str) -> None:
    assert encode_timeout(timeout_ns) == header
