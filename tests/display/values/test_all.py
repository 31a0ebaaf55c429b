"""Every public value shows itself as HTML, Markdown and text, safe to hand on."""

from __future__ import annotations

import inspect
import re

import numpy as np
import pytest

import benchlab as bl
from benchlab.display.html import LEVEL_COLORS
from benchlab.display.renderers import RENDERERS
from benchlab.displayed import Displayed
from tests.display.values.examples import REQUEST, SECRET, VALUES

DRAWN = "#3b8ccf"
PAPERS = {"light": "#ffffff", "dark": "#111111"}  # of JupyterLab's themes


def luminance(color: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours (WCAG 2.2)."""
    darker, lighter = sorted(map(luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def forms(value: object) -> dict[str, str]:
    assert isinstance(value, Displayed)
    return value._repr_mimebundle_()


def test_every_public_class_is_among_the_examples() -> None:
    classes = {name: value for name in bl.__all__ if inspect.isclass(value := getattr(bl, name))}
    shown_by_the_store = {"Store"}  # needs one: see tests/store/test_overview.py
    errors = {"BenchlabError"}  # is raised, and shown as an error
    watched = {"LiveRun", "LiveRuns"}  # show themselves by the live view: see tests/watch
    assert set(classes) - shown_by_the_store - errors - watched <= set(VALUES)
    assert bl.Store in RENDERERS
    for name, cls in classes.items():
        assert name in errors | watched or issubclass(cls, Displayed), name


@pytest.mark.parametrize("name", VALUES)
def test_a_value_has_three_forms_that_are_safe(name: str) -> None:
    value = VALUES[name]
    assert type(value).__name__ == name
    shown = forms(value)
    assert set(shown) == {"text/plain", "text/markdown", "text/html"}
    assert SECRET not in "".join(shown.values())
    assert shown["text/html"].startswith("<style>")
    assert "<script" not in shown["text/html"] + shown["text/markdown"]
    assert "@someone" not in shown["text/markdown"]
    assert "\x1b" not in "".join(shown.values())
    assert re.match(r"### \S", shown["text/markdown"])
    assert isinstance(value, Displayed)
    assert value._repr_html_() == shown["text/html"]
    assert value._repr_markdown_() == shown["text/markdown"]


@pytest.mark.parametrize("name", VALUES)
def test_as_text_a_value_is_short(name: str) -> None:
    lines = forms(VALUES[name])["text/plain"].splitlines()
    assert 0 < len(lines) <= 60
    assert max(map(len, lines)) <= 110


@pytest.mark.parametrize("name", VALUES)
def test_its_colours_are_readable_on_light_and_dark_paper(name: str) -> None:
    html = forms(VALUES[name])["text/html"]
    assert {*re.findall(r"#[0-9a-f]{6}\b", html)} <= {*LEVEL_COLORS.values(), DRAWN}
    # White on a badge is the only fixed text; all other text has the colour of the notebook.
    assert re.findall(r"[{;\"]color:([^;}\"]+)", html) == ["inherit", "#fff"]


def test_badges_and_drawings_stand_out() -> None:
    for color in LEVEL_COLORS.values():
        assert contrast("#ffffff", color) >= 4.5
    for paper in PAPERS.values():
        assert contrast(DRAWN, paper) >= 3


def test_a_run_as_markdown_has_verdict_percentiles_and_intervals() -> None:
    text = forms(VALUES["Run"])["text/markdown"]
    assert "**valid · 3 % failed · 1 of 1 objective broken**" in text
    assert "| ms | mean | min | p50 | p90 | p95 | p99 | p99.9 | max |" in text
    assert re.search(r"^\| 95 % interval from \| 1\.466 \| ≥ 2\.322 \|", text, re.MULTILINE)
    assert "| p99&lt;5ms | broken | 912 ms |" in text


def test_a_plan_shows_its_rate_over_time() -> None:
    shown = forms(VALUES["Plan"])
    assert "▂▂▂▂▂▂▂▂████▂▂" in shown["text/plain"]
    assert 'aria-label="rate over 30 s, up to 500.0 requests/s"' in shown["text/html"]


def test_of_a_plan_for_weeks_the_requests_are_not_counted() -> None:
    week = bl.Plan(REQUEST, bl.ConstantRate(1e6), duration_s=7 * 86_400)  # 605 billion
    assert "planned" not in forms(week)["text/plain"]
    assert "planned 10 requests" in forms(week.replace(request_count=10))["text/plain"]


def test_a_histogram_shows_whatever_it_may_hold() -> None:
    histogram = bl.LatencyHistogram(bl.LatencyHistogram.LIMIT_NS)
    assert "0 values" in forms(histogram)["text/plain"]
    histogram.record(np.array([0, bl.LatencyHistogram.LIMIT_NS]))
    assert "2 values" in forms(histogram)["text/plain"]
