"""The runs that go on on this machine, and those that nobody has saved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import overload

from benchlab import spool
from benchlab.errors import DamagedError, InputError, RunError
from benchlab.watch.live_run import LiveRun

__all__ = ["LiveRuns", "live"]

_HEAD = ("run", "state", "started", "by", "plan")
_COMMAND = "benchlab recover saves what nobody else does"


class LiveRuns(Sequence[LiveRun]):
    """Runs, the latest first, by number or by the start of an id: ``runs[0]``, ``runs["01a2"]``."""

    def __init__(self, runs: Sequence[LiveRun]) -> None:
        self._runs = tuple(runs)

    def __len__(self) -> int:
        return len(self._runs)

    def __iter__(self) -> Iterator[LiveRun]:
        return iter(self._runs)

    @overload
    def __getitem__(self, key: int | str) -> LiveRun: ...

    @overload
    def __getitem__(self, key: slice) -> LiveRuns: ...

    def __getitem__(self, key: int | str | slice) -> LiveRun | LiveRuns:
        """The run with this number or id, or a part of the list.

        Raises:
            InputError: no run, or more than one, has an id that starts so.
            IndexError: there are fewer runs.
        """
        if isinstance(key, slice):
            return LiveRuns(self._runs[key])
        if isinstance(key, int):
            return self._runs[key]
        found = [run for run in self._runs if run.id.startswith(key)]
        if len(found) == 1:
            return found[0]
        ids = ", ".join(run.id for run in found or self._runs) or "none"
        raise InputError(
            f"is the start of {'several ids' if found else 'no id'}",
            field="run",
            value=key,
            remedy=f"{'one of them' if found else 'the ids are'}: {ids}",
        )

    def __repr__(self) -> str:
        if not self._runs:
            return "<LiveRuns: none>"
        return "\n".join(" · ".join(row) for row in self._rows())

    def _repr_html_(self) -> str:
        from benchlab.display.html import STYLE, html_table
        from benchlab.display.table import Table

        if not self._runs:
            return "<div>No runs go on, and none is left to be saved.</div>"
        table = html_table(Table(_HEAD, self._rows(), note=_COMMAND))
        return f'{STYLE}<div class="benchlab-card">{table}</div>'

    def _repr_markdown_(self) -> str:
        return f"```\n{self!r}\n```"

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                run.id,
                run.describe(),
                f"{run.started_at.astimezone():%Y-%m-%d %H:%M:%S}",
                "benchlab.start" if run.by_start else "another process",
                run.title,
            )
            for run in self._runs
        ]


def live() -> LiveRuns:
    """The runs that go on on this machine, whoever began them, the latest first.

    With them are those that `benchlab.start` began and that have ended, until they are saved, by
    ``bl.Store().save(live.wait())`` or ``benchlab recover``.
    """
    found = []
    for directory in spool.runs():
        with suppress(RunError, DamagedError):  # ended just now; recover reports a damaged one
            if spool.was_started(directory):
                run = LiveRun(directory)
                if run.state == "running" or (run.by_start and run.state != "gone"):
                    found.append(run)
    return LiveRuns(found[::-1])
