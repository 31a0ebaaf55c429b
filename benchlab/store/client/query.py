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

# Statements with a result; comments and opening brackets may come first.
_ASKS = re.compile(
    r"(?:\s|\(|--[^\n]*\n|/\*.*?\*/)*(?:SELECT|WITH|FROM|SHOW|DESC|DESCRIBE|EXPLAIN|EXISTS|CHECK)\b",
    re.IGNORECASE | re.DOTALL,
)

_READ_ONLY = f"the query would change the store, or does more than read it: {ALLOW_WRITE}"
_SETTING = re.compile(r"Cannot modify '(\w+)' setting")
_SETS = f"the query sets {{}}, which may stand for more than reading: {ALLOW_WRITE}"

# The client asks for this at the end of the statement, where EXPLAIN AST takes it for its own.
_NATIVE = {"X-ClickHouse-Format": "Native"}

# The engine's names for what its user got wrong, as opposed to what went wrong in it.
_USER_ERRORS = re.compile(
    r"SYNTAX_ERROR|UNKNOWN_\w+|ILLEGAL_\w+|TYPE_MISMATCH|BAD_\w+|NUMBER_OF_ARGUMENTS_\w+"
    r"|NOT_AN_AGGREGATE|NO_COMMON_TYPE|AMBIGUOUS_\w+|CANNOT_PARSE_\w+|UNSUPPORTED_METHOD"
    r"|INVALID_\w+|MULTIPLE_EXPRESSIONS_\w+|EMPTY_QUERY|TABLE_ALREADY_EXISTS"
)


def typed_frame(client: Client, sql: str, parameters: dict[str, Any]) -> pd.DataFrame:
    """The rows of a SELECT; where there are none, its columns all the same, of the same types."""
    frame = client.query_df(sql, parameters=parameters, tz_mode="aware")
    if not frame.empty:
        return frame
    # The client learns types from rows only. An aggregate of nothing is one row of them.
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
    """The result of ``sql``; empty when it has none.

    With ``read_only`` the client must be that as well: here is refused what the engine carries out
    even then, see `benchlab.store.client.read_only`.

    Raises:
        InputError: the SQL is wrong, or does more than read the store where only that is allowed.
        StoreError: the engine could not carry it out.
    """
    import pandas as pd
    from clickhouse_connect.driver.exceptions import DatabaseError, ProgrammingError

    statement, bound = sql.strip().rstrip(";"), dict(parameters or {})
    if not statement:
        raise InputError("the query cannot be run: it is empty")
    asks = _ASKS.match(statement) is not None
    try:
        if read_only:
            check(client, statement, bound)
            if not asks:
                raise InputError(_READ_ONLY)
        if asks:
            return client.query_df(
                statement, parameters=bound, tz_mode="aware", transport_settings=_NATIVE
            )
        client.command(statement, parameters=bound)
        return pd.DataFrame()
    except (DatabaseError, ProgrammingError) as exc:
        said = reason(exc, dsn)
        if "READONLY" in str(exc) and read_only:
            setting = _SETTING.search(str(exc))
            raise InputError(_SETS.format(setting[1]) if setting else _READ_ONLY) from exc
        if isinstance(exc, ProgrammingError) or _USER_ERRORS.search(str(exc)):
            raise InputError(f"the query cannot be run: {said}") from exc
        raise StoreError(f"the query failed: {said}") from exc
