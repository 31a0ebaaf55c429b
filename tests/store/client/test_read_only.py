"""Queries without --write are rejected even where the engine permits them: see `read_only`."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchlab.errors import InputError
from benchlab.store import Store
from benchlab.store.client import read_only

# 'FILE' stands for the path of a file outside of every store.
REFUSED = [
    "SELECT file('FILE')",
    "SELECT `file`('FILE')",
    "SELECT \"file\"('FILE')",
    r"SELECT `f\x69le`('FILE')",
    "SELECT file /* quite */ ('FILE')",
    "SELECT file -- quite\n ('FILE')",
    "SELECT arrayMap(file, ['FILE'])",
    "SELECT arrayMap(`file`, ['FILE'])",
    "SELECT arrayMap(x -> file(x), ['FILE'])",
    "WITH x -> file(x) AS f SELECT f('FILE')",
    "WITH f AS (SELECT file('FILE') AS a) SELECT a FROM f",
    "SELECT * APPLY file FROM (SELECT 'FILE' AS a)",
    "SELECT * APPLY(file) FROM (SELECT 'FILE' AS a)",
    "SELECT * APPLY(x -> file(x)) FROM (SELECT 'FILE' AS a)",
    "SELECT * REPLACE(file(a) AS a) FROM (SELECT 'FILE' AS a)",
    "SELECT * FROM view(SELECT file('FILE'))",
    "SELECT * FROM numbers(length(file('FILE')))",
    "SELECT 1 WHERE throwIf(1, file('FILE'))",
    "SELECT 1 LIMIT length(file('FILE'))",
    "SELECT 'a' AS x, 1 AS y ORDER BY y WITH FILL TO 3 INTERPOLATE (x AS file('FILE'))",
    "SELECT 1 IN (SELECT file('FILE'))",
    "SELECT 1 UNION ALL SELECT length(file('FILE'))",
    "SELECT count() OVER (PARTITION BY file('FILE'))",
    "FROM (SELECT file('FILE') AS a) SELECT a",
    "(SELECT file('FILE'))",
    "EXPLAIN SELECT file('FILE')",
    "EXPLAIN SYNTAX SELECT file('FILE')",
    "SELECT * FROM (EXPLAIN SELECT file('FILE'))",
    "DESCRIBE (SELECT file('FILE') AS a)",
    "SHOW TABLES WHERE throwIf(1, file('FILE'))",
    "SHOW COLUMNS FROM runs WHERE throwIf(1, file('FILE'))",
    "SHOW INDEX FROM runs WHERE throwIf(1, file('FILE'))",
    "DESCRIBE file('FILE')",
    "DESCRIBE TABLE file('FILE', 'CSV')",
    "DESC FILE('FILE')",
    "DESCRIBE url('http://127.0.0.1:1/')",
    "DESCRIBE `url`('http://127.0.0.1:1/', CSV)",
    "DESCRIBE remote('127.0.0.1:1', system.one)",
    "DESCRIBE s3('http://127.0.0.1:1/a/b.csv')",
    "DESCRIBE mysql('127.0.0.1:1', 'd', 't', 'u', 'p')",
    "DESCRIBE loop(url('http://127.0.0.1:1/'))",
    "DESCRIBE executable('script', 'CSV', 'a String')",
    "EXPLAIN SYNTAX SELECT * FROM url('http://127.0.0.1:1/')",
    "EXPLAIN TABLE OVERRIDE mysql('127.0.0.1:1', 'd', 't', 'u', 'p') PARTITION BY 1",
    "SELECT * FROM eval('SELECT 1')",
    "SELECT aiGenerate('chat', map())",
]

ALLOWED = [
    "SELECT 'file(''x'')' AS a",
    "SELECT 1 AS a -- file('x')",
    "SELECT 1 /* url('x') */ AS a",
    "SELECT 'a INTO OUTFILE b' AS a",
    "SELECT $$file('x')$$ AS a",
    "SELECT 'it''s \\' file(' AS a",
    "SELECT t.file FROM (SELECT 1 AS file) AS t",
    "SELECT url AS a FROM runs",
    "SELECT file_id AS a FROM ingest_blocks",
    "SELECT number AS a FROM numbers(3)",
    "SELECT * FROM generateRandom('a UInt8', 1) LIMIT 1",
    "SELECT * FROM merge(currentDatabase(), '^runs$')",
    "SELECT * FROM view(SELECT 1 AS a)",
    "SELECT * FROM values('a UInt8', 1, 2)",
    "SELECT format('{} {}', 'a', 'b') AS a",
    "SELECT * APPLY(toString) FROM runs",
    "SHOW TABLES LIKE '%file%'",
    "SHOW TABLES WHERE name IN ('runs', 'samples')",
    "SHOW CREATE TABLE runs",
    "DESCRIBE runs",
    "DESCRIBE (SELECT url FROM runs)",
    "EXPLAIN SELECT url FROM runs",
    "EXPLAIN AST SELECT url FROM runs",
    "EXISTS TABLE runs",
]


@pytest.fixture
def store(lasting_store: Store) -> Store:
    """One for all these tests, since what they ask changes nothing."""
    return lasting_store


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file outside of every store."""
    path = tmp_path_factory.mktemp("secret") / "secret.txt"
    path.write_text("hunter2")
    return path


@pytest.mark.parametrize("sql", REFUSED)
def test_queries_that_reach_files_or_hosts_are_rejected(
    store: Store, secret: Path, sql: str
) -> None:
    with pytest.raises(InputError, match=r"the query uses \w+, which .*--write") as caught:
        store.query_df(sql.replace("'FILE'", f"'{secret}'"))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("sql", ALLOWED)
def test_queries_that_only_resemble_them_are_executed(store: Store, sql: str) -> None:
    store.query_df(sql)


def test_parameters_are_values_unless_they_are_identifiers(store: Store, secret: Path) -> None:
    for form in ("{x:String}", "%(x)s"):
        assert store.query_df(f"SELECT {form} AS x", {"x": "file('a')"})["x"][0] == "file('a')"
    found = store.query_df("SELECT count() AS n FROM {t:Identifier}", {"t": "runs"})
    assert found["n"][0] == 0
    for name in ("file", "`file`"):
        with pytest.raises(InputError, match="the query uses file"):
            store.query_df("SELECT arrayMap({f:Identifier}, ['a'])", {"f": name})
    with pytest.raises(InputError, match="raw bytes"):
        store.query_df("SELECT $x$", {"$x$": b"file('a')"})


# Each puts an expression that is text into a statement of one column.
WRAPPINGS = st.sampled_from(
    [
        "SELECT {} AS x",
        "SELECT upper({}) AS x",
        "SELECT [1, length({})][2] AS x",
        "SELECT CAST({} AS String) AS x",
        "SELECT if(1, {}, '') AS x",
        "SELECT arrayMap(y -> y || {}, ['a'])[1] AS x",
        "SELECT (SELECT {}) AS x",
        "SELECT max({}) FILTER (WHERE 1) AS x",
        "WITH {} AS w SELECT w AS x",
        "SELECT '' AS x WHERE {} != ''",
        "SELECT '' AS x ORDER BY {}",
        "SELECT any(1) AS x GROUP BY {}",
        "SELECT CASE {} WHEN 'a' THEN 1 END AS x",
    ]
)
AROUND = st.sampled_from(
    ["{}", "({})", "SELECT * FROM ({})", "EXPLAIN {}", "DESCRIBE ({})", "{} UNION ALL SELECT '1'"]
)
SPELLINGS = st.sampled_from(
    ["file", "`file`", '"file"', "FiLe", r"`f\x69le`", "file/**/", "file\n"]
)


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(wrapping=WRAPPINGS, around=AROUND, spelling=SPELLINGS)
def test_a_call_is_found_anywhere_in_a_statement(
    store: Store, secret: Path, wrapping: str, around: str, spelling: str
) -> None:
    call = f"{spelling}('{secret}')"
    with pytest.raises(InputError, match=r"(?i)the query uses file, "):
        store.query_df(around.format(wrapping.format(call)))
    # The same statement without it can be asked, so it is refused for the call alone.
    store.query_df(around.format(wrapping.format("'a'")))


def test_allowed_table_functions_are_in_the_engines_read_only_list(store: Store) -> None:
    """Functions of its list that are not in benchlab's are left out on purpose."""
    found = store.query_df(
        "SELECT lower(name) AS name FROM system.table_functions WHERE allow_readonly"
    )
    assert set(found["name"]) - read_only._TABLE_FUNCTIONS <= {"eval", "fuzzquery"}
