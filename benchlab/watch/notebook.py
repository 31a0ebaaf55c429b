"""Watch work in progress in a notebook.

There are two outputs. The first is the state as HTML and as text, without any script: it is what a
saved notebook, a converted one and one without a kernel show. The second is the widget, which
follows the work at once and comes back when the page is loaded again. While the widget is there, a
style sheet in the first output hides the first; otherwise it hides the second, which would say
"Loading widget…" for ever. In the end only the first is left.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from benchlab.display.live import LiveView, live_html, live_markdown, live_text
from benchlab.watch.watcher import Watcher
from benchlab.watch.widget import live_widget

__all__ = ["NotebookWatcher"]

_STATIC_EVERY_S = 2.0
_NOTHING = {"text/html": "", "text/plain": ""}  # of no height; converters warn of an empty dict
_NOTHING_YET = "starting …"

_STYLE = """<style>
.jp-OutputArea-child:has(.benchlab-live-static):has(+ .jp-OutputArea-child .benchlab-live-widget),
.jp-OutputArea-child:has(.benchlab-live-static) +
.jp-OutputArea-child:not(:has([data-mime-type], .benchlab-live-widget)) {display: none}
</style>"""
"""What JupyterLab says in place of a widget is the only output without a type."""


class NotebookWatcher(Watcher):
    """A view below a cell, of a kernel whose frontend shows widgets or not.

    It is made in the thread that runs the cell, and may be updated from any.
    """

    goes_on_alone = True

    def __init__(self, stop: Callable[[], None] | None) -> None:
        super().__init__()
        self._stop = stop
        self._widget = None if stop is None else live_widget(self._request_stop)
        self._static_s = -float("inf")
        # Handles: in a thread, "the output of this cell" has no meaning.
        self._static, self._view = _handle(), _handle()
        self._style = "" if self._widget is None else _STYLE
        self._static.display(_bundle(None, self._style), raw=True)
        if self._widget is not None:
            self._view.display(self._widget)

    def _request_stop(self) -> None:
        self._stop_requested = True
        assert self._stop is not None
        self._stop()

    def _begin(self) -> None:
        super()._begin()
        self._static_s = -float("inf")
        if self._widget is not None:
            self._widget.stop_state = "none"
            self._view.update(self._widget)

    def _draw(self, view: LiveView) -> None:
        if self._widget is not None:
            self._widget.stop_state = "stopping" if view.stop_requested else "ready"
            self._widget.html = live_html(view)
            if time.monotonic() < self._static_s + _STATIC_EVERY_S:
                return
        self._static_s = time.monotonic()
        self._static.update(_bundle(view, self._style), raw=True)

    def _end(self, view: LiveView | None) -> None:
        self._static.update(_NOTHING if view is None else _bundle(view), raw=True)
        if self._widget is not None:
            # For pages loaded again meanwhile: the updates of a display do not reach them.
            self._widget.html = "" if view is None else live_html(view)
            self._widget.stop_state = "ended"
            self._view.update(_NOTHING, raw=True)


def _handle() -> Any:
    from IPython.display import DisplayHandle

    return DisplayHandle()  # type: ignore[no-untyped-call]


def _bundle(view: LiveView | None, style: str = "") -> dict[str, str]:
    """``view`` for whoever shows the notebook: HTML, Markdown or text."""
    html = _NOTHING_YET if view is None else live_html(view)
    bundle = {
        "text/html": f'{style}<div class="benchlab-live-static">{html}</div>',
        "text/plain": _NOTHING_YET if view is None else live_text(view),
    }
    if view is not None:
        bundle["text/markdown"] = live_markdown(view)
    return bundle
