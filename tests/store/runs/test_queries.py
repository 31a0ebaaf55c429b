"""Queries of one's own: they change nothing unless they may, and their errors are one line."""

from __future__ import annotations

import pytest

from benchlab.errors import InputError, StoreError
from benchlab.store import Store
from tests.store.stored_runs import make_run


@pytest.fixture(scope="module")
def with_a_run(lasting_store: Store) -> Store:
    """One store for all these tests, with a run in it."""
    lasting_store.save(make_run(5))
    return lasting_store


@pytest.fixture
def store(with_a_run: Store) -> Store:
    """The same for each."""
    return with_a_run


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE runs",
        "INSERT INTO runs (id) VALUES ('x')",
        "ALTER TABLE runs DELETE WHERE 1",
        "TRUNCATE TABLE samples",
        "CREATE TABLE t (a UInt8) ENGINE = Memory",
        "SET readonly = 0",
        "SET readonly = 0; DROP TABLE runs",
        "WITH 1 AS x INSERT INTO runs (id) SELECT 'x'",
        "SELECT 1; DROP TABLE runs",
        "/* SELECT */ DROP TABLE runs",
        "RENAME TABLE runs TO walks",
        "DELETE FROM runs WHERE 1",
        "OPTIMIZE TABLE runs FINAL",
        "DETACH TABLE runs",
        "SYSTEM STOP MERGES",
        "CREATE FUNCTION f AS (x) -> x",
        "CREATE USER mallory",
        "GRANT ALL ON *.* TO mallory",
        "KILL QUERY WHERE 1",
        "INSERT INTO FUNCTION file('stolen.csv', 'CSV', 'a String') SELECT 'x'",
        "SELECT 'x' INTO OUTFILE 'stolen.csv'",
        "SELECT 'x' INTO /**/ outfile 'stolen.csv'",
        "SELECT 1; SYSTEM STOP MERGES",
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
        "SELECT * FROM remote('127.0.0.1:1', system.one)",
    ],
)
def test_queries_change_nothing_without_write(store: Store, sql: str) -> None:
    with pytest.raises(InputError, match=r"--write|Multi-statements are not allowed"):
        store.query_df(sql)
    assert len(store.runs()) == 1
    assert len(store.load("latest").samples) == 5
    # The refusal holds for that query alone.
    store.query_df("CREATE TABLE mine (a UInt8) ENGINE = Memory", write=True)
    store.query_df("DROP TABLE mine", write=True)


@pytest.mark.parametrize(
    "sql",
    ["-- why\nselect 1 AS x", "/* a */ (SELECT 1 AS x)", "WITH 1 AS x SELECT x", "FROM numbers(1)"],
)
def test_every_kind_of_query_returns_rows(store: Store, sql: str) -> None:
    assert len(store.query_df(sql)) == 1


@pytest.mark.parametrize("sql", ["SELECT ';' AS x", "SELECT 1 AS x -- ; or not", "SELECT 1 AS x;"])
def test_a_semicolon_is_not_a_second_statement(store: Store, sql: str) -> None:
    assert list(store.query_df(sql).columns) == ["x"]


def test_parameters_are_bound(store: Store) -> None:
    nasty = "'; DROP TABLE runs; -- \\ é"
    assert store.query_df("SELECT {x:String} AS x", {"x": nasty})["x"][0] == nasty


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELCT 1", "Syntax error"),
        ("SELECT nope FROM runs", "nope"),
        ("SELECT * FROM nope", "nope"),
        ("SELECT nope(1)", "nope"),
        ("SELECT {x:String}", "Substitution `x` is not set"),
        ("", ""),
    ],
)
def test_invalid_sql_error_is_one_line(store: Store, sql: str, message: str) -> None:
    with pytest.raises(InputError, match="the query cannot be run") as caught:
        store.query_df(sql)
    assert message in str(caught.value)
    for noise in ("\n", "Stack trace", "(version", "FORMAT Native", "DB::Exception"):
        assert noise not in str(caught.value)


def test_a_query_that_fails_in_the_engine_is_a_store_error(store: Store) -> None:
    with pytest.raises(StoreError, match="the query failed: "):
        store.query_df("SELECT throwIf(1)")
