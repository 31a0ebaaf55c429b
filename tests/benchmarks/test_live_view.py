"""How soon a Stop button acts while its cell runs, and how soon a view is back after a reload."""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from benchlab.bundled import TargetProcess
from tests.benchmarks.table import show
from tests.browser import chromium
from tests.lab.jupyterlab import jupyterlab

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(900)]

ROUNDS = 5
MOST_STOP_MS, MOST_BACK_MS = 500, 2000

STOPPED = """\
import json, time
from benchlab.load.supervisor import stop_signal
class Timed(stop_signal.StopSignal):
    def request(self, *arguments, **options):
        requested_ms.append(1000 * time.time())
        super().request(*arguments, **options)
import benchlab.load.run
benchlab.load.run.StopSignal = Timed
import benchlab as bl
plan = bl.Plan(bl.Request("GET", "{url}/health"), bl.ConstantRate(50), duration_s=3600)
requested_ms = []
"""
RUN = """\
run = bl.run(plan, on_progress=bl.notebook.show_progress())
print(json.dumps({"requested_ms": requested_ms[-1]}))
"""
START = "live = bl.start(plan)\nlive.show()"


def test_a_stop_acts_and_a_view_comes_back(tmp_path: Path, target: TargetProcess) -> None:
    stop_ms, back_ms, page_ms = [], [], []
    environment = {"BENCHLAB_DATA_DIR": str(tmp_path / "data")}
    with chromium() as browser, jupyterlab(browser, tmp_path, environment) as lab:
        sources = [STOPPED.replace("{url}", target.url), *[RUN] * ROUNDS, START]
        tab = lab.open(lab.write("measured", *sources))
        tab.page.get_by_text("| Idle").wait_for()
        tab.run_cell(0)
        for number in range(1, ROUNDS + 1):
            cell = tab.run_cell(number)
            tab.goes_on(cell.locator(".benchlab-live-widget"))
            button = cell.get_by_role("button", name="Stop")
            # The page's own clock, which is this machine's: not the time that a test's click takes.
            button.evaluate("b => b.addEventListener('click', () => window.pressed = Date.now())")
            button.click()
            said = cell.locator(".jp-OutputArea-output", has_text="requested_ms")
            said.wait_for()
            requested_ms = json.loads(said.inner_text())["requested_ms"]
            stop_ms.append(requested_ms - tab.page.evaluate("window.pressed"))

        tab.run_cell(ROUNDS + 1)
        tab.goes_on(tab.widget)
        tab.save()
        for _ in range(ROUNDS):
            before = time.monotonic()
            tab.page.reload()
            tab.page.locator(".jp-CodeCell").first.wait_for()
            loaded = time.monotonic()
            tab.widget.or_(tab.static).first.wait_for()
            expect(tab.widget).to_be_visible()
            page_ms.append(1000 * (loaded - before))
            back_ms.append(1000 * (time.monotonic() - loaded))
        tab.stop.click()
        expect(tab.widget.get_by_text("stopped early")).to_be_visible()
    rows = [
        (name, f"{statistics.median(values):.0f}", f"{max(values):.0f}", limit)
        for name, values, limit in (
            ("from the click to the run's stop", stop_ms, MOST_STOP_MS),
            ("JupyterLab's own page", page_ms, "–"),
            ("from the page to the view that goes on", back_ms, MOST_BACK_MS),
        )
    ]
    show(
        f"the live view in JupyterLab, {ROUNDS} rounds",
        ["", "median, ms", "most, ms", "limit, ms"],
        rows,
    )
    assert statistics.median(stop_ms) < MOST_STOP_MS
    assert statistics.median(back_ms) < MOST_BACK_MS
