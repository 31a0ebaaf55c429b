"""The live view in a real JupyterLab in a real browser. What it shows is in tests/display/live."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from benchlab import live
from benchlab.bundled import TargetProcess
from tests.browser import chromium
from tests.lab.jupyterlab import JupyterLab, Notebook, jupyterlab

WIDGET = "application/vnd.jupyter.widget-view+json"

PLAN = """\
import benchlab as bl
from benchlab import notebook
request = bl.Request("GET", "{url}/health")
plan = bl.Plan(request, bl.ConstantRate(20), duration_s=3600)  # until it is stopped
"""
START = "live = bl.start(plan)\nlive.show()"
RUN = "run = bl.run(plan, on_progress=notebook.show_progress())\nprint('it is', run.verdict)"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterLab]:
    directory = tmp_path_factory.mktemp("lab")
    data = str(directory / "benchlab")
    with chromium() as browser:
        try:
            with jupyterlab(browser, directory, {"BENCHLAB_DATA_DIR": data}) as server:
                yield server
        finally:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("BENCHLAB_DATA_DIR", data)
                for run in live():  # of a test that failed
                    run.stop(abort=True)


def opened(lab: JupyterLab, target: TargetProcess, name: str, *sources: str) -> Notebook:
    """A notebook whose first cell, with a plan, was run."""
    found = lab.open(lab.write(name, PLAN.format(url=target.url), *sources))
    found.page.get_by_text("| Idle").wait_for()
    found.run_cell(0)
    return found


def test_a_run_is_watched_again_after_a_reload_in_two_tabs(
    lab: JupyterLab, target: TargetProcess
) -> None:
    first = opened(lab, target, "again", START)
    first.run_cell(1)
    first.goes_on(first.widget)
    expect(first.static).to_be_hidden()
    state, view = first.save()[1].outputs
    assert "<svg" in state.data["text/html"]
    assert "requests/s" in state.data["text/plain"]
    assert WIDGET in view.data

    first.page.reload()
    first.is_back()
    first.page.close()
    first = lab.open(first.path)
    first.is_back()
    second = lab.open(first.path)
    second.is_back()
    first.goes_on(first.widget)
    for tab in (first, second):
        expect(tab.static).to_be_hidden()

    second.stop.click()
    for tab in (first, second):
        expect(tab.widget.get_by_text("stopped early")).to_be_visible()
        expect(tab.stop).to_be_hidden()
        tab.page.close()


def test_a_run_is_watched_from_the_next_kernel(lab: JupyterLab, target: TargetProcess) -> None:
    tab = opened(lab, target, "restarted", START, "import benchlab as bl\nbl.live()[0].show()")
    tab.run_cell(1)
    tab.goes_on(tab.widget)
    tab.restart_kernel()
    cell = tab.run_cell(2)
    tab.goes_on(cell.locator(".benchlab-live-widget"))
    cell.get_by_role("button", name="Stop").click()
    expect(cell.locator(".benchlab-live-static").get_by_text("stopped early")).to_be_visible()
    tab.page.close()


def test_a_cell_is_stopped_while_it_runs(lab: JupyterLab, target: TargetProcess) -> None:
    """By the button; by an interrupt; and where there are no widgets."""
    without = f"import sys; sys.modules['anywidget'] = None\n{RUN}"
    tab = opened(lab, target, "blocked", RUN, RUN, without)
    cell = tab.run_cell(1)
    tab.goes_on(cell.locator(".benchlab-live-widget"))
    cell.get_by_role("button", name="Stop").click()
    expect(cell.get_by_text("it is interrupted")).to_be_visible()

    cell = tab.run_cell(2)
    tab.goes_on(cell.locator(".benchlab-live-widget"))
    tab.interrupt_kernel()
    expect(cell.get_by_text("it is interrupted")).to_be_visible()

    cell = tab.run_cell(3)
    tab.goes_on(cell.locator(".benchlab-live-static"))
    expect(cell.locator(".benchlab-live-widget")).to_have_count(0)
    tab.interrupt_kernel()
    expect(cell.get_by_text("it is interrupted")).to_be_visible()

    for cell_in_file in tab.save()[1:4]:
        state, *others = cell_in_file.outputs
        assert "stopped early" in state.data["text/html"]
        assert "stopped early" in state.data["text/markdown"]
        assert all(WIDGET not in output.get("data", {}) for output in others)
    tab.page.close()
