"""``benchlab compare`` and ``benchlab baseline``, in one store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree as ET

import pytest

from benchlab.analysis.comparison import ERRORS
from benchlab.analysis.run_statistics import METRICS
from benchlab.cli.options.comparison import METRIC_NAMES, VERDICT_NAMES
from benchlab.exchange import import_file
from benchlab.runs.run import Run
from benchlab.statistics.change import Change
from benchlab.store import Store
from tests.cli.in_process import Benchlab
from tests.experiments.test_compare import ids, level

MAIN, FIX = (1, 2, 3), (21, 22)
IMPORTED = ("k6.csv", "jmeter.csv.jtl", "wrk.txt")
DATA = Path(__file__).parents[1] / "exchange" / "data"


@pytest.fixture(scope="module")
def dsn(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with three runs of main, two slower ones, and results of other tools."""
    found = f"chdb://{tmp_path_factory.mktemp('compared') / 'store'}"
    store = Store(found)
    with store.connect():
        for number in MAIN:
            store.save(level(number, name="main"))
        for number in FIX:
            store.save(level(number, 15.0, name="fix"))
        for name in IMPORTED:
            imported = import_file(DATA / name)
            if isinstance(imported, Run):
                store.save(imported)
            else:
                store.save_imported(imported)
    return found


@pytest.fixture
def stored(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands use that store."""
    monkeypatch.setenv("BENCHLAB_DSN", dsn)


def test_the_metrics_of_the_option_are_those_of_the_analysis() -> None:
    assert set(METRIC_NAMES) == {*METRICS, ERRORS}
    assert get_args(Change) == VERDICT_NAMES


def test_compare_writes_every_form_and_fails_on_what_was_asked(
    stored: None, benchlab_here: Benchlab, tmp_path: Path
) -> None:
    files = {name: tmp_path / f"c.{name}" for name in ("json", "md", "xml")}
    done = benchlab_here(
        "compare", "name=main", "name=fix", "--fail-on", "slower",
        "--json", str(files["json"]), "--markdown", str(files["md"]), "--junit", str(files["xml"]),
        "--report", str(tmp_path / "report"),
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert "slower: p50 is" in done.stdout
    found = json.loads(files["json"].read_text())
    assert (found["verdict"], found["design"]) == ("slower", "independent_runs")
    assert found["base"] == list(ids(*MAIN))
    assert files["md"].read_text().startswith("### fix: 2 runs against 3")
    root = ET.parse(files["xml"]).getroot()
    assert int(root.attrib["failures"]) >= 1
    assert "<svg" in (tmp_path / "report" / "report.html").read_text()


def test_inconclusive_fails_only_if_asked_for(stored: None, benchlab_here: Benchlab) -> None:
    sides = ids(1)[0], ids(21)[0]
    done = benchlab_here("compare", *sides, "--fail-on", "slower", "--json")
    assert (done.returncode, json.loads(done.stdout)["design"]) == (0, "single_runs")
    assert benchlab_here("compare", *sides, "--fail-on", "slower,inconclusive").returncode == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--threshold", "200%"], "not a share"),
        (["--fail-on", "worse"], "'worse' is not a verdict"),
        (["--metric", "p75"], "p75"),
        (["--json", "-", "--markdown", "-"], "only one"),
        (["--junit", "/nowhere/at/all.xml"], "no directory"),
    ],
)
def test_mistakes_are_named_before_anything_is_read(
    benchlab_here: Benchlab, arguments: list[str], message: str
) -> None:
    done = benchlab_here("compare", "latest", "latest", *arguments)
    assert done.returncode in (1, 2)
    assert message in done.stderr


def test_a_baseline_is_set_listed_checked_and_removed(
    stored: None, benchlab_here: Benchlab, tmp_path: Path
) -> None:
    assert benchlab_here("baseline", "set", "release/1", "name=main").returncode == 0
    listed = json.loads(benchlab_here("baseline", "list", "--json").stdout)
    assert [(row["name"], row["run_ids"]) for row in listed] == [("release/1", list(ids(*MAIN)))]
    assert ids(1)[0] in benchlab_here("baseline", "show", "release/1").stdout
    assert benchlab_here("baseline", "check", "release/1", "name=fix").returncode == 3
    file = tmp_path / "main.json"
    assert benchlab_here("baseline", "set", "release/1", "-o", str(file)).returncode == 0
    assert benchlab_here("baseline", "remove", "release/1").returncode == 0
    gone = benchlab_here("baseline", "check", "release/1", "latest")
    assert (gone.returncode, "release/1" in gone.stderr) == (2, True)
    done = benchlab_here("baseline", "check", str(file), *ids(*FIX), "--json")
    assert (done.returncode, json.loads(done.stdout)["verdict"]) == (3, "slower")
    alone = benchlab_here("baseline", "set", "-o", str(file), "name=fix")
    assert alone.returncode == 0
    assert "2 runs" in alone.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["latest"], "cannot be the name"),
        (["main"], "needs runs"),
        (["deadbeef", "latest"], "cannot be the name"),
    ],
)
def test_a_baseline_needs_a_name_and_runs(
    benchlab_here: Benchlab, arguments: list[str], message: str
) -> None:
    done = benchlab_here("baseline", "set", *arguments)
    assert (done.returncode, message in done.stderr) == (2, True), done.stderr


def test_runs_of_other_tools_compare_alike(stored: None, benchlab_here: Benchlab) -> None:
    k6, jmeter, summary = (import_file(DATA / name).id for name in IMPORTED)
    done = benchlab_here("compare", k6, k6, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["metrics"]["p50"]["ratio"] == 1
    assert any("imported from k6" in warning for warning in found["warnings"])
    other = benchlab_here("compare", k6, jmeter)
    assert (other.returncode, "tool: 'k6' and" in other.stderr) == (2, True)
    refused = benchlab_here("compare", k6, summary)
    assert (refused.returncode, "without its requests" in refused.stderr) == (2, True)
