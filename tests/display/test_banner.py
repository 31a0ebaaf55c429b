"""The line that a run opens with."""

from __future__ import annotations

import pytest

from benchlab.display.banner import Level, banner, banner_of
from benchlab.display.card import run_card
from benchlab.display.run_view import view
from benchlab.report.run_page import render_run_page
from benchlab.runs.verdict import Verdict
from tests.runs.synthetic import make_run


@pytest.mark.parametrize(
    ("verdict", "failed", "broken", "text", "level"),
    [
        ("valid", 0, 0, "valid", "good"),
        ("valid", 300, 1, "valid · 30 % failed · 1 of 3 objectives broken", "bad"),
        ("valid", 9, 0, "valid · 0.9 % failed", "caution"),
        ("valid", 10, 0, "valid · 1 % failed", "bad"),
        ("valid", 0, 3, "valid · 3 of 3 objectives broken", "bad"),
        ("valid", 1000, 0, "valid · 100 % failed", "bad"),
        ("invalid", 5, 0, "invalid · 0.5 % failed", "bad"),
        ("interrupted", 5, 0, "interrupted · 0.5 % failed", "caution"),
        ("imported", 0, 0, "imported", "neutral"),
        ("imported", 5, 0, "imported · 0.5 % failed", "caution"),
    ],
)
def test_banner_says_both_and_has_the_colour_of_the_worse(
    verdict: Verdict, failed: int, broken: int, text: str, level: Level
) -> None:
    shown = banner(verdict, count=1000, error_count=failed, objective_count=3, broken_count=broken)
    assert shown == (text, level)


@pytest.mark.parametrize(
    ("count", "failed", "text"),
    [
        (10**6, 1, "valid · <0.01 % failed"),
        (10**6, 10**6 - 1, "valid · >99.9 % failed"),
        (10**6, 999_000, "valid · 99.9 % failed"),
        (3, 1, "valid · 33.3 % failed"),
    ],
)
def test_share_of_failures_is_never_rounded_to_none_or_all(
    count: int, failed: int, text: str
) -> None:
    assert banner("valid", count=count, error_count=failed).text == text


def test_card_and_page_open_with_the_banner() -> None:
    run = make_run(errors=True, slo=["p99<1ns", "p99<1s"])
    text = "valid · 3 % failed · 1 of 2 objectives broken"
    assert banner_of(run) == (text, "bad")
    assert (view(run).banner, view(run).level) == (text, "bad")
    assert f">{text}</span>" in run_card(run)
    page = render_run_page(run, files=[])
    assert (
        f'<section class="verdict bad" aria-label="Verdict">\n<p><strong class="badge">{text}<'
        in page
    )
    assert f"<title>{run.name}: {text} " in page
