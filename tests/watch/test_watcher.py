"""What is shown where: in a notebook, on a terminal, in a log; with a Stop button or without."""

from __future__ import annotations

import importlib
import io
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from IPython import get_ipython
from IPython.display import display
from IPython.utils.capture import RichOutput, capture_output
from rich.console import Console

from benchlab.display.live import LiveView
from benchlab.watch.notebook import NotebookWatcher
from benchlab.watch.show import cell_watcher, watcher
from benchlab.watch.terminal import LineWatcher, TerminalWatcher
from benchlab.watch.watcher import Watcher
from benchlab.watch.widget import live_widget
from tests.ipython import ipython_shell

VIEW = LiveView(title="GET /", phase="measuring", done_ratio=0.5, done="5/10 s")
WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(autouse=True)
def _shell(tmp_path: Any) -> Iterator[None]:
    with ipython_shell(tmp_path):
        yield


def outputs(captured: Any) -> list[RichOutput]:
    return list(captured.outputs)


def data(output: RichOutput) -> dict[str, str]:
    found: dict[str, str] = output.data
    return found


def test_without_a_button_one_output_is_updated() -> None:
    with capture_output() as captured:
        watch = NotebookWatcher(None)
        watch.update(VIEW)
        watch.close(replace(VIEW, phase="done"))
    first, second, last = outputs(captured)
    assert not first.update
    assert second.update
    assert last.update
    assert second.transient == first.transient == last.transient
    assert "5/10 s" in data(second)["text/html"]
    assert set(data(last)) == {"text/html", "text/markdown", "text/plain"}
    assert data(last)["text/plain"].startswith("GET / · done")
    assert "<style>" not in data(last)["text/html"]


def test_a_kernel_without_anywidget_gets_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anywidget", None)
    assert live_widget(lambda: None) is None
    with capture_output() as captured:
        NotebookWatcher(lambda: None).close(VIEW)
    assert [WIDGET in data(output) for output in outputs(captured)] == [False, False]


def test_the_widget_is_beside_a_state_without_script_and_leaves_it_alone_in_the_end() -> None:
    with capture_output() as captured:
        watch = NotebookWatcher(lambda: None)
        watch.update(VIEW)
        watch.close()
    static, widget, *_, final, nothing = outputs(captured)
    assert "<style>" in data(static)["text/html"]
    assert WIDGET in data(widget)
    assert "5/10 s" in data(final)["text/html"]
    assert final.transient == static.transient
    assert nothing.transient == widget.transient
    assert set(data(nothing).values()) == {""}


def test_the_button_requests_a_stop_once() -> None:
    stopped: list[str] = []
    widget: Any = live_widget(lambda: stopped.append(threading.current_thread().name))
    press = widget._handle_custom_msg
    press({"kind": "stop"}, [])  # before there is anything to stop
    widget.stop_state = "ready"
    press({"kind": "other"}, [])
    assert stopped == []
    press({"kind": "stop"}, [])
    press({"kind": "stop"}, [])
    assert stopped == ["MainThread"]
    assert widget.stop_state == "stopping"


def test_a_stop_stays_requested_until_the_next_measurement_begins() -> None:
    shown: list[LiveView] = []

    class Recording(Watcher):
        every_s = 0.0

        def _draw(self, view: LiveView) -> None:
            shown.append(view)

        def _end(self, view: LiveView | None) -> None:
            assert view is not None
            shown.append(view)

    watch = Recording()
    watch.update(replace(VIEW, phase="stopping", stop_requested=True))
    watch.close(replace(VIEW, phase="done"))
    watch.close(VIEW)  # nothing is left to do
    watch.update(VIEW)
    assert [(view.stop_requested, view.finished) for view in shown] == [
        (True, False),
        (True, True),
        (False, False),
    ]


def test_on_a_terminal_it_stays_in_place() -> None:
    out = Console(file=io.StringIO(), force_terminal=True, width=60, color_system=None)
    watch = TerminalWatcher(out)
    with out.capture() as capture:
        watch.update(VIEW)
        watch.close(replace(VIEW, phase="done", done="10/10 s"))
    assert "\x1b[1A" in capture.get()  # the cursor goes up
    assert "10/10 s" in capture.get()


def test_in_a_log_there_are_few_lines() -> None:
    out = Console(file=io.StringIO(), width=200)
    watch = LineWatcher(out)
    with out.capture() as capture:
        for second in range(100):
            watch.update(replace(VIEW, done=f"{second}/100 s"))
        watch.close()
    lines = capture.get().splitlines()
    assert lines[0] == "GET / · measuring · 0/100 s"
    assert lines[-1] == "GET / · measuring · 99/100 s"


def test_it_is_chosen_by_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(watcher(), LineWatcher)
    monkeypatch.setattr(Console, "is_terminal", True)
    monkeypatch.delenv("CI", raising=False)
    assert isinstance(watcher(), TerminalWatcher)
    monkeypatch.setenv("CI", "true")
    assert isinstance(watcher(), LineWatcher)
    with capture_output():
        kernel = SimpleNamespace(kernel=object(), display=display)
        monkeypatch.setattr("IPython.get_ipython", lambda: kernel)
        assert isinstance(watcher(), NotebookWatcher)


@pytest.mark.parametrize("views", [[], [VIEW]], ids=["before its start", "later"])
def test_work_that_fails_leaves_no_button(
    views: list[LiveView], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = get_ipython()
    assert shell is not None
    monkeypatch.setattr(shell, "kernel", object(), raising=False)
    with capture_output() as captured:
        watch = cell_watcher(lambda: None)
        for view in views:
            watch.update(view)
        shell.events.trigger("post_run_cell", None)
    *_, final, nothing = outputs(captured)
    assert ("measuring" in data(final)["text/plain"]) == bool(views)
    assert set(data(nothing).values()) == {""}


def test_the_script_is_shipped_beside_the_module() -> None:
    widget: Any = live_widget(lambda: None)
    assert "export default" in widget._esm
    module = importlib.import_module("benchlab.watch.widget")
    assert module.__file__ is not None
    assert "http" not in widget._esm
