"""The pages in a real browser, without a network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Locator, Page, expect

from benchlab.report import write_report
from tests.browser import chromium
from tests.report.kinds import RESULTS, result_of, write_run_page

RUN = "run"
KINDS = [RUN, *RESULTS]
A4_PT = "[0 0 594.95996 841.91998]"

expect.set_options(timeout=60_000)  # on a busy machine

each_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The address of the page of each kind."""
    directory = tmp_path_factory.mktemp("reports")
    pages = {RUN: write_run_page(directory / RUN)}
    pages |= {kind: write_report(result_of(kind), directory / kind) for kind in RESULTS}
    return {kind: page.as_uri() for kind, page in pages.items()}


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """One page for all, of the size of a laptop's screen."""
    with browser.new_context(
        viewport={"width": 1440, "height": 900}, permissions=["clipboard-read", "clipboard-write"]
    ) as context:
        yield context.new_page()


def show(page: Page, address: str, width: int = 1440, scheme: Any = "light") -> None:
    page.emulate_media(media="screen", color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(address)


def test_the_pages_open_offline_and_request_nothing(
    browser: Browser, reports: dict[str, str]
) -> None:
    with browser.new_context(offline=True) as context:
        page = context.new_page()
        asked: list[str] = []
        messages: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: messages.append(message.text))
        page.on("pageerror", lambda error: messages.append(str(error)))
        for address in reports.values():
            page.goto(address)
        assert asked == list(reports.values())
        assert messages == []


def test_the_page_of_a_run_shows_its_numbers_and_figures(
    page: Page, reports: dict[str, str]
) -> None:
    show(page, reports[RUN])
    assert "taken" not in page.title()
    assert page.locator(".failure pre").first.inner_text().startswith("<script>document")
    for label in ("Median latency", "99th percentile", "Rate achieved", "Failed requests"):
        assert page.locator(".tile", has_text=label).locator(".number").is_visible()
    badge = page.locator(".badge").first
    assert badge.inner_text() == "valid · 3 % failed · 2 of 2 objectives broken"
    assert page.locator("svg").count() == 10
    for picture in page.locator("svg").all():
        box = picture.bounding_box()
        assert box is not None
        assert box["width"] > 300
        assert box["height"] > 150
        # Wherever it is pasted, it says where it comes from.
        assert re.search(r"run [0-9a-f]{16} \(valid\)", picture.inner_html())
        assert "noise floor p50 0.600 ms, p99 1.09 ms" in picture.inner_html()


@each_kind
def test_question_verdict_table_and_figure_are_on_the_first_screen(
    page: Page, reports: dict[str, str], kind: str
) -> None:
    show(page, reports[kind])
    for what in ("h1", ".verdict", ".answer table", ".answer svg"):
        box = page.locator(what).first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 900, what
    scroll = page.locator(".answer .scroll").first
    assert scroll.evaluate("e => e.scrollWidth <= e.clientWidth")


@each_kind
def test_everybody_can_read_the_pages(page: Page, reports: dict[str, str], kind: str) -> None:
    for width, scheme in ((1440, "light"), (390, "dark")):
        show(page, reports[kind], width, scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("width", [320, 820])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_any_width_with_enough_contrast(
    page: Page, reports: dict[str, str], width: int, scheme: str
) -> None:
    show(page, reports[RUN], width, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert _contrast(page, ".tile .note", ".tile") >= 4.5
    assert _contrast(page, ".alarming .number", ".tile") >= 4.5
    assert _contrast(page, ".badge", ".badge") >= 4.5
    assert _contrast(page, "figcaption", "section:has(figcaption)") >= 4.5
    assert _contrast(page, "svg text", "section:has(svg)", "fill") >= 4.5


def test_the_page_prints_on_a4_in_light_colours(page: Page, reports: dict[str, str]) -> None:
    show(page, reports[RUN], scheme="dark")
    printed = page.pdf(prefer_css_page_size=True, print_background=True)
    assert set(re.findall(rb"/MediaBox (\[.*?\])", printed)) == {A4_PT.encode()}
    assert 3 < len(re.findall(rb"/Type /Page\b", printed)) < 15
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 703, "height": 900})  # A4 without its margins
    assert page.evaluate("document.documentElement.scrollWidth") <= 703
    assert _luminance(page, "section.tiles .tile", "backgroundColor") > 0.9
    assert _luminance(page, "h2", "color") < 0.1
    assert _luminance(page, "svg text", "fill") < 0.2
    for whole in ("figure", "tr", ".tile >> xpath=..", ".verdict"):
        assert _style(page.locator(whole).first, "breakInside") == "avoid", whole
    assert _style(page.locator("thead").first, "display") == "table-header-group"
    assert _style(page.locator("th button").first, "display") == "contents"  # or it is not repeated
    for hidden in (".tools", ".tip"):
        assert not page.locator(hidden).first.is_visible()
    box = page.locator(".scroll", has=page.locator("caption", has_text="Cities"))
    assert _style(box, "overflowY") == "visible"


def test_tables_can_be_sorted_filtered_and_copied(page: Page, reports: dict[str, str]) -> None:
    show(page, reports[RUN])
    region = page.get_by_role("region", name="Cities")
    rows = region.locator("tbody tr:visible")
    original = rows.all_inner_texts()
    took = region.get_by_role("columnheader", name="took")
    numbers = [float(text.split("\t")[1].split()[0].replace(",", "")) for text in original[:-1]]

    for order, sign in (("ascending", 1), ("descending", -1)):
        took.get_by_role("button").click()
        expect(took).to_have_attribute("aria-sort", order)
        shown = rows.locator("td:nth-child(2)").all_inner_texts()
        assert shown[-1] == "–"  # last in both directions
        expected = sorted(numbers, key=lambda number: sign * number)
        assert [float(text.split()[0].replace(",", "")) for text in shown[:-1]] == expected
    took.get_by_role("button").press("Enter")
    assert took.get_attribute("aria-sort") is None
    assert rows.all_inner_texts() == original

    page.get_by_role("searchbox", name="Filter rows: Cities").fill("=1 CITY")
    expect(rows).to_have_count(1)
    expect(page.get_by_role("status").filter(has_text="rows")).to_have_text("1 of 40 rows")
    copy = page.get_by_role("button", name="Copy table: Cities")
    copy.click()
    expect(copy).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    page.mouse.move(0, 0)
    expect(copy).to_have_text("Copy")
    assert copied == "city\ttook\tnote\ncity 00\t0 ms\t'=1+1"


def test_figures_say_the_values_of_a_point(page: Page, reports: dict[str, str]) -> None:
    show(page, reports[RUN])
    plot = page.get_by_role("group", name="Latency by percentile")
    tip = plot.get_by_role("status")
    expect(tip).to_be_hidden()
    svg = plot.locator("svg")
    points = svg.evaluate("e => JSON.parse(e.dataset.points)[0].series[0][1]")
    left, top, percentile, latency = points[len(points) // 2]
    scale = svg.evaluate("e => e.clientWidth / e.viewBox.baseVal.width")
    svg.hover(position={"x": left * scale, "y": top * scale}, force=True)
    expect(tip).to_contain_text(f"percentile of requests: {percentile}")
    expect(tip).to_contain_text(f"duration: {latency}")
    page.mouse.move(0, 0)
    expect(tip).to_be_hidden()
    plot.focus()
    page.keyboard.press("ArrowRight")
    expect(tip).to_contain_text("latency")
    page.keyboard.press("ArrowDown")
    expect(tip).to_contain_text("service time")
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()


def test_without_script_the_page_is_complete(browser: Browser, reports: dict[str, str]) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(reports[RUN])
        assert page.locator("button, input").count() == 0
        assert page.locator("svg:visible").count() == 10
        table = page.get_by_role("table", name="Cities")
        assert table.locator("tbody tr:visible").count() == 40
        assert table.get_by_role("columnheader").all_inner_texts() == ["city", "took", "note"]


def _contrast(page: Page, front: str, back: str, ink: str = "color") -> float:
    """Contrast ratio of WCAG 2 between the text of ``front`` and the ground of ``back``."""
    one, other = _luminance(page, front, ink), _luminance(page, back, "backgroundColor")
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def _luminance(page: Page, selector: str, name: str) -> float:
    text = _style(page.locator(selector).first, name)
    channels = [int(part) / 255 for part in text[text.index("(") + 1 : -1].split(",")[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _style(element: Locator, name: str) -> str:
    return str(element.evaluate(f"e => getComputedStyle(e).{name}"))
