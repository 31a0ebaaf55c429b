"""Run SQL and return DataFrames."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from benchlab.errors import InputError, StoreError
from benchlab.store.client.connection import reason
from benchlab.store.client.dsn import Dsn
from benchlab.store.client.read_only import ALLOW_WRITE, check

if TYPE_CHECKING:
    import pandas as pd
    from clickhouse_connect.driver.client import Client

__all__ = ["query_df", "typed_frame"]

# Statements that return rows; comments and opening brackets may come first.
_RETURNS_ROWS = re.compile(
    r"(?:\s|\(|--[^\n]*\n|/\*.*?\*/)*(?:SELECT|WITH|FROM|SHOW|DESC|DESCRIBE|EXPLAIN|EXISTS|CHECK)\b",
    re.IGNORECASE | re.DOTALL,
)

_READ_ONLY = f"the query would change the store, or does more than read it: {ALLOW_WRITE}"
# Only the engine's message names the setting; without it the message is more general.
_SETTING = re.compile(r"Cannot modify '(\w+)' setting")
_SETS = f"the query sets {{}}, which may allow more than reading: {ALLOW_WRITE}"

# The client requests this at the end of the statement, where EXPLAIN AST takes it as its own.
_NATIVE = {"X-ClickHouse-Format": "Native"}

# The engine's names for errors in the query, as opposed to failures of the engine.
_USER_ERRORS = re.compile(
    r"SYNTAX_ERROR|UNKNOWN_\w+|ILLEGAL_\w+|TYPE_MISMATCH|BAD_\w+|NUMBER_OF_ARGUMENTS_\w+"
    r"|NOT_AN_AGGREGATE|NO_COMMON_TYPE|AMBIGUOUS_\w+|CANNOT_PARSE_\w+|UNSUPPORTED_METHOD"
    r"|INVALID_\w+|MULTIPLE_EXPRESSIONS_\w+|EMPTY_QUERY|TABLE_ALREADY_EXISTS"
)


def typed_frame(client: Client, sql: str, parameters: dict[str, Any]) -> pd.DataFrame:
    """The rows of a SELECT; with no rows, an empty frame with the same columns and types."""
    frame = client.query_df(sql, parameters=parameters, tz_mode="aware")
    if not frame.empty:
        return frame
    # The client learns types only from rows; an aggregate over no rows is one row.
    row = client.query_df(
        f"SELECT * APPLY(any) FROM ({sql})",  # noqa: S608  # of this package
        parameters=parameters,
        tz_mode="aware",
    )
    return row.iloc[:0].rename(columns=lambda name: name.removeprefix("any(").removesuffix(")"))


def query_df(
    client: Client,
    sql: str,
    parameters: Mapping[str, Any] | None,
    dsn: Dsn,
    *,
    read_only: bool = False,
) -> pd.DataFrame:
    """The result of ``sql``; an empty frame when it returns no rows.

    With ``read_only`` the client must be read-only too: this function rejects only what the engine
    executes even then, see `benchlab.store.client.read_only`.

    Raises:
        InputError: the SQL is wrong, or does more than read the store despite ``read_only``.
        StoreError: the engine failed to execute it.
    """
    import pandas as pd
    from clickhouse_connect.driver.exceptions import DatabaseError, ProgrammingError

    statement, bound = sql.strip().rstrip(";"), dict(parameters or {})
    if not statement:
        raise InputError("the query cannot be run: it is empty")
    returns_rows = _RETURNS_ROWS.match(statement) is not None
    try:
        if read_only:
            check(client, statement, bound)
            if not returns_rows:
                raise InputError(_READ_ONLY)
        if returns_rows:
            return client.query_df(
                statement, parameters=bound, tz_mode="aware", transport_settings=_NATIVE
            )
        client.command(statement, parameters=bound)
        return pd.DataFrame()
    except (DatabaseError, ProgrammingError) as exc:
        cause = reason(exc, dsn)
        if exc.name == "READONLY" and read_only:
            setting = _SETTING.search(str(exc))
            raise InputError(_SETS.format(setting[1]) if setting else _READ_ONLY) from exc
        if isinstance(exc, ProgrammingError) or _USER_ERRORS.search(exc.name or ""):
            raise InputError(f"the query cannot be run: {cause}") from exc
        raise StoreError(f"the query failed: {cause}") from exc
