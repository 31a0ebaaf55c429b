"""The front is what the store's tests believe a server to be: it must not flatter them."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import IncompleteRead, RemoteDisconnected
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError, StreamFailureError

from tests.clickhouse_front import Fault, Front, start_front
from tests.clickhouse_front.wire import native_block, pack_blocks, unpack_blocks


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A front of this module alone, with users."""
    directory = tmp_path_factory.mktemp("own") / "engine"
    with start_front(directory, users=["me:p@ss"], readers=["reader:look"]) as running:
        running.query("CREATE TABLE t (a UInt32, s LowCardinality(String)) ORDER BY a")
        yield running


@contextmanager
def connected(
    front: Front, user: str = "me", password: str = "p@ss", **more: Any
) -> Iterator[Client]:
    client = clickhouse_connect.get_client(
        host="127.0.0.1", port=front.port, username=user, password=password, **more
    )
    try:
        yield client
    finally:
        client.close()


@pytest.mark.parametrize("compress", [True, False, "lz4", "zstd", "gzip"])
def test_rows_round_trip_in_every_encoding(front: Front, compress: bool | str) -> None:
    rows = [[number, "é;\n" * (number % 7)] for number in range(70_000)]
    with connected(front, compress=compress) as client:
        client.command("TRUNCATE TABLE t")
        summary = client.insert("t", rows, column_names=["a", "s"])
        assert summary.written_rows == len(rows)
        found = client.query("SELECT a, s FROM t ORDER BY a")
        assert [list(row) for row in found.result_rows] == rows
        with client.query_row_block_stream("SELECT a FROM t") as blocks:
            assert sum(len(block) for block in blocks) == len(rows)


def test_parameters_settings_and_databases_apply_to_one_query(front: Front) -> None:
    nasty = "'; DROP TABLE t; -- \\ é\t"
    with connected(front) as client:
        assert client.query("SELECT {x:String}", {"x": nasty}).result_rows == [(nasty,)]
        threads = "SELECT getSetting('max_threads')"
        assert client.query(threads, settings={"max_threads": 3}).result_rows == [(3,)]
        assert client.query(threads).result_rows != [(3,)]
        long = {"ids": list(range(50_000))}
        found = client.query("SELECT length({ids:Array(Int64)})", long)
        assert found.result_rows == [(50_000,)]
    with connected(front, database="system") as client:
        assert client.command("SELECT currentDatabase()") == "system"
    with pytest.raises(DatabaseError, match="UNKNOWN_DATABASE"), connected(front, database="none"):
        pass


def test_sessions_have_their_own_tables_and_settings(front: Front) -> None:
    with connected(front) as client, connected(front) as other:
        client.command("CREATE TEMPORARY TABLE mine (a UInt8)")
        client.command("SET max_threads = 3")
        client.command("INSERT INTO mine VALUES (1)")
        assert client.query("SELECT a, getSetting('max_threads') FROM mine").result_rows == [(1, 3)]
        with pytest.raises(DatabaseError, match="UNKNOWN_TABLE"):
            other.query("SELECT * FROM mine")


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELCT 1", 62),
        ("SELECT 1; SELECT 2", 62),
        ("SELECT nope", 47),
        ("SELECT * FROM nope", 60),
        ("SELECT throwIf(1)", 395),
        ("SELECT * FROM nowhere.t", 81),
        ("DROP DATABASE nowhere", 81),
    ],
)
def test_errors_have_their_codes(front: Front, sql: str, code: int) -> None:
    with connected(front) as client, pytest.raises(DatabaseError) as caught:
        client.query(sql)
    assert caught.value.code == code


def test_an_error_after_the_first_rows_is_an_error(front: Front) -> None:
    sql = (
        "SELECT throwIf(number = 90000, 'late') FROM numbers(100000) SETTINGS max_block_size = 1000"
    )
    with (
        connected(front) as client,
        pytest.raises(StreamFailureError, match="late"),
        client.query_row_block_stream(sql) as blocks,
    ):
        for _ in blocks:
            pass


def asked(front: Front, sql: str, **parameters: str) -> urllib.request.Request:
    """A query of the user ``me`` without a client around it."""
    headers = {"X-ClickHouse-User": "me", "X-ClickHouse-Key": "p@ss"}
    return urllib.request.Request(
        f"{front.url}/?{urlencode(parameters)}", data=sql.encode(), headers=headers
    )


def response_to(front: Front, sql: str, **parameters: str) -> str:
    """The response, or the code of the error."""
    try:
        with urllib.request.urlopen(asked(front, sql, **parameters)) as response:
            return str(response.read().decode())
    except urllib.error.HTTPError as exc:
        with exc:
            return f"code {exc.headers['X-ClickHouse-Exception-Code']}"


def test_a_disconnected_client_leaves_nothing_behind(front: Front) -> None:
    """Until then its session is locked; the engine serves others meanwhile."""
    rows = "SELECT number, toString(number) FROM numbers(20000000) FORMAT Native"
    with urllib.request.urlopen(asked(front, rows, session_id="gone")) as response:
        assert response.read(1000)
        assert response_to(front, "SELECT 1") == "1\n"
        assert response_to(front, "SELECT 2", session_id="gone") == "code 373"
    while (found := response_to(front, "SELECT 3", session_id="gone")) == "code 373":
        pass  # until the front has noticed
    assert found == "3\n"


def test_a_session_keeps_its_own_settings(front: Front) -> None:
    threads = "SELECT getSetting('max_threads')"
    response_to(front, "SET max_threads = 3", session_id="kept")
    assert response_to(front, threads, session_id="kept", max_threads="2") == "2\n"
    assert response_to(front, threads, session_id="kept", no_such_setting="2") == "code 115"
    assert response_to(front, threads, session_id="kept") == "3\n"
    assert response_to(front, "SET max_threads = 9", session_id="kept", readonly="1") == "code 164"
    assert response_to(front, threads, session_id="kept") == "3\n"


def test_the_default_format_is_the_header_s_or_the_parameter_s(front: Front) -> None:
    request = asked(front, "SELECT 1 AS a")
    request.add_header("X-ClickHouse-Format", "JSONEachRow")
    with urllib.request.urlopen(request) as response:
        assert response.read() == b'{"a":1}\n'
        assert response.headers["X-ClickHouse-Query-Id"]
    assert response_to(front, "SELECT 1 AS a", default_format="CSVWithNames") == '"a"\n1\n'


def test_an_awaited_response_is_complete_or_an_error(front: Front) -> None:
    late = "SELECT throwIf(number = 90000) FROM numbers(100000) FORMAT Native"
    small = {"max_block_size": "1000"}
    assert response_to(front, late, wait_end_of_query="1", **small) == "code 395"
    with (
        urllib.request.urlopen(asked(front, late, **small)) as response,
        pytest.raises(IncompleteRead) as caught,
    ):
        response.read()
    assert b"__exception__" in caught.value.partial, "reported after the first rows"


def test_unknown_users_are_rejected(front: Front) -> None:
    for user, password in (("me", "wrong"), ("nobody", "p@ss"), ("default", "x")):
        with (
            pytest.raises(DatabaseError, match="AUTHENTICATION_FAILED"),
            connected(front, user, password),
        ):
            pass
    headers = {"X-ClickHouse-User": "me", "X-ClickHouse-Key": "p@ss"}
    request = urllib.request.Request(front.url, data=b"SELECT 1", headers=headers)
    with urllib.request.urlopen(request) as response:
        assert response.read() == b"1\n"
    login = urlencode({"user": "me", "password": "p@ss"})
    with urllib.request.urlopen(f"{front.url}/?{login}", data=b"SELECT 1") as response:
        assert response.read() == b"1\n"


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t (a) VALUES (1)",
        "DROP TABLE t",
        "CREATE TABLE u (a UInt8) ENGINE = Memory",
        "SET readonly = 0",
        "SELECT * FROM file('/etc/passwd', 'CSV', 'a String')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')",
    ],
)
def test_a_read_only_user_cannot_write_or_reach_other_hosts(front: Front, sql: str) -> None:
    with connected(front, "reader", "look") as client:
        assert client.query("SELECT 1").result_rows == [(1,)]
        with pytest.raises(DatabaseError, match="READONLY"):
            client.command(sql)


def test_get_requests_are_read_only(front: Front) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{front.url}/?query=DROP%20TABLE%20t")
    assert caught.value.headers["X-ClickHouse-Exception-Code"] == "164"
    caught.value.close()


def test_faults_happen_as_configured_and_no_more_often(front: Front) -> None:
    with connected(front) as client:
        front.fail(Fault("SELECT 7", "error", skip=1))
        for outcome in (7, None, 7):
            if outcome is None:
                with pytest.raises(DatabaseError, match="NOT_ENOUGH_SPACE") as caught:
                    client.query("SELECT 7")
                assert caught.value.code == 243
            else:
                assert client.query("SELECT 7").result_rows == [(outcome,)]
        client.command("TRUNCATE TABLE t")
        front.fail(Fault("INSERT INTO t", "lose"))
        with pytest.raises(OperationalError):
            client.command("INSERT INTO t (a) VALUES (1)")
        assert client.command("SELECT count() FROM t") == 1, "carried out, the response lost"


@pytest.mark.parametrize("session", [{}, {"session_id": "lost"}], ids=["alone", "in a session"])
def test_a_lost_result_leaves_nothing_behind(front: Front, session: dict[str, str]) -> None:
    """Left open, it made the engine stand still, or refuse all that came after it."""
    rows = "SELECT number FROM numbers(1000000) FORMAT Native"
    front.fail(Fault("FROM numbers", "lose", times=3))
    for _ in range(3):
        with pytest.raises(RemoteDisconnected):
            response_to(front, rows, **session)
    assert response_to(front, "SELECT 1", **session) == "1\n"


def test_a_killed_front_restarts_at_the_same_address(tmp_path: Path) -> None:
    with start_front(tmp_path / "engine") as front:
        front.query("CREATE TABLE t (a UInt32) ORDER BY a")
        front.query("INSERT INTO t VALUES (1)")
        port = front.port
        front.kill()
        with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            pass
        front.start()
        assert front.port == port
        assert front.query("SELECT a FROM t") == "1\n"


def test_blocks_of_other_protocols() -> None:
    block = b"\x02\x01\x01a\x06UInt16\x07\x00\x01s\x06String\x02hi"
    info = b"\x01\x00\x02\xff\xff\xff\xff\x00"
    assert native_block(block, 0) == block
    assert native_block(block, 54405) == info + block
    assert native_block(block, 54460) == (
        info + b"\x02\x01\x01a\x06UInt16\x00\x07\x00\x01s\x06String\x00\x02hi"
    )
    assert unpack_blocks(pack_blocks(block * 100_000)) == block * 100_000
