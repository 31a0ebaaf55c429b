"""Every check, passing and failing, as tables."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from hypothesis import given
from hypothesis import strategies as st

from benchlab import (
    BodyContains,
    BodyEquals,
    BodyMatches,
    GrpcRequest,
    GrpcStatusIn,
    JsonEquals,
    MaxBody,
    Request,
    StatusIn,
)
from benchlab.load.drivers.checking import BODY_CAP_BYTES, check_status, make_checker
from benchlab.plan.checks import Check
from benchlab.plan.grpc.descriptors import Descriptors
from benchlab.samples.samples import ErrorKind
from target.rpc.vectors_pb2 import DESCRIPTOR, PartialSum, Result
from tests.plan.test_checks import json_values

DOCUMENT = {
    "data": {"items": [{"id": 7, "ok": True}, {"id": None}], "a.b": "x", "0": "zero"},
    "n": 1.0,
    "text": "grün",
}
BODY = json.dumps(DOCUMENT, ensure_ascii=False).encode()


def evaluate(
    checks: Check | list[Check], status: int = 200, body: bytes = BODY, encoding: str = ""
) -> tuple[ErrorKind, str]:
    checker = make_checker(Request("GET", "http://localhost/", checks=checks))
    assert checker is not None
    return checker.evaluate(status, body, len(body), encoding)


@pytest.mark.parametrize(
    "check",
    [
        StatusIn(200),
        BodyContains("grün"),
        BodyEquals(BODY.decode()),
        BodyMatches(r'"id": \d'),
        BodyMatches("(?i)GRÜN"),
        BodyMatches(""),
        JsonEquals("data.items.0.id", 7),
        JsonEquals("data.items.0.id", 7.0),
        JsonEquals("data.items.0.ok", True),
        JsonEquals("data.items.1", {"id": None}),
        JsonEquals("data.items.1.id", None),
        JsonEquals(r"data.a\.b", "x"),
        JsonEquals("data.0", "zero"),
        JsonEquals("n", 1),
        JsonEquals("data.items", [{"ok": True, "id": 7}, {"id": None}]),
        MaxBody(len(BODY)),
    ],
    ids=repr,
)
def test_a_check_that_holds(check: Check) -> None:
    assert evaluate(check) == (ErrorKind.OK, "")


@pytest.mark.parametrize(
    ("check", "why"),
    [
        (StatusIn(201, 204), "the status is 200, not 201 or 204"),
        (BodyContains("blue"), 'the body does not contain "blue"'),
        (BodyEquals("{}"), 'the body is "{'),
        (BodyMatches(r"^\d+$"), r'the body does not match "^\\d+$"'),
        (JsonEquals("data.items.0.id", 8), "data.items.0.id is 7, not 8"),
        (JsonEquals("data.items.0.id", "7"), 'data.items.0.id is 7, not "7"'),
        (JsonEquals("data.items.0.ok", 1), "data.items.0.ok is true, not 1"),
        (JsonEquals("data.items.0.id", True), "is 7, not true"),
        (JsonEquals("data.items.1", {"id": 0}), 'is {"id": null}, not {"id": 0}'),
        (JsonEquals("data.items.1", {}), 'is {"id": null}, not {}'),
        (JsonEquals("data.items", []), "not []"),
        (JsonEquals("data.items.2.id", 1), 'which has no "2"'),
        (JsonEquals("data.items.-1.id", 1), 'which has no "-1"'),
        (JsonEquals("data.items.99999999999999999999", 1), "which has no"),
        (JsonEquals("data.other", 1), 'which has no "other"'),
        (JsonEquals("text.0", "g"), 'text is "grün", which has no "0"'),
        (JsonEquals("missing", None), 'which has no "missing"'),
        (MaxBody(10), f"the body has {len(BODY):,} bytes, more than 10"),
    ],
    ids=repr,
)
def test_a_check_that_fails_says_what_was_found(check: Check, why: str) -> None:
    error, message = evaluate(check)
    assert error is ErrorKind.CHECK
    assert why in message


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "the body is empty, not JSON"),
        (b"<html>", "the body is not JSON"),
        (b"\xff\xfe", "the body is not JSON"),
        (b"[" * 100_000, "the body is not JSON"),
        (b'{"a": 1', "the body is not JSON"),
        (b"1" * 5_000, "the body is not JSON"),
    ],
)
def test_a_body_that_is_not_json_fails_its_checks(body: bytes, why: str) -> None:
    error, message = evaluate(JsonEquals("a", 1), body=body)
    assert error is ErrorKind.CHECK
    assert why in message


@pytest.mark.parametrize(
    ("checks", "status", "error"),
    [
        ([BodyContains("x")], 404, ErrorKind.STATUS),
        ([MaxBody(5)], 500, ErrorKind.STATUS),
        ([BodyContains("x")], 399, ErrorKind.OK),
        ([StatusIn(404)], 404, ErrorKind.OK),
        ([StatusIn(404)], 200, ErrorKind.CHECK),
        ([StatusIn(404)], 500, ErrorKind.CHECK),
        ([StatusIn(200, 404), StatusIn(404, 500)], 404, ErrorKind.OK),
        ([StatusIn(200, 404), StatusIn(404, 500)], 200, ErrorKind.CHECK),
        ([StatusIn(404), BodyContains("y")], 404, ErrorKind.CHECK),
        ([StatusIn(404), BodyContains("x")], 404, ErrorKind.OK),
        ([BodyContains("x"), BodyContains("y")], 200, ErrorKind.CHECK),
        ([MaxBody(5), MaxBody(0)], 200, ErrorKind.CHECK),
    ],
)
def test_all_checks_must_hold_and_the_status_is_first(
    checks: list[Check], status: int, error: ErrorKind
) -> None:
    assert evaluate(checks, status, b"x")[0] is error


def test_no_checks_need_no_checker() -> None:
    assert make_checker(Request("GET", "http://localhost/")) is None
    assert check_status(399) == (ErrorKind.OK, "")
    assert check_status(400) == (ErrorKind.STATUS, "the status is 400")


@pytest.mark.parametrize(
    ("checks", "needs_body", "keep_bytes"),
    [
        ([StatusIn(200), MaxBody(5)], False, 0),
        ([BodyContains("x")], True, BODY_CAP_BYTES),
        ([BodyContains("x"), MaxBody(5)], True, 5),
        ([BodyEquals("x"), MaxBody(10**12)], True, BODY_CAP_BYTES),
    ],
)
def test_only_the_part_of_a_body_that_checks_need_is_collected(
    checks: list[Check], needs_body: bool, keep_bytes: int
) -> None:
    checker = make_checker(Request("GET", "http://localhost/", checks=checks))
    assert checker is not None
    assert (checker.needs_body, checker.keep_bytes) == (needs_body, keep_bytes)


def test_a_body_over_the_cap_fails_with_a_message() -> None:
    checker = make_checker(Request("GET", "http://localhost/", checks=BodyContains("x")))
    assert checker is not None
    error, message = checker.evaluate(200, b"x", BODY_CAP_BYTES + 1)
    assert error is ErrorKind.CHECK
    assert "16.0 MiB at most" in message
    assert checker.evaluate(200, b"x", BODY_CAP_BYTES) == (ErrorKind.OK, "")


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(BODY, mtime=0), "gzip"),
        (gzip.compress(BODY[:9], mtime=0) + gzip.compress(BODY[9:], mtime=0), "GZip"),
        (zlib.compress(BODY), "deflate"),
        (raw_deflate(BODY), "deflate"),
        (BODY, "identity"),
    ],
)
def test_compressed_bodies_are_decompressed(body: bytes, encoding: str) -> None:
    assert evaluate(BodyEquals(BODY.decode()), body=body, encoding=encoding) == (ErrorKind.OK, "")


@pytest.mark.parametrize(
    ("body", "encoding", "why"),
    [
        (BODY, "br", 'compressed as "br", which checks cannot read: ask for gzip'),
        (gzip.compress(BODY, mtime=0), "gzip, br", "cannot read"),
        (BODY, "gzip", "not valid gzip, its Content-Encoding"),
        (gzip.compress(BODY, mtime=0)[:-9], "gzip", "ends in the middle of its gzip data"),
    ],
)
def test_a_body_that_cannot_be_decompressed_fails_with_a_message(
    body: bytes, encoding: str, why: str
) -> None:
    error, message = evaluate(BodyContains("x"), body=body, encoding=encoding)
    assert error is ErrorKind.CHECK
    assert why in message


@pytest.mark.parametrize("size", [BODY_CAP_BYTES + 1, 10**8])
def test_a_body_that_is_too_large_once_decompressed_fails_with_a_message(size: int) -> None:
    body = gzip.compress(b"x" * size, 1, mtime=0)
    error, message = evaluate(BodyContains("x"), body=body, encoding="gzip")
    assert error is ErrorKind.CHECK
    assert "more than 16.0 MiB" in message


def test_the_size_is_that_of_the_transfer() -> None:
    body = gzip.compress(b"x" * 1000)
    checks: list[Check] = [MaxBody(len(body)), BodyContains("x" * 1000)]
    assert evaluate(checks, body=body, encoding="gzip") == (ErrorKind.OK, "")


@given(json_values)
def test_any_json_equals_itself_and_not_itself_in_a_list(value: Any) -> None:
    body = json.dumps({"a": value}).encode()
    assert evaluate(JsonEquals("a", value), body=body)[0] is ErrorKind.OK
    assert evaluate(JsonEquals("a", [value]), body=body)[0] is ErrorKind.CHECK


@given(st.binary(max_size=50), st.sampled_from(["", "gzip", "deflate", "br"]))
def test_no_body_makes_a_checker_raise(body: bytes, encoding: str) -> None:
    checks: list[Check] = [BodyMatches("a"), JsonEquals("a.0", 1), BodyEquals("x")]
    assert evaluate(checks, body=body, encoding=encoding)[0] is ErrorKind.CHECK


VECTORS = Descriptors.of_set(
    FileDescriptorSet(
        file=[FileDescriptorProto.FromString(DESCRIPTOR.serialized_pb)]
    ).SerializeToString()
)
NOT_FOUND = ErrorKind.GRPC_NOT_FOUND
SUM = Result(result=[3, 7]).SerializeToString()
SUMS = [PartialSum(count=count, sum=count / 2).SerializeToString() for count in (1, 2)]


def evaluate_call(
    checks: list[Check], ended: ErrorKind, messages: list[bytes], method: str = "Add"
) -> tuple[ErrorKind, str]:
    request = GrpcRequest(f"benchlab.Vectors/{method}", checks=checks).described_by(VECTORS)
    checker = make_checker(request)
    assert checker is not None
    return checker.evaluate_call(ended, "no such pair", messages, sum(map(len, messages)))


@pytest.mark.parametrize(
    ("checks", "ended", "messages", "method"),
    [
        ([JsonEquals("result", [3, 7])], ErrorKind.OK, [SUM], "Add"),
        ([JsonEquals("result.1", 7), MaxBody(100)], ErrorKind.OK, [SUM], "Add"),
        ([JsonEquals("1.sum", 1), JsonEquals("0.count", 1)], ErrorKind.OK, SUMS, "PartialSums"),
        ([GrpcStatusIn("NOT_FOUND")], NOT_FOUND, [], "Add"),
        ([GrpcStatusIn("NOT_FOUND", "OK"), MaxBody(100)], ErrorKind.OK, [SUM], "Add"),
    ],
)
def test_checks_of_a_call_that_hold(
    checks: list[Check], ended: ErrorKind, messages: list[bytes], method: str
) -> None:
    assert evaluate_call(checks, ended, messages, method) == (ErrorKind.OK, "")


@pytest.mark.parametrize(
    ("checks", "ended", "messages", "kind", "why"),
    [
        ([MaxBody(100)], NOT_FOUND, [], NOT_FOUND, "no such pair"),
        (
            [GrpcStatusIn("NOT_FOUND")],
            ErrorKind.GRPC_INTERNAL,
            [],
            ErrorKind.CHECK,
            "the status is grpc:INTERNAL, not grpc:NOT_FOUND (no such pair)",
        ),
        (
            [JsonEquals("result.0", 4)],
            ErrorKind.OK,
            [SUM],
            ErrorKind.CHECK,
            "result.0 is 3.0, not 4",
        ),
        ([MaxBody(3)], ErrorKind.OK, [SUM], ErrorKind.CHECK, "the body has 18 bytes, more than 3"),
        (
            [BodyContains("x")],
            ErrorKind.OK,
            [b"\xff"],
            ErrorKind.CHECK,
            "the message is no benchlab.Result",
        ),
    ],
)
def test_checks_of_a_call_that_fail(
    checks: list[Check], ended: ErrorKind, messages: list[bytes], kind: ErrorKind, why: str
) -> None:
    error, found = evaluate_call(checks, ended, messages)
    assert (error, found[: len(why)]) == (kind, why)
