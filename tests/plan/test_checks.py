from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
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
from benchlab.errors import InputError
from benchlab.plan.checks import Check, check_from_dict, check_to_dict, split_path
from tests.runs.synthetic import URL

texts = st.text(st.characters(codec="utf-8"), max_size=20)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
paths = st.lists(texts.filter(bool), min_size=1, max_size=4).map(
    lambda parts: ".".join(part.replace("\\", "\\\\").replace(".", "\\.") for part in parts)
)
checks = st.one_of(
    st.lists(st.integers(200, 599), min_size=1, max_size=5).map(lambda found: StatusIn(*found)),
    st.builds(BodyContains, texts.filter(bool)),
    st.builds(BodyEquals, texts),
    st.builds(BodyMatches, st.sampled_from([r"\d+", "(?i)ok", "^a.b$", ""])),
    st.builds(JsonEquals, paths, json_values),
    st.builds(MaxBody, st.integers(0, 2**60)),
)


@given(checks)
def test_a_check_survives_json_unchanged(check: Check) -> None:
    read = check_from_dict(json.loads(json.dumps(check_to_dict(check))))
    assert read == check
    assert hash(read) == hash(check)
    assert check.describe()


@given(st.lists(checks, max_size=4))
def test_a_request_survives_json_with_its_checks(found: list[Check]) -> None:
    request = Request("GET", URL, checks=found)
    assert request.checks == tuple(found)
    assert Request.from_dict(json.loads(json.dumps(request.to_dict()))) == request


def test_request_json_without_checks_has_none() -> None:
    data = Request("GET", URL).to_dict()
    del data["checks"]
    assert Request.from_dict(data).checks == ()


def test_a_single_check_needs_no_brackets() -> None:
    assert Request("GET", URL, checks=MaxBody(1)).checks == (MaxBody(1),)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (StatusIn, "names no status"),
        (lambda: StatusIn(999), "status 999 .* from 200 to 599"),
        (lambda: StatusIn(200, 100), "status 100"),
        (lambda: StatusIn("200"), "status '200'"),  # type: ignore[arg-type]
        (lambda: StatusIn(True), "status True"),
        (lambda: BodyContains(""), "every body"),
        (lambda: BodyContains(b"x"), "needs a string"),  # type: ignore[arg-type]
        (lambda: BodyEquals("\ud800"), "UTF-8"),
        (lambda: BodyMatches("(a"), r"'\(a' is not a regular expression .* BodyContains"),
        (lambda: BodyMatches("a{99999999999999999999}"), "not a regular expression"),
        (lambda: JsonEquals("", 1), "'' is not a path"),
        (lambda: JsonEquals("a..b", 1), r"'a\.\.b' is not a path .* data\.items\.0\.id"),
        (lambda: JsonEquals(".a", 1), "is not a path"),
        (lambda: JsonEquals("a.", 1), "is not a path"),
        (lambda: JsonEquals("a\\x", 1), "is not a path"),
        (lambda: JsonEquals("a\\", 1), "is not a path"),
        (lambda: JsonEquals(["a"], 1), "is not a path"),  # type: ignore[arg-type]
        (lambda: JsonEquals("a", {1, 2}), "JSON has no such value"),
        (lambda: JsonEquals("a", float("nan")), "JSON has no such value"),
        (lambda: MaxBody(-1), "size_bytes=-1"),
        (lambda: MaxBody(1.5), "size_bytes=1.5"),  # type: ignore[arg-type]
        (lambda: Request("GET", URL, checks=[200]), "checks holds 200"),  # type: ignore[list-item]
    ],
)
def test_invalid_check_error_names_the_reason(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "kind None is unknown"),
        ({"kind": "length"}, "'length' is unknown: use one of body_contains"),
        ({"kind": "max_body"}, r"takes \['size_bytes'\]"),
        ({"kind": "max_body", "size_bytes": 1, "size": 2}, "takes"),
    ],
)
def test_invalid_check_in_a_dict_names_the_reason(data: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_from_dict(data)


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("a", ("a",)),
        ("data.items.0.id", ("data", "items", "0", "id")),
        (r"a\.b.c", ("a.b", "c")),
        (r"a\\.b", ("a\\", "b")),
        ("größe.-1", ("größe", "-1")),
    ],
)
def test_paths_into_json(path: str, parts: tuple[str, ...]) -> None:
    assert split_path(path) == parts


def test_a_single_status_in_a_file_needs_no_brackets() -> None:
    assert check_from_dict({"kind": "status_in", "statuses": 404}) == StatusIn(404)


def test_expected_value_is_copied() -> None:
    value = [1]
    check = JsonEquals("a", value)
    value.append(2)
    assert check.value == [1]


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (StatusIn(404), "the status is 404"),
        (StatusIn(201, 200), "the status is 200 or 201"),
        (StatusIn(404, *range(200, 300), 409), "the status is 2xx, 404 or 409"),
        (BodyContains("x" * 500), 'the body contains "' + "x" * 58 + "…"),
        (JsonEquals("a.b", None), "a.b in the JSON body is null"),
        (MaxBody(2048), "the body has at most 2.0 KiB"),
        (BodyEquals(""), "the body is empty"),
    ],
)
def test_describe_states_what_must_hold(check: Check, text: str) -> None:
    assert check.describe() == text


def test_statuses_of_grpc_are_names_in_the_order_of_their_numbers() -> None:
    check = GrpcStatusIn("grpc:NOT_FOUND", "ok", " Unavailable ")
    assert check.statuses == ("OK", "NOT_FOUND", "UNAVAILABLE")
    assert check.describe() == "the status is grpc:OK or grpc:NOT_FOUND or grpc:UNAVAILABLE"
    assert check_from_dict(json.loads(json.dumps(check_to_dict(check)))) == check
    assert check_from_dict({"kind": "grpc_status_in", "statuses": "OK"}) == GrpcStatusIn("OK")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (GrpcStatusIn, "names no status"),
        (lambda: GrpcStatusIn("NOTFOUND"), "did you mean NOT_FOUND"),
        (lambda: GrpcStatusIn("5"), "there are OK, CANCELLED"),
        (lambda: Request("GET", URL, checks=GrpcStatusIn("OK")), "use StatusIn for HTTP"),
        (lambda: GrpcRequest("a.B/C", checks=StatusIn(200)), "GrpcStatusIn for gRPC"),
    ],
)
def test_a_status_that_no_response_has_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()
