"""The widget of a live view: a picture that Python draws, and a Stop button.

Its messages are handled while a cell runs: from ipykernel 7 on, JupyterLab sends them to a thread
of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

__all__ = ["LiveWidget", "live_widget"]

_HERE = Path(__file__).parent


class LiveWidget(Protocol):
    """As much of the widget as is used here."""

    html: str
    stop_state: str

    def _repr_mimebundle_(self, **kwargs: Any) -> Any: ...


def live_widget(stop: Callable[[], None]) -> LiveWidget | None:
    """A new widget, whose button calls ``stop`` in another thread; None without anywidget."""
    try:
        import anywidget
        import traitlets
    except ImportError:
        return None

    class Widget(anywidget.AnyWidget):
        """Its state is drawn by every page that shows it."""

        _esm = (_HERE / "widget.js").read_text(encoding="utf-8")
        _css = (_HERE / "widget.css").read_text(encoding="utf-8")
        html = traitlets.Unicode().tag(sync=True)
        stop_state = traitlets.Unicode("none").tag(sync=True)
        stop_label = traitlets.Unicode("Stop the measurement").tag(sync=True)

    widget = Widget()

    def on_message(_widget: object, message: Any, _buffers: object) -> None:
        if message == {"kind": "stop"} and widget.stop_state == "ready":
            widget.stop_state = "stopping"
            stop()

    widget.on_msg(on_message)
    _listen_while_a_cell_runs(widget.comm)
    return widget


def _listen_while_a_cell_runs(comm: Any) -> None:
    """Leave messages of a page in the subshell that the page chose for them.

    ipykernel 7.4 puts them into the shell that the widget was last drawn from instead, so that
    code which waits for a reply gets it. Here that is the shell of the cell, which is busy.
    """
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda _data, chosen: chosen
