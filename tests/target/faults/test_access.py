"""Who may control faults."""

from __future__ import annotations

import pytest
from fastapi import HTTPException
from starlette.types import Scope

from target.faults import ENABLED, TOKEN, FaultSettings, fault_settings_from_environment
from target.faults.access import check_access

SECRET = "s3cret-of-the-tests"


def scope(client: str | None = "127.0.0.1", **headers: str) -> Scope:
    given = {"host": "127.0.0.1:8000", **headers}
    return {
        "type": "http",
        "client": None if client is None else (client, 40_000),
        "headers": [
            (name.replace("_", "-").encode(), value.encode("latin-1"))
            for name, value in given.items()
        ],
    }


def status(scope: Scope, token: str = "") -> int:
    try:
        check_access(scope, token)
    except HTTPException as exc:
        return exc.status_code
    return 200


@pytest.mark.parametrize("client", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "LOCALHOST:80", "[::1]:8000"])
def test_loopback_needs_no_token(client: str, host: str) -> None:
    assert status(scope(client, host=host)) == 200
    assert status(scope(client, host=host), SECRET) == 200


@pytest.mark.parametrize(
    "refused",
    [
        scope("192.0.2.7"),
        scope("::ffff:192.0.2.7"),
        scope("2001:db8::1"),
        scope("localhost"),  # a name is no address of a connection
        scope(None),
        # From a proxy on this machine, or from somebody who says so.
        scope(x_forwarded_for="127.0.0.1"),
        scope(forwarded="for=127.0.0.1"),
        scope(x_real_ip="127.0.0.1"),
        scope(via="1.1 proxy"),
        # A name that leads to this machine (DNS rebinding), or none.
        scope(host="attacker.example:8000"),
        scope(host="127.0.0.1.attacker.example"),
        scope(host="localhost.attacker.example"),
        scope(host=""),
        scope(host="[::1"),
        # From a page of another site.
        scope(origin="https://attacker.example"),
        scope(origin="null"),
    ],
)
def test_everybody_else_needs_the_token(refused: Scope) -> None:
    assert status(refused) == 403
    assert status(refused, SECRET) == 401
    with_token = [*refused["headers"], (b"authorization", f"Bearer {SECRET}".encode())]
    assert status({**refused, "headers": with_token}, SECRET) == 200
    assert status({**refused, "headers": with_token}) == 403


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        SECRET,
        f"Basic {SECRET}",
        f"Bearer {SECRET[:-1]}",
        f"Bearer {SECRET}x",
        "Bearer \xe9\xff",
    ],
)
def test_a_wrong_token_is_none(authorization: str) -> None:
    assert status(scope("192.0.2.7", authorization=authorization), SECRET) == 401


def test_a_refusal_does_not_show_the_token() -> None:
    with pytest.raises(HTTPException) as caught:
        check_access(scope("192.0.2.7"), SECRET)
    assert TOKEN in caught.value.detail
    assert SECRET not in repr(caught.value)


def test_the_scheme_is_written_as_one_likes() -> None:
    assert status(scope("192.0.2.7", authorization=f"bearer {SECRET}"), SECRET) == 200


@pytest.mark.parametrize("switch", ["", "0"])
def test_faults_are_off_by_default(switch: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENABLED, switch)
    assert fault_settings_from_environment() is None


def test_the_environment_enables_faults_and_has_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENABLED, "1")
    monkeypatch.delenv(TOKEN, raising=False)
    assert fault_settings_from_environment() == FaultSettings("")
    monkeypatch.setenv(TOKEN, SECRET)
    assert fault_settings_from_environment() == FaultSettings(SECRET)
    assert SECRET not in repr(FaultSettings(SECRET))


def test_settings_that_cannot_work_are_refused_without_showing_the_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(ENABLED, "yes")
    with pytest.raises(ValueError, match=f"{ENABLED} must be 1 .* or 0, not 'yes'"):
        fault_settings_from_environment()
    monkeypatch.setenv(ENABLED, "1")
    monkeypatch.setenv(TOKEN, f"{SECRET} with spaces")
    with pytest.raises(ValueError, match=TOKEN) as caught:
        fault_settings_from_environment()
    assert SECRET not in str(caught.value)
