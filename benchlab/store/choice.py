"""Stored runs to choose from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from benchlab.displayed import Displayed
from benchlab.errors import RunNotFoundError
from benchlab.text import plural

if TYPE_CHECKING:
    from benchlab.runs.run import Run

__all__ = ["RunChoice"]

Chosen = tuple[str, ...]


class RunChoice(Displayed):
    """The runs that a person chooses from a table; made by `Store.pick`.

    A notebook shows it as that table. ``rows`` are those of `Store.overview`, newest first, and
    ``load`` loads runs by their ids.
    """

    def __init__(
        self,
        rows: Sequence[Mapping[str, Any]],
        load_all: Callable[[Iterable[str]], list[Run]],
    ) -> None:
        self.rows = tuple(rows)
        self._load_all = load_all
        self._chosen: Chosen = ()
        self._watchers: list[Callable[[Chosen], None]] = []

    def __repr__(self) -> str:
        return f"<RunChoice: {len(self._chosen):,} of {plural(len(self.rows), 'run')} chosen>"

    @property
    def run_ids(self) -> tuple[str, ...]:
        """The ids of the chosen runs, oldest first."""
        return self._chosen

    def runs(self) -> list[Run]:
        """The chosen runs, oldest first."""
        return self._load_all(self._chosen)

    def choose(self, run_ids: Iterable[str]) -> None:
        """Choose these runs, and no others, as a click in the table does.

        Raises:
            RunNotFoundError: one is not in the table.
        """
        wanted = list(run_ids)
        known = [row["run_id"] for row in reversed(self.rows)]
        for run_id in wanted:
            if run_id not in known:
                raise RunNotFoundError(
                    f"no run of the table has the id {run_id!r}",
                    remedy="choose among choice.rows, or pick with a larger limit",
                )
        chosen = tuple(run_id for run_id in known if run_id in wanted)
        if chosen != self._chosen:
            self._chosen = chosen
            for watcher in self._watchers:
                watcher(chosen)

    def watch(self, watcher: Callable[[Chosen], None]) -> None:
        """Call ``watcher`` with the ids whenever the choice changes."""
        self._watchers.append(watcher)
