"""Choose how work in progress is shown: by a widget, an output, a terminal, or lines."""

from __future__ import annotations

import os
from collections.abc import Callable

from benchlab.load.run import in_kernel
from benchlab.watch.watcher import Watcher

__all__ = ["cell_watcher", "watcher"]


def watcher(stop: Callable[[], None] | None = None) -> Watcher:
    """What shows work in progress here. ``stop`` is called, in any thread, by a Stop button.

    In a notebook it is a widget, or without anywidget or ``stop`` an output that is updated; on a
    terminal a view that stays in place; elsewhere, such as in a CI job, a line every few seconds.
    On the last two there is no button: Ctrl-C stops.
    """
    if in_kernel():
        from benchlab.watch.notebook import NotebookWatcher

        return NotebookWatcher(stop)
    from rich.console import Console

    from benchlab.watch.terminal import LineWatcher, TerminalWatcher

    console = Console(stderr=True)
    if console.is_terminal and not os.environ.get("CI"):
        return TerminalWatcher(console)
    return LineWatcher(console)


def cell_watcher(stop: Callable[[], None] | None = None) -> Watcher:
    """`watcher` of work that a cell waits for: closed when the cell ends, however it ends."""
    watch = watcher(stop)
    if watch.goes_on_alone:
        from IPython import get_ipython

        get_ipython().events.register("post_run_cell", lambda _result: watch.close())
    return watch
