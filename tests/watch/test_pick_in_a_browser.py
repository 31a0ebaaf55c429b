"""The table of runs to choose from, in a browser: by mouse and by keyboard, with hostile names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from math import nan
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from benchlab.store.choice import RunChoice
from benchlab.watch.pick.widget import pick_widget
from tests.browser import chromium

HOSTILE = "<img src=x onerror='window.hacked = true'>"
PAGE = """<!doctype html><title>cell</title><style>%s</style><div id="cell"></div>
<script type="module">
%s
const state = %s;
const model = {
  get: (name) => state[name],
  set: (name, value) => { state[name] = value; },
  save_changes: () => { window.saved = state.chosen; },
  on: () => {},
  off: () => {},
};
widget.render({ model, el: document.getElementById("cell") });
</script>"""
"""What a notebook does with a widget: it is given its element and its state."""


def row(number: int, **changes: Any) -> dict[str, Any]:
    """A row as `Store.overview` has it."""
    known = {
        "run_id": f"{number:016x}",
        "name": "checkout",
        "verdict": "valid",
        "started_at": datetime(2026, 11, number, tzinfo=UTC),
        "count": 100,
        "error_count": 0,
        "objective_count": 0,
        "broken_objective_count": 0,
        "rate_rps": 10.0,
        "latency_p50_ms": 1.0,
        "latency_p99_ms": 2.0,
        "p99_over_time_ms": [1.0, nan, 2.0],
    }
    return {**known, **changes}


ROWS = [row(3), row(2, name=HOSTILE, latency_p50_ms=None), row(1, verdict="invalid")]


@pytest.fixture(scope="module")
def browser_page() -> Iterator[Page]:
    with chromium() as browser:
        yield browser.new_page()


@pytest.fixture
def page(browser_page: Page) -> Page:
    """A page with the table, nothing chosen."""
    widget: Any = pick_widget(RunChoice(ROWS, lambda _: []))
    script = widget._esm.replace("export default {", "const widget = {")
    state = json.dumps({"table": widget.table, "chosen": []}).replace("<", "\\u003c")
    browser_page.set_content(PAGE % (widget._css, script, state))
    return browser_page


def test_runs_are_chosen_by_mouse(page: Page) -> None:
    status = page.get_by_role("status")
    expect(status).to_have_text("0 chosen, 3 of 3 shown")
    page.get_by_label(f"choose run {3:016x}, checkout").check()
    page.get_by_role("row").nth(3).get_by_text("invalid").click()
    expect(status).to_have_text("2 chosen, 3 of 3 shown")
    assert page.evaluate("window.saved") == [f"{3:016x}", f"{1:016x}"]
    page.get_by_role("row").nth(3).get_by_text("invalid").click()
    assert page.evaluate("window.saved") == [f"{3:016x}"]
    page.get_by_role("button", name="Choose none").click()
    assert page.evaluate("window.saved") == []


def test_runs_are_filtered_and_chosen_by_keyboard(page: Page) -> None:
    page.get_by_label("Filter").focus()
    page.keyboard.type("2026-11-03 CHECK")
    status = page.get_by_role("status")
    expect(status).to_have_text("0 chosen, 1 of 3 shown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(status).to_have_text("1 chosen, 1 of 3 shown")
    page.get_by_label(f"choose run {3:016x}").focus()
    page.keyboard.press("Space")
    expect(status).to_have_text("0 chosen, 1 of 3 shown")


def test_names_are_text(page: Page) -> None:
    page.get_by_label("Filter").fill("onerror")
    expect(page.get_by_role("status")).to_have_text("0 chosen, 1 of 3 shown")
    assert page.locator("img").count() == 0
    assert page.evaluate("window.hacked") is None
    expect(page.get_by_role("rowheader", name="<img src=x")).to_have_attribute("title", HOSTILE)


def test_gaps_of_a_line_are_gaps(page: Page) -> None:
    drawn = page.locator("svg path").first.get_attribute("d")
    assert drawn is not None
    assert drawn.count("M") == 2
