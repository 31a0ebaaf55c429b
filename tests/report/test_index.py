"""``reports/index.html``, and the list of reports."""

from __future__ import annotations

import json
import shutil
from base64 import b64decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchlab.report import write_report
from benchlab.report.index import (
    MANIFEST,
    THUMBNAIL,
    Manifest,
    find_reports,
    list_report,
    reports_root,
    update_index,
)
from benchlab.report.thumbnail import thumbnail
from tests.display.results.test_capacity import make_capacity
from tests.report.blank_figures import blank_figures
from tests.report.test_page import Page
from tests.runs.synthetic import make_run


@pytest.fixture(autouse=True)
def _blank() -> Iterator[None]:
    with blank_figures():
        yield


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "reports"


def put(root: Path, place: str, **changes: str) -> Path:
    """A report that says no more than its manifest."""
    directory = root / place
    directory.mkdir(parents=True)
    (directory / "report.html").write_text("<p>")
    values = {"kind": "run", "title": place, "started_at": "2026-11-01T00:00:00+00:00", **changes}
    list_report(directory, Manifest(**values), "")  # type: ignore[arg-type]
    return directory


def places(root: Path) -> list[str]:
    return [report.place.as_posix() for report in find_reports(root)]


def test_every_report_below_reports_is_listed_with_its_figure(root: Path) -> None:
    write_report(make_run(name="a <b> & c"), root / "one")
    write_report(make_capacity(), root / "team" / "two")
    page = Page((root / "index.html").read_text())
    links = [link for link in page.attribute("href") if link.endswith(".html")]
    assert set(links) == {"one/report.html", "team/two/report.html"}
    pictures = [(root / place / THUMBNAIL).read_bytes() for place in ("one", "team/two")]
    shown = [b64decode(source.partition("base64,")[2]) for source in page.attribute("src")]
    assert sorted(shown) == sorted(pictures)
    for text in ("a <b> & c", "valid", "capacity", "99.88 requests/s", "2026-11-03 14:02:11"):
        assert text in page.text
    assert {"sortable", "filterable"} <= set(" ".join(page.attribute("class")).split())


def test_a_report_elsewhere_or_without_a_page_is_in_no_index(tmp_path: Path) -> None:
    write_report(make_run(), tmp_path / "out" / "a")
    write_report(make_run(), tmp_path / "reports" / "b", formats=["csv"])
    names = {path.name for path in tmp_path.rglob("*")}
    assert not names & {"index.html", MANIFEST, THUMBNAIL}


def test_the_directory_is_the_one_that_the_path_names() -> None:
    near, far = Path("/x/reports/a"), Path("/x/reports/a/b/c")
    assert reports_root(near) == reports_root(near / "b") == Path("/x/reports")
    assert reports_root(far) is None
    assert reports_root(Path("reports")) is None


def test_what_is_removed_is_gone_and_the_latest_comes_first(root: Path) -> None:
    put(root, "old", started_at="2026-10-01T00:00:00+00:00")
    put(root, "new", started_at="2026-11-02T00:00:00+00:00")
    removed = put(root, "between", started_at="", written_at="2026-10-15T00:00:00+00:00")
    assert places(root) == ["new", "between", "old"]
    shutil.rmtree(removed)
    update_index(root)
    assert "between" not in (root / "index.html").read_text()
    assert places(root) == ["new", "old"]


def test_the_page_of_another_program_is_left_alone(root: Path) -> None:
    root.mkdir()
    (root / "index.html").write_text("<title>Coverage</title>")
    put(root, "a")
    assert (root / "index.html").read_text() == "<title>Coverage</title>"
    assert places(root) == ["a"]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "null",
        json.dumps({"title": "no kind"}),
        json.dumps({"kind": "run", "title": "x", "level": "sideways"}),
        json.dumps({"kind": "run", "title": "x", "page": "../../secret.html"}),
        json.dumps({"kind": "run", "title": "x", "page": "gone.html"}),
        json.dumps({"kind": 1, "title": ["x"]}),
        "[" * 50_000,
    ],
)
def test_a_manifest_of_another_form_is_no_report(root: Path, text: str) -> None:
    put(root, "a")
    other = put(root, "b")
    (root.parent / "secret.html").write_text("x")
    (other / MANIFEST).write_text(text)
    assert places(root) == ["a"]


def test_links_hidden_directories_and_points_of_a_sweep_are_not_followed(root: Path) -> None:
    real = put(root, "a")
    (root / "link").symlink_to(real)
    for place in (".hidden", "sweep-1/point-001"):
        shutil.copytree(real, root / place)
    assert places(root) == ["a"]
    shutil.copy(real / "report.html", root / "sweep-1" / "index.html")
    list_report(root / "sweep-1", Manifest(kind="sweep", title="s", page="index.html"), "")
    assert set(places(root)) == {"a", "sweep-1"}


def test_hostile_titles_are_text(root: Path) -> None:
    put(root, "a", title='<script>x</script>"\u202e\n', verdict="<b>")
    put(root, "a b#?%&")
    page = Page((root / "index.html").read_text())
    assert "script" not in [tag for tag, _ in page.tags][:-1] or "<script>x" in page.text
    assert "a%20b%23%3F%25%26/report.html" in page.attribute("href")
    assert "\u202e" not in page.text


def test_of_many_who_write_at_once_none_is_missing(root: Path) -> None:
    names = [f"run-{number}" for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: put(root, name), names))
    page = (root / "index.html").read_text()
    assert all(f'href="{name}/report.html"' in page for name in names)
    assert not list(root.glob(".*"))


def test_a_thumbnail_is_the_first_figure_in_its_own_colours() -> None:
    page = (
        '<svg class="icon"></svg><svg viewBox="0 0 1 1" role="img"><text>x</text><path style="fill:'
    )
    page += ' var(--plot-latency)"/></svg><svg role="img"></svg>'
    picture = thumbnail(page)
    assert picture is not None
    assert picture.startswith('<svg xmlns="http://www.w3.org/2000/svg"')
    assert "#0072b2" in picture
    assert picture.count("<svg") == 1
    assert "<text" not in picture
    assert thumbnail("<p>") is None
