"""``benchlab report`` of what is stored, ``benchlab reports``, and their options elsewhere."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchlab.runs.experiment import Experiment
from benchlab.store import Store
from tests.cli.in_process import Benchlab
from tests.experiments.test_compare import ids, level
from tests.report.blank_figures import blank_figures

EXPERIMENT = "01a2ffffffffffff"


@pytest.fixture(scope="module")
def dsn(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with runs of a name, one that broke an objective, and an A/B of two pairs."""
    found = f"chdb://{tmp_path_factory.mktemp('reported') / 'store'}"
    store = Store(found)
    with store.connect():
        for number in range(1, 5):
            store.save(level(number, name="nightly"))
        broken = level(9, name="broken")
        store.save(replace(broken, plan=broken.plan.replace(slo=["p99<1us"])))
        pairs = [list(ids(1, 2)), list(ids(3, 4))]
        store.save_experiment(
            Experiment(
                id=EXPERIMENT,
                kind="ab",
                name="nightly",
                started_at_ns=1,
                run_ids=ids(1, 2, 3, 4),
                design={
                    "metric": "p50",
                    "threshold": 0.02,
                    "arm_names": ["A", "B"],
                    "pairs": pairs,
                },
                result={"warnings": []},
            )
        )
    return found


@pytest.fixture
def here(
    dsn: str, benchlab_here: Benchlab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Benchlab:
    """The command line, with that store, in an empty directory."""
    monkeypatch.setenv("BENCHLAB_DSN", dsn)
    monkeypatch.chdir(tmp_path)
    return benchlab_here


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that the browser writes the URL to which it is given."""
    browser, file = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f'#!/bin/sh\necho "$1" > {file}\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    return file


@pytest.mark.parametrize(
    ("words", "place", "kind"),
    [
        (ids(1), ids(1)[0], "run"),
        (ids(1, 2), f"compare-{ids(1)[0]}-{ids(2)[0]}", "comparison"),
        ((EXPERIMENT,), EXPERIMENT, "comparison"),
        (("name=nightly",), "trend-nightly", "trend"),
    ],
    ids=["run", "two runs", "experiment", "name"],
)
def test_whatever_is_stored_has_a_report(
    here: Benchlab, words: tuple[str, ...], place: str, kind: str
) -> None:
    with blank_figures():
        done = here("report", *words, "--format", "html,json", "--format", "md")
    assert done.returncode == 0, done.stderr
    directory = Path("reports") / place
    assert f"report: {directory / 'report.html'}" in done.stdout
    assert {path.name for path in directory.glob("re*")} == {
        "report.html",
        "report.md",
        "result.json",
    }
    (listed,) = json.loads(here("reports", "list", "--json").stdout)
    assert (listed["place"], listed["kind"]) == (place, kind)
    assert place in Path("reports/index.html").read_text()
    assert str(directory) in here("reports").stdout.replace("\n", "")


def test_a_run_is_reported_to_ci_and_opened(here: Benchlab, opened: Path) -> None:
    with blank_figures():
        done = here(
            "report", ids(9)[0],
            "-o", "out", "--junit", "o.xml", "--markdown", "-", "--open",
        )  # fmt: skip
    assert done.returncode == 3
    assert done.stdout.startswith("### broken")
    assert "report: out/report.html" in done.stderr
    assert ET.parse("o.xml").getroot().get("failures") == "1"
    assert opened.read_text().strip() == Path("out/report.html").absolute().as_uri()


def test_a_browser_that_is_missing_is_a_warning(
    here: Benchlab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webbrowser.open", lambda _: False)
    done = here("report", ids(1)[0], "--format", "json", "--open", "-q")
    assert (done.returncode, "BROWSER" in done.stderr) == (0, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("latest", "--format", "html,docx"), "'docx' is not a format"),
        (("latest", "-p", "url", "x"), "not a notebook"),
        (("name=nobody",), "nobody"),
        (("latest", "--junit", "nowhere/o.xml"), "no directory nowhere"),
        (("latest", "--junit", "-", "--markdown", "-"), "only one"),
        (("0123456789abcdef",), "0123456789abcdef"),
    ],
)
def test_mistakes_are_named(here: Benchlab, words: tuple[str, ...], message: str) -> None:
    done = here("report", *words)
    assert (done.returncode, message in done.stderr) == (2, True), done.stderr
    assert not Path("reports").exists()


@pytest.mark.parametrize("option", [("--format", "md"), ("--open",)])
def test_options_of_a_report_need_one(here: Benchlab, option: tuple[str, ...]) -> None:
    done = here("compare", *ids(1, 2), *option)
    assert (done.returncode, "--report DIR" in done.stderr) == (2, True)


def test_other_commands_have_the_formats_too(here: Benchlab) -> None:
    done = here("compare", *ids(1, 2), "--report", "reports/c", "--format", "json,md")
    assert done.returncode == 0, done.stderr
    assert {path.name for path in Path("reports/c").iterdir()} == {"result.json", "report.md"}


def test_no_reports_is_said(here: Benchlab) -> None:
    done = here("reports")
    assert (done.returncode, "no reports in reports yet" in done.stderr) == (0, True)
    assert json.loads(here("reports", "list", "--json").stdout) == []


def test_serving_what_is_not_there_is_an_error(here: Benchlab) -> None:
    done = here("reports", "serve", "--port", "0")
    assert (done.returncode, "there is no directory reports" in done.stderr) == (2, True)
