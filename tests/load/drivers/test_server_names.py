from __future__ import annotations

import pytest

from benchlab import ConstantRate, Plan, Request, run
from benchlab.load.drivers.headers import ServerNames
from benchlab.plan.drivers import drivers_for
from tests.load.servers import always, ok, serving


def test_names_are_distinct_limited_and_short() -> None:
    servers = ServerNames()
    for name in ("nginx", None, "", "nginx", " ", "x" * 5_000, *map(str, range(50))):
        servers.note(name)
    assert servers.names[0] == "nginx"
    assert servers.names[1] == "x" * 100
    assert len(servers.names) == 8


def test_only_the_first_heads_are_searched() -> None:
    servers = ServerNames()
    for name in [b"a"] * 256 + [b"b"]:
        servers.note_head(b"HTTP/1.1 200 OK\r\nServer: %b\r\n\r\n" % name)
    assert servers.names == ["a"]


@pytest.mark.parametrize(
    ("head", "names"),
    [
        (b"HTTP/1.1 200 OK\r\nServer: a/1 (b)\r\n\r\n", ["a/1 (b)"]),
        (b"HTTP/1.1 200 OK\r\nX: y\r\nSERVER:\ta\xe9 \r\nZ: 1\r\n\r\n", ["a\xe9"]),
        (b"HTTP/1.1 200 OK\r\nX-Server: a\r\nVia: server: b\r\n\r\n", []),
        (b"HTTP/1.1 200 OK\r\nServer:\r\n\r\n", []),
    ],
)
def test_the_header_is_found_in_a_head(head: bytes, names: list[str]) -> None:
    servers = ServerNames()
    servers.note_head(head)
    assert servers.names == names


@pytest.mark.parametrize("driver", drivers_for("http"))
def test_a_run_records_the_server_name(driver: str) -> None:
    with serving(always(ok(extra=b"Server: test/1.0\r\n"))) as url:
        plan = Plan([Request("GET", url)], ConstantRate(50), duration_s=0.2, driver=driver)
        assert run(plan).health.servers == ["test/1.0"]
    with serving(always(ok())) as url:
        plan = Plan([Request("GET", url)], ConstantRate(50), duration_s=0.2, driver=driver)
        assert run(plan).health.servers == []
