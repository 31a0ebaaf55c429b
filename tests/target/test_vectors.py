"""The service's responses: right results, and a clear error for each invalid input."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from tests.target.server import ADD, SUB, serving


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with (
        serving(tmp_path_factory.mktemp("target")) as server,
        httpx.Client(base_url=server.url) as client,
    ):
        yield client


def complaints(response: httpx.Response, status: int = 422) -> list[str]:
    """The messages of a 422 response, after checking its format."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    detail = response.json()["detail"]
    assert all(set(fault) == {"type", "loc", "msg"} for fault in detail)
    return [fault["msg"] for fault in detail]


@pytest.mark.parametrize(
    ("path", "a", "b", "result"),
    [
        (ADD, [1, 2], [3, 4.5], [4.0, 6.5]),
        (SUB, [1, 2], [3, 4.5], [-2.0, -2.5]),
        (ADD, [], [], []),
        (ADD, [0.1], [0.2], [0.1 + 0.2]),
        (SUB, [-1e308], [-1e308], [0.0]),
    ],
)
def test_results(
    client: httpx.Client, path: str, a: list[float], b: list[float], result: list[float]
) -> None:
    response = client.post(path, json={"a": a, "b": b})
    assert response.status_code == 200
    assert response.json() == {"result": result}
    assert all(isinstance(number, float) for number in response.json()["result"])


def test_the_content_type_may_be_left_out(client: httpx.Client) -> None:
    response = client.post(ADD, content='{"a": [1], "b": [2]}')
    assert "content-type" not in response.request.headers
    assert response.json() == {"result": [3.0]}


def test_longest_vectors_are_served(client: httpx.Client) -> None:
    response = client.post(ADD, json={"a": [1.5] * 10_000, "b": [1.0] * 10_000})
    assert response.json() == {"result": [2.5] * 10_000}


@pytest.mark.parametrize("path", [ADD, SUB])
def test_unequal_lengths_are_in_the_message(client: httpx.Client, path: str) -> None:
    (message,) = complaints(client.post(path, json={"a": [1, 2, 3], "b": [4]}))
    assert "a has length 3" in message
    assert "b has length 1" in message


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"a": [NaN], "b": [1]}', "finite"),
        ('{"a": [1], "b": [-Infinity]}', "finite"),
        ('{"a": [1e999], "b": [1]}', "finite"),
        ('{"a": ["1"], "b": [1]}', "valid number"),
        ('{"a": [true], "b": [1]}', "valid number"),
        ('{"a": [null], "b": [1]}', "valid number"),
        ('{"a": [[1]], "b": [1]}', "valid number"),
        ('{"a": 1, "b": [1]}', "valid list"),
        ('{"a": [1]}', "required"),
        ("[1, 2]", "valid dictionary"),
        ("{", "JSON decode error"),
        ("", "required"),
    ],
)
def test_wrong_input_is_refused(client: httpx.Client, body: str, expected: str) -> None:
    assert expected in " ".join(complaints(client.post(ADD, content=body)))


def test_an_integer_beyond_a_double_is_refused(client: httpx.Client) -> None:
    (message,) = complaints(client.post(ADD, content=f'{{"a": [1{"0" * 400}], "b": [1]}}'))
    assert "valid number" in message


def test_a_result_beyond_a_double_is_refused(client: httpx.Client) -> None:
    (message,) = complaints(client.post(ADD, json={"a": [1, 1e308], "b": [1, 1e308]}))
    assert "index 1" in message
    assert "1e+308" in message


def test_a_too_long_vector_gets_the_limit_and_is_not_echoed(client: httpx.Client) -> None:
    response = client.post(ADD, json={"a": [1.0] * 10_001, "b": [1.0] * 10_001})
    messages = complaints(response)
    assert len(messages) == 2
    assert all("10000" in message for message in messages)
    assert len(response.content) < 1000


def test_ten_thousand_bad_elements_are_one_error(client: httpx.Client) -> None:
    body = json.dumps({"a": [float("nan")] * 10_000, "b": [1.0] * 10_000})
    (message,) = complaints(client.post(ADD, content=body))
    assert "finite" in message


def test_a_huge_body_is_refused_unread(client: httpx.Client) -> None:
    response = client.post(ADD, content=b" " * (16 * 1024 * 1024 + 1))
    assert (response.status_code, response.text) == (413, "Content Too Large")


def test_health(client: httpx.Client) -> None:
    response = client.get("/health")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/api/vector/mul", 404),
        ("GET", "/docs", 404),
        ("GET", ADD, 405),
    ],
)
def test_unknown_routes_respond_in_json(
    client: httpx.Client, method: str, path: str, status: int
) -> None:
    response = client.request(method, path)
    assert response.status_code == status
    assert set(response.json()) == {"detail"}


def test_limits_are_in_the_api_description(client: httpx.Client) -> None:
    schema = client.get("/openapi.json").json()["components"]["schemas"]["VectorPair"]
    assert schema["properties"]["a"]["maxItems"] == 10_000
