"""Watch work in progress on a terminal, or in a log."""

from __future__ import annotations

from rich.console import Console
from rich.live import Live

from benchlab.display.live import LiveView, live_line
from benchlab.display.live.terminal import live_rich
from benchlab.watch.watcher import Watcher

__all__ = ["LineWatcher", "TerminalWatcher"]

_LINE_EVERY_S = 5.0


class TerminalWatcher(Watcher):
    """A view that stays in place on a terminal."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._live = Live(console=console, auto_refresh=False)

    def _draw(self, view: LiveView) -> None:
        self._live.start()
        self._live.update(live_rich(view), refresh=True)

    def _end(self, view: LiveView | None) -> None:
        if view is not None:
            self._draw(view)
        self._live.stop()


class LineWatcher(Watcher):
    """A line every few seconds, for a log that nobody watches, such as that of a CI job."""

    every_s = _LINE_EVERY_S

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def _draw(self, view: LiveView) -> None:
        self._console.print(live_line(view), markup=False, highlight=False, soft_wrap=True)

    def _end(self, view: LiveView | None) -> None:
        if view is not None:
            self._draw(view)
