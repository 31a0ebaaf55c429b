"""Data for requests that are not all alike: rows whose fields fill ``{{name}}`` in a request."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import PurePath
from typing import Any, Self

from benchlab.errors import InputError
from benchlab.plan.tracing import GOLDEN, scrambled

__all__ = ["PICKS", "Feed", "withhold_rows"]

PICKS = ("sequential", "random")

_MAX_ROWS = 1_000_000
_MASK = 2**64 - 1

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Feed:
    """Rows of named values, one of which goes into each request that has this feed.

    ``rows`` is any iterable of mappings, read once, here: a list, or a generator of yours;
    `benchlab.read_feed` makes them of a CSV or JSONL file. With
    ``pick`` "sequential" the n-th request of an endpoint (warm-up included) takes row n, from the
    start again after the last; "random" draws a row for each request, by the plan's seed. ``name``
    says where the rows come from: a file's whole path, if from one.

    A stored plan keeps a feed's size and digest but not its rows, which are often credentials and
    may be many: such a plan can be read and compared, and not be sent again.

    Raises:
        InputError: no rows, more than a million, one that is no mapping, or an unknown ``pick``.
    """

    rows: Iterable[Mapping[str, Any]]
    pick: str = "sequential"
    name: str = "rows"
    withheld: Mapping[str, Any] = field(default_factory=dict, kw_only=True)

    def __post_init__(self) -> None:
        if self.pick not in PICKS:
            raise InputError(
                "is unknown", field="pick", value=self.pick, remedy=f"use {' or '.join(PICKS)}"
            )
        rows = tuple(islice(self.rows, _MAX_ROWS + 1))
        if len(rows) > _MAX_ROWS:
            raise InputError(
                f"{self.name} has more than {_MAX_ROWS:,} of them",
                field="rows",
                remedy="use fewer, and an endless generator with itertools.islice",
            )
        if not rows and not self.withheld:
            raise InputError(
                f"{self.name} has none", field="rows", remedy="a feed needs at least one"
            )
        for number, row in enumerate(rows, 1):
            if not isinstance(row, Mapping):
                raise InputError(
                    f"number {number} of {self.name} is {row!r}",
                    field="rows",
                    remedy="it must map names",
                )
        object.__setattr__(self, "rows", tuple(dict(row) for row in rows))

    @property
    def table(self) -> tuple[Row, ...]:
        """The rows, in order."""
        return self.rows  # type: ignore[return-value]  # normalised in __post_init__

    def index(self, turn: int, seq: int, seed: int) -> int:
        """Which row the ``turn``-th request of an endpoint takes, number ``seq`` of the run."""
        if self.pick == "sequential":
            return turn % len(self.table)
        return scrambled((seq * GOLDEN + seed) & _MASK) % len(self.table)

    def describe(self) -> str:
        """The feed as a phrase."""
        count = self.withheld.get("row_count", len(self.table))
        return f"{count:,} rows of {PurePath(self.name).name}, {self.pick}"

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict, rows included."""
        return {
            "rows": list(self.table),
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


def withhold_rows(data: dict[str, Any]) -> None:
    """Replace the rows in what `Feed.to_dict` gave by their number and SHA-256 digest."""
    rows = data["rows"]
    if rows:
        digest = hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()
        data["withheld"] = {"row_count": len(rows), "sha256": digest}
        data["rows"] = []
