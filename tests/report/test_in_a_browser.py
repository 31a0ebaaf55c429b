"""The page in a real browser, without a network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page

from benchlab.report import write_report
from benchlab.runs.server_side import ServerSide
from benchlab.runs.trace_coverage import TraceCoverage
from benchlab.samples.examples import make_example
from tests.browser import chromium
from tests.runs.synthetic import join_server, make_buckets, make_run, make_trace


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    run = make_run(stall=True, errors=True, trace_ratio=1.0, name="n" * 80)
    script = b"<script>document.title = 'taken'</script>" + b"x" * 3000
    headers = [("X-Long", "y" * 300)]
    example = make_example("check", "a" * 80, 1, 2, 200, "z" * 400, headers, script, len(script))
    run = replace(run, examples=(example,))
    directory = tmp_path_factory.mktemp("report")
    return write_report(
        run,
        directory,
        server=ServerSide(
            join_server(run), TraceCoverage(1000, 1000), (make_trace(run),), make_buckets(run)
        ),
    ).as_uri()


def test_the_page_opens_offline_and_requests_nothing(browser: Browser, report: str) -> None:
    with browser.new_context(offline=True) as context:
        page = context.new_page()
        asked: list[str] = []
        messages: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: messages.append(message.text))
        page.on("pageerror", lambda error: messages.append(str(error)))
        page.goto(report)
        assert asked == [report]
        assert messages == []
        assert "taken" not in page.title()
        assert page.locator(".failure pre").first.inner_text().startswith("<script>document")
        for label in ("Median latency", "99th percentile", "Rate achieved", "Failed requests"):
            assert page.locator(".tile", has_text=label).locator(".number").is_visible()
        assert page.locator(".badge").inner_text() == "valid · 3 % failed"
        assert page.locator("svg").count() == 9
        for picture in page.locator("svg").all():
            box = picture.bounding_box()
            assert box is not None
            assert box["width"] > 300
            assert box["height"] > 150


@pytest.mark.parametrize("width", [320, 400, 820, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_any_width_with_enough_contrast(
    browser: Browser, report: str, width: int, scheme: str
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    with context:
        page = context.new_page()
        page.goto(report)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert _contrast(page, ".tile .note", ".tile") >= 4.5
        assert _contrast(page, ".alarming .number", ".tile") >= 4.5
        assert _contrast(page, ".badge", ".badge") >= 4.5
        assert _contrast(page, "figcaption", "section:has(figcaption)") >= 4.5
        assert _contrast(page, "svg text", "section:has(svg)", "fill") >= 4.5


def test_the_page_prints_in_light_colours(browser: Browser, report: str) -> None:
    with browser.new_context(color_scheme="dark") as context:
        page = context.new_page()
        page.goto(report)
        page.emulate_media(media="print", color_scheme="dark")
        assert _luminance(page, "section.tiles .tile", "backgroundColor") > 0.9
        assert _luminance(page, "h2", "color") < 0.1


def _contrast(page: Page, front: str, back: str, ink: str = "color") -> float:
    """Contrast ratio of WCAG 2 between the text of ``front`` and the ground of ``back``."""
    one, other = _luminance(page, front, ink), _luminance(page, back, "backgroundColor")
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def _luminance(page: Page, selector: str, name: str) -> float:
    text = page.locator(selector).first.evaluate(f"e => getComputedStyle(e).{name}")
    channels = [int(part) / 255 for part in text[text.index("(") + 1 : -1].split(",")[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
