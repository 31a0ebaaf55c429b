"""Data for requests: rows whose fields fill ``{{name}}`` in a request."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import PurePath
from types import MappingProxyType
from typing import Any, Self

from attrs import field, frozen

from benchlab.displayed import Displayed
from benchlab.errors import InputError
from benchlab.plan.tracing import GOLDEN, scramble
from benchlab.plan.validation import check_choice
from benchlab.text import plural

__all__ = ["PICKS", "Feed", "redact_rows", "row_of"]

PICKS = ("sequential", "random")

_FILES = (".csv", ".jsonl", ".ndjson")  # endings of the names of files that rows can come from
_MAX_ROWS = 1_000_000
_MASK = 2**64 - 1

Row = dict[str, Any]


def _shown_rows(rows: tuple[Row, ...]) -> str:
    return f"<{plural(len(rows), 'row')}>"  # they are often credentials


@frozen(init=False)
class Feed(Displayed):
    """Rows of named values; each request that has this feed is filled from one row.

    ``rows`` is any iterable of mappings, such as a list or a generator, read at once;
    `benchlab.read_feed` reads them from a CSV or JSONL file. With ``pick`` "sequential" the n-th
    request of an endpoint (warm-up included) takes row n, from the start again after the last;
    "random" draws a row for each request, by the plan's seed. ``name`` says where the rows come
    from: the whole path of a file.

    A stored plan has a feed's size and digest but not its rows, which are often credentials and
    may be many: such a plan can be read and compared, but not sent again.

    Raises:
        InputError: no rows, more than a million, one that is not a mapping, or an unknown ``pick``.
    """

    rows: tuple[Row, ...] = field(repr=_shown_rows)
    pick: str
    name: str
    withheld: Mapping[str, Any]

    def __init__(
        self,
        rows: Iterable[Mapping[str, Any]],
        pick: str = "sequential",
        name: str = "rows",
        *,
        withheld: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        check_choice("pick", pick, PICKS)
        if not isinstance(rows, Iterable):
            raise InputError(
                f"must be mappings of names to values, not {type(rows).__name__}",
                field="rows",
                remedy="give a list of dicts, or read a file with benchlab.read_feed",
            )
        read = tuple(islice(rows, _MAX_ROWS + 1))
        if len(read) > _MAX_ROWS:
            raise InputError(
                f"{name} has more than {_MAX_ROWS:,} of them",
                field="rows",
                remedy="use fewer, and an endless generator with itertools.islice",
            )
        if not read and not withheld:
            raise InputError(f"{name} has none", field="rows", remedy="a feed needs at least one")
        for number, row in enumerate(read, 1):
            if not isinstance(row, Mapping):
                raise InputError(
                    f"number {number} of {name} is {row!r}",
                    field="rows",
                    remedy="it must map names",
                )
        self.__attrs_init__(tuple(dict(row) for row in read), pick, name, dict(withheld))

    @property
    def file(self) -> str:
        """The file that the rows came from, as the name says; empty if from elsewhere."""
        return self.name if self.name.lower().endswith(_FILES) else ""

    def index(self, turn: int, seq: int, seed: int) -> int:
        """The row of request ``seq`` of the run, which is the ``turn``-th of its endpoint."""
        if self.pick == "sequential":
            return turn % len(self.rows)
        return scramble((seq * GOLDEN + seed) & _MASK) % len(self.rows)

    def describe(self) -> str:
        """Short description, e.g. "1,000 rows of users.csv, random"."""
        count = self.withheld.get("row_count", len(self.rows))
        return f"{plural(count, 'row')} of {PurePath(self.name).name}, {self.pick}"

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict, rows included."""
        return {
            "rows": list(self.rows),
            "pick": self.pick,
            "name": self.name,
            **({"withheld": dict(self.withheld)} if self.withheld else {}),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The feed that `to_dict` wrote."""
        try:
            return cls(**data)
        except TypeError as exc:
            raise InputError(f"the data feed cannot be read: {exc}") from exc


def row_of(pairs: Iterable[tuple[str, Any]]) -> Row:
    """A row, or an object in it, of names with values.

    Raises:
        ValueError: a name occurs twice, so that one of its values would be lost.
    """
    row: Row = {}
    for name, value in pairs:
        if name in row:
            raise ValueError(f"the name {name!r} occurs twice")
        row[name] = value
    return row


def redact_rows(data: dict[str, Any]) -> None:
    """Replace the rows in what `Feed.to_dict` gave by their number and SHA-256 digest."""
    rows = data["rows"]
    if rows:
        import hashlib

        digest = hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()
        data["withheld"] = {"row_count": len(rows), "sha256": digest}
        data["rows"] = []
