"""A run that another process carries out: watch it, stop it, and get what it measured."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchlab import spool
from benchlab.errors import LeftRunning, RunError, RunNotFoundError
from benchlab.load.supervisor.progress import Progress, ProgressReader
from benchlab.plan.plan import Plan
from benchlab.runs.host_record import HostRecord
from benchlab.text import plural, printable
from benchlab.units import NS_PER_S

if TYPE_CHECKING:
    from benchlab.display.live import LiveView
    from benchlab.runs.run import Run
    from benchlab.watch.watcher import Watcher

__all__ = ["LiveRun"]

_LOOK_EVERY_S = 0.1


class LiveRun:
    """A run in another process, from its first request until it is saved.

    Made by `benchlab.start`, or found by `benchlab.live` in any kernel or script of this machine.
    ``id`` is the id of the run, ``title`` describes its plan. ``plan`` is without credentials, rows
    of data and code unless this process started the run. ``started_at`` is the moment of time 0,
    and ``by_start`` says whether `benchlab.start` began it; the others are runs of `benchlab.run`,
    of an experiment or of the command line, whose process saves them itself.
    """

    id: str
    title: str
    plan: Plan
    started_at: datetime
    by_start: bool

    def __init__(self, directory: Path, plan: Plan | None = None) -> None:
        """``plan`` is the one that the run was started with, if that is known.

        Raises:
            RunError: the directory holds no run that was started, or cannot be read.
            DamagedError: a file in it is damaged.
        """
        head = spool.read_head(directory)
        self.id = head.id
        self.plan = plan or head.plan
        self.title = printable(self.plan.describe())
        self.started_at = datetime.fromtimestamp(head.started_at_ns / NS_PER_S, UTC)
        self.by_start = spool.detached_log_path(directory).exists()
        self._started_at_ns = head.started_at_ns
        self._directory = directory
        self._is_direct = spool.is_direct(directory)
        self._given = plan
        self._lock = threading.RLock()  # a button may ask while a cell does
        self._reader: ProgressReader | None = None
        self._final: Progress | None = None
        self._run: Run | None = None
        self._drawing: list[threading.Thread] = []

    @property
    def state(self) -> str:
        """``running``; ``done``, whether complete or stopped; ``failed`` if its process was ended;
        or ``gone`` if the spool has it no more, because it was saved or deleted."""
        if self._run is not None:
            return "done"
        if spool.is_in_use(self._directory):
            return "running"
        if spool.has_outcome(self._directory):
            return "done"
        return "failed" if self._directory.is_dir() else "gone"

    def progress(self) -> Progress:
        """The state of the run right now; of one that has ended, its last.

        Raises:
            RunError: the run is gone.
        """
        with self._lock:
            if self._final is not None:
                return self._final
            state = self.state
            if state == "gone":
                raise self._gone()
            if self._reader is None:
                self._reader = ProgressReader(self._directory, self.plan)
            try:
                if state == "running":
                    run_ns = max(0, time.time_ns() - self._started_at_ns)
                    stopping = "stopping" if spool.requested_stop(self._directory) else ""
                    return self._reader.poll(run_ns, stopping)
                stopped_ns = spool.read_stopped_ns(self._directory)
                self._final = self._reader.final(stopped_ns, state)
            except FileNotFoundError:  # removed meanwhile
                raise self._gone() from None
            return self._final

    def show(self) -> None:
        """Show the run until it ends: in a notebook below the cell, else on standard error.

        In a notebook this returns at once and the view goes on below the cell, with a button to
        stop the run: the kernel stays free, which a page that is loaded again needs to show it.
        Elsewhere it returns when the run has ended; an interrupt leaves the run going. It may be
        shown by any number of cells, tabs and processes, and again after it has ended.

        Raises:
            LeftRunning: interrupted; it is a KeyboardInterrupt.
            RunError: the run is gone.
        """
        from benchlab.watch.show import watcher

        view = self._view()
        watched = watcher(self.stop if self.state == "running" else None)
        if watched.goes_on_alone:
            watched.update(view)
            drawing = threading.Thread(target=self._draw, args=(watched, view), daemon=True)
            self._drawing.append(drawing)
            drawing.start()
        else:
            with self._left_running():
                self._draw(watched, view)

    def _draw(self, watched: Watcher, view: LiveView) -> None:
        from benchlab.watch.watcher import EVERY_S

        try:
            while self.state == "running":
                watched.update(view)
                time.sleep(EVERY_S)
                view = self._view(view)
        finally:
            watched.close(self._view(view))

    def wait(self, timeout_s: float | None = None) -> Run:
        """Wait until the run has ended, and return it. An interrupt leaves the run going.

        It stays in the spool until it is saved: ``bl.Store().save(live.wait())``.

        Raises:
            LeftRunning: interrupted; it is a KeyboardInterrupt.
            RunError: it has not ended within ``timeout_s``; its process was killed; or it is gone.
        """
        end = None if timeout_s is None else time.monotonic() + timeout_s
        with self._left_running():
            while self.state == "running":
                if end is not None and time.monotonic() >= end:
                    raise RunError(
                        f"the run {self.id} goes on after {timeout_s:g} s",
                        remedy="wait longer, or end it with stop()",
                    )
                time.sleep(_LOOK_EVERY_S)
        return self._read()

    async def result(self) -> Run:
        """`wait` for asynchronous code: ``run = await live.result()``.

        Cancelling leaves the run going.

        Raises:
            RunError: its process was killed, or it is gone.
        """
        while self.state == "running":
            await asyncio.sleep(_LOOK_EVERY_S)
        return await asyncio.to_thread(self._read)

    def stop(self, *, abort: bool = False) -> None:
        """Request that the run ends early, from any process; nothing happens if it has ended.

        Within half a second no new requests are sent; those that are open may finish, unless
        ``abort``. It is what Ctrl-C does to `benchlab.run`, so in an experiment it ends the
        experiment. Then `wait` returns what was measured, with the verdict ``interrupted``.

        Raises:
            RunError: the request cannot be written.
        """
        try:
            if self.state == "running":
                spool.request_stop(self._directory, abort=abort)
        except RunError:
            if self.state == "running":
                raise  # else it has ended just now, and its process has saved it

    def to_dict(self) -> dict[str, Any]:
        """Its state and its numbers, JSON-ready.

        Raises:
            RunError: the run is gone.
        """
        return {
            "id": self.id,
            "title": self.title,
            "state": self.state,
            "started_at": self.started_at.isoformat(),
            "by_start": self.by_start,
            "progress": self.progress().to_dict(),
            "hosts": [host.to_dict() for host in self._hosts()],
        }

    def __repr__(self) -> str:
        return f"<LiveRun {self.id}, {self.describe()}: {self.title}>"

    def _repr_html_(self) -> str:
        from html import escape

        from benchlab.display.live import live_html

        try:
            return live_html(self._view())
        except RunError:
            return f"<div>{escape(repr(self))}</div>"

    def _repr_markdown_(self) -> str:
        from benchlab.display.live import live_markdown

        try:
            return live_markdown(self._view())
        except RunError:
            return f"`{self!r}`"

    def describe(self) -> str:
        """Its state, how long it has gone on, how many requests it has made, and of a cluster how
        many hosts make them.

        Reading no samples takes no time, however many there are.
        """
        parts = [str(self.state)]
        if parts == ["running"] and self.plan.request_count is None:
            total_ns = self.plan.end_ns
            elapsed_ns = min(max(0, time.time_ns() - self._started_at_ns), total_ns)
            parts.append(f"{elapsed_ns / NS_PER_S:.0f}/{total_ns / NS_PER_S:.0f} s")
        if parts != ["gone"]:
            if self._is_direct:
                count = self.progress().count
            else:
                count = spool.count_records(self._directory, self.plan.workers)
            parts.append(plural(count, self.plan.sample_noun))
            if hosts := self._hosts():
                lost = sum(bool(host.lost) for host in hosts)
                parts.append(plural(len(hosts), "host") + (f" ({lost:,} lost)" if lost else ""))
        return ", ".join(parts)

    def _hosts(self) -> tuple[HostRecord, ...]:
        """The hosts of the cluster that makes the load, as far as they are known."""
        return self._run.hosts if self._run is not None else spool.read_hosts(self._directory)

    def _view(self, before: LiveView | None = None) -> LiveView:
        """What is shown of it; of one that is gone, what was shown ``before``."""
        from benchlab.display.live.run import run_view

        try:
            return run_view(self.progress())
        except RunError:
            if before is None:
                raise
            return replace(before, phase="ended")

    def _read(self) -> Run:
        for drawing in self._drawing:
            drawing.join()  # a notebook that ends now has the last state
        with self._lock:
            if self._run is None:
                state = self.state
                if state == "gone" and self._is_direct:
                    self._run = self._stored()
                    return self._run
                if state == "gone":
                    raise self._gone()
                if state == "failed":
                    raise RunError(
                        f"the process of the run {self.id} ended before the run was"
                        f" complete{self._last_line()}",
                        remedy="benchlab recover saves what it measured",
                    )
                try:
                    self._run = spool.read_run(self._directory, self._given)
                except RunError:
                    if self._directory.is_dir():
                        raise
                    raise self._gone() from None  # saved while it was being read
            return self._run

    def _stored(self) -> Run:
        """The run, whose samples went straight to the store."""
        from benchlab.store import Store

        try:
            return Store().load(self.id)
        except RunNotFoundError:
            raise self._gone() from None

    @contextmanager
    def _left_running(self) -> Iterator[None]:
        try:
            yield
        except KeyboardInterrupt:
            raise LeftRunning(
                f"interrupted; the run {self.id} goes on: stop() ends it, and benchlab.live() finds"
                " it again"
            ) from None

    def _gone(self) -> RunError:
        return RunError(
            f"the run {self.id} has left the spool: it was saved or deleted",
            remedy=f"if it was saved, benchlab.Store().load({self.id!r}) returns it",
        )

    def _last_line(self) -> str:
        """The last line that its process wrote to its log, if it has one and wrote to it."""
        try:
            text = spool.detached_log_path(self._directory).read_text(errors="replace")
        except OSError:
            return ""
        return f" ({text.strip().splitlines()[-1]})" if text.strip() else ""
