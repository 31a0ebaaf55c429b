"""The part of a ClickHouse client that ingestion uses; clickhouse-connect's implements it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

__all__ = ["Client", "QueryResult"]


class QueryResult(Protocol):
    """Rows of a query."""

    @property
    def result_rows(self) -> Sequence[Sequence[Any]]:
        """The rows, each a sequence of values."""
        ...


class Client(Protocol):
    """An open client of a store whose schema is up to date."""

    def query(self, query: str, parameters: dict[str, Any] | None = None) -> QueryResult:
        """Run a SELECT."""
        ...

    def command(
        self,
        cmd: str,
        parameters: dict[str, Any] | None = None,
        *,
        settings: dict[str, Any] | None = None,
    ) -> Any:
        """Run a statement that returns no rows."""
        ...

    def insert(
        self,
        table: str,
        data: Sequence[Sequence[Any]],
        column_names: Sequence[str],
        *,
        column_type_names: Sequence[str] | None = None,
        settings: dict[str, Any] | None = None,
    ) -> Any:
        """Insert rows by column name. Types that are not given are looked up in the store."""
        ...

    def raw_insert(
        self,
        table: str,
        column_names: Sequence[str],
        insert_block: bytes,
        settings: dict[str, Any] | None = None,
        fmt: str | None = None,
    ) -> Any:
        """Insert data that is encoded in a ClickHouse format already."""
        ...
