"""Checks over real sockets: passing, failing, and the examples of failures."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
import trustme

from benchlab import (
    BodyContains,
    BodyEquals,
    BodyMatches,
    ConstantRate,
    JsonEquals,
    MaxBody,
    Plan,
    Request,
    StatusIn,
    Transport,
    run,
)
from benchlab.load.drivers.checking import BODY_CAP_BYTES
from benchlab.plan.checks import Check
from benchlab.plan.drivers import drivers_for
from benchlab.runs.run import Run
from tests.load.servers import (
    Behaviour,
    always,
    by_path,
    chunked,
    in_pieces,
    in_turn,
    ok,
    reset,
    serving,
)

COUNT = 12
BODY = json.dumps({"data": {"items": [{"id": 7}]}, "pad": "x" * 40}).encode()
TEAPOT = b"HTTP/1.1 418 No\r\nContent-Length: 3\r\nSet-Cookie: s=secret\r\nX-Why: tea\r\n\r\ntea"


def measure(
    url: str,
    driver: str,
    checks: Sequence[Check] = (),
    method: str = "GET",
    count: int = COUNT,
    timeout_s: float = 2.0,
    warmup_s: float = 0.0,
) -> Run:
    request = Request(method, url, checks=checks, name="it")
    return run(
        Plan(
            [request],
            ConstantRate(100),
            duration_s=count / 100,
            warmup_s=warmup_s,
            timeout_s=timeout_s,
            driver=driver,
        )
    )


PASSING: dict[str, tuple[Behaviour, list[Check]]] = {
    "status": (always(ok()), [StatusIn(200)]),
    "a 404 that is expected": (
        always(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"),
        [StatusIn(404)],
    ),
    "no content": (
        always(b"HTTP/1.1 204 No Content\r\n\r\n"),
        [StatusIn(204), BodyEquals(""), MaxBody(0)],
    ),
    "contains": (always(ok(BODY)), [BodyContains('"id": 7')]),
    "all at once": (
        always(ok(BODY)),
        [
            StatusIn(200),
            BodyMatches("x{40}"),
            JsonEquals("data.items.0.id", 7),
            MaxBody(len(BODY)),
            BodyEquals(BODY.decode()),
        ],
    ),
    "many segments": (in_pieces(ok(BODY), 7), [BodyEquals(BODY.decode())]),
    "byte by byte": (in_pieces(ok("grün".encode())), [BodyEquals("grün")]),
    "chunked": (always(chunked(BODY[:5], BODY[5:50], BODY[50:])), [BodyEquals(BODY.decode())]),
    "chunked, in segments": (
        in_pieces(chunked(BODY[:5], BODY[5:]), 3),
        [BodyEquals(BODY.decode()), MaxBody(len(BODY))],
    ),
    "until close": (
        always(b"HTTP/1.1 200 OK\r\n\r\n" + BODY, keep=False),
        [BodyEquals(BODY.decode())],
    ),
    "gzip": (
        always(ok(gzip.compress(BODY), b"Content-Encoding: gzip\r\n")),
        [BodyEquals(BODY.decode())],
    ),
    "1 MB": (always(ok(b"x" * 1_000_000)), [BodyEquals("x" * 1_000_000)]),
    "interim responses first": (
        always(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + ok(BODY)),
        [StatusIn(200), BodyEquals(BODY.decode())],
    ),
}

FAILING: dict[str, tuple[Behaviour, list[Check], str]] = {
    "status": (always(ok()), [StatusIn(201)], "the status is 200, not 201"),
    "status of an error": (always(TEAPOT), [StatusIn(200, 404)], "is 418, not 200 or 404"),
    "contains": (always(ok(BODY)), [BodyContains("nothing")], "does not contain"),
    "many segments": (in_pieces(ok(BODY), 7), [BodyEquals("x")], "the body is"),
    "chunked": (always(chunked(b"4", b"2")), [BodyMatches("^43$")], "does not match"),
    "json": (always(ok(BODY)), [JsonEquals("data.items.0.id", 8)], "id is 7, not 8"),
    "max": (always(ok(BODY)), [MaxBody(10)], "more than 10"),
    "max, chunked": (always(chunked(BODY, BODY)), [MaxBody(100)], "more than 100"),
    "max, with a body to read": (
        always(ok(BODY)),
        [MaxBody(10), BodyContains("nothing")],
        "more than 10",
    ),
    "no content": (
        always(b"HTTP/1.1 204 No Content\r\n\r\n"),
        [BodyContains("x")],
        "does not contain",
    ),
    "unreadable": (
        always(ok(b"x", b"Content-Encoding: br\r\n")),
        [BodyContains("x")],
        "ask for gzip",
    ),
}


def measure_all(driver: str, cases: dict[str, tuple[Behaviour, list[Check]]]) -> Run:
    """One run with a request for each case, named after it."""
    with serving(by_path(*(behaviour for behaviour, _ in cases.values()))) as url:
        requests = [
            Request("GET", f"{url}{index}", checks=checks, name=name)
            for index, (name, (_, checks)) in enumerate(cases.items())
        ]
        plan = Plan(requests, ConstantRate(200), duration_s=1.0, timeout_s=5, driver=driver)
        return run(plan)


@pytest.mark.parametrize("driver", drivers_for("http"))
def test_checks_that_hold_are_no_errors(driver: str) -> None:
    result = measure_all(driver, PASSING)
    for name, stats in result.by_endpoint().items():
        assert (name, stats.errors) == (name, {})
        assert stats.count > 0
    assert result.examples == ()


@pytest.mark.parametrize("driver", drivers_for("http"))
def test_failed_checks_are_errors(driver: str) -> None:
    cases = {name: (behaviour, checks) for name, (behaviour, checks, _) in FAILING.items()}
    result = measure_all(driver, cases)
    for name, stats in result.by_endpoint().items():
        assert (name, stats.errors) == (name, {"check": stats.count})
        examples = [example for example in result.examples if example.endpoint == name]
        assert len(examples) == min(5, stats.count) > 0
        for example in examples:
            assert example.kind == "check"
            assert FAILING[name][-1] in example.message
    numbers = [example.seq for example in result.examples]
    assert numbers == sorted(numbers)


@pytest.mark.parametrize("driver", drivers_for("http"))
def test_head_responses_have_no_body_to_check(driver: str) -> None:
    response = always(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
    with serving(response) as url:
        checks: list[Check] = [StatusIn(200), BodyEquals(""), MaxBody(0)]
        assert measure(url, driver, checks, "HEAD").summary.errors == {}
        failed = measure(url, driver, [BodyContains("x")], "HEAD")
    assert failed.summary.errors == {"check": COUNT}
    assert failed.examples[0].body == ""


@pytest.mark.parametrize("driver", drivers_for("http"))
def test_a_body_over_the_cap_fails_and_is_not_stored(driver: str) -> None:
    with serving(always(ok(b"x" * (BODY_CAP_BYTES + 1)))) as url:
        result = measure(url, driver, [BodyContains("x")], count=2, timeout_s=20)
    assert result.summary.errors == {"check": 2}
    assert set(result.samples.column("bytes_in")) == {BODY_CAP_BYTES + 1}
    example = result.examples[0]
    assert "16.0 MiB at most" in example.message
    assert (len(example.body), example.body_bytes) == (2048, BODY_CAP_BYTES + 1)


@pytest.mark.parametrize("driver", drivers_for("http"))
def test_each_response_is_checked_by_itself(driver: str) -> None:
    with serving(in_turn(ok(BODY), ok(b"oops"), TEAPOT)) as url:
        result = measure(url, driver, [JsonEquals("data.items.0.id", 7)])
    assert result.summary.errors == {"check": COUNT // 3, "status": COUNT // 3}


@pytest.mark.parametrize("driver", drivers_for("http"))
def test_examples_of_errors_without_checks(driver: str) -> None:
    with serving(always(TEAPOT)) as url:
        result = measure(url, driver)
    assert result.summary.errors == {"status": COUNT}
    assert len(result.examples) == 5
    example = result.examples[0]
    assert (example.kind, example.status, example.message) == ("status", 418, "the status is 418")
    assert (example.body, example.body_bytes) == ("tea", 3)
    headers = {name.lower(): value for name, value in example.headers}
    assert headers["x-why"] == "tea"
    assert headers["set-cookie"] == "***"


def close(_connection: socket.socket, _request: bytes, _number: int) -> bool:
    return False


def silent(_connection: socket.socket, _request: bytes, _number: int) -> bool:
    return True


BROKEN: dict[str, tuple[Behaviour, str, str]] = {
    "at once": (close, "closed", "the service closed the connection before a response came"),
    "reset": (reset, "reset", "the service reset the connection before a response came"),
    "silence": (silent, "timeout", "the request timed out before a response came"),
    "half a body": (
        always(ok(b"0123456789")[:-4]),
        "timeout",
        "the request timed out after status 200 and 6 bytes of the body",
    ),
    "half a chunk": (
        always(chunked(b"0123456789")[:-9], keep=False),
        "closed",
        "the service closed the connection after status 200",
    ),
    "no http": (always(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "protocol", ""),
}


@pytest.mark.parametrize("driver", drivers_for("http"))
@pytest.mark.parametrize("timing_out", [False, True], ids=["at once", "not in time"])
def test_every_kind_of_failure_leaves_examples(driver: str, timing_out: bool) -> None:
    broken = {name: case for name, case in BROKEN.items() if (case[1] == "timeout") is timing_out}
    with serving(by_path(*(behaviour for behaviour, _, _ in broken.values()))) as url:
        requests = [Request("GET", f"{url}{index}", name=name) for index, name in enumerate(broken)]
        # Those that end by themselves have the time that a busy machine may need.
        timeout_s = 3 if timing_out else 60
        plan = Plan(
            requests,
            ConstantRate(20),
            duration_s=1.5,
            timeout_s=timeout_s,
            drain_s=60,
            driver=driver,
        )
        result = run(plan)
    for name, (_, kind, message) in broken.items():
        examples = [example for example in result.examples if example.endpoint == name]
        assert [example.kind for example in examples] == [kind] * 5
        assert all(example.message.startswith(message) and example.message for example in examples)


@pytest.mark.parametrize("driver", drivers_for("http"))
def test_a_refused_connection_has_a_message(driver: str) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def leave() -> None:
        listener.accept()[0].close()  # the preflight's; nothing is accepted after it
        listener.close()

    threading.Thread(target=leave, daemon=True).start()
    result = measure(f"http://127.0.0.1:{listener.getsockname()[1]}/", driver)
    refused = [example for example in result.examples if example.kind == "connect"]
    assert len(refused) == 5
    assert all("111" in example.message or "refused" in example.message for example in refused)


@pytest.mark.parametrize("driver", drivers_for("http"))
def test_a_failed_handshake_has_a_message(driver: str, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    shaken: list[str] = []

    def refuse(_socket: object, name: str, _context: ssl.SSLContext) -> int | None:
        shaken.append(name)  # the first is the preflight's
        return ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE if len(shaken) > 1 else None

    tls.sni_callback = refuse
    with serving(always(ok()), tls=tls) as url:
        plan = Plan(
            [Request("GET", url)],
            ConstantRate(100),
            duration_s=0.2,
            driver=driver,
            transport=Transport(ca_file=str(tmp_path / "ca.pem"), server_name="localhost"),
        )
        result = run(plan)
    assert [example.kind for example in result.examples] == ["tls"] * 5
    assert all("handshake failure" in example.message.lower() for example in result.examples)


@pytest.mark.parametrize("driver", drivers_for("http"))
def test_an_abandoned_request_is_an_example_too(driver: str) -> None:
    with serving(silent) as url:
        plan = Plan(
            [Request("GET", url)],
            ConstantRate(100),
            duration_s=0.1,
            drain_s=0.1,
            max_connections=2,
            driver=driver,
        )
        result = run(plan)
    assert result.summary.errors == {"abandoned": 10}
    assert [example.kind for example in result.examples] == ["abandoned"] * 5
    assert all("before" in example.message for example in result.examples)


@pytest.mark.parametrize("driver", drivers_for("http"))
def test_an_error_response_in_pieces_is_always_an_error(driver: str) -> None:
    behaviour = in_pieces(TEAPOT, len(TEAPOT) - 1)
    with serving(behaviour) as url:
        result = measure(url, driver, count=30)
    assert result.summary.errors == {"status": 30}
    assert [example.body for example in result.examples] == ["tea"] * 5
    assert set(result.samples.column("bytes_in")) == {3}


@pytest.mark.parametrize("driver", drivers_for("http"))
def test_the_warm_up_does_not_use_up_the_examples(driver: str) -> None:
    with serving(always(TEAPOT)) as url:
        result = measure(url, driver, warmup_s=0.1)
    in_warmup = [item for item in result.examples if item.intended_ns < result.plan.warmup_ns]
    assert (len(in_warmup), len(result.examples)) == (5, 10)
    assert [item.body for item in result.examples] == ["tea"] * 10
