"""The notebook as people use it: plain papermill, benchlab report, a sweep, and JupyterLab."""

from __future__ import annotations

import os
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import nbformat
import pandas as pd
import psutil
import pytest

from benchlab import Store
from benchlab.bundled import TargetProcess
from benchlab.cli.exit_codes import EXIT_CODES
from tests.browser import chromium
from tests.cli.in_process import Benchlab, benchlab_here
from tests.docs.pages import DOCS, blocks, commands

__all__ = ["benchlab_here"]

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "notebooks" / "01_benchmark.ipynb"
SHORT = ["-p", "duration_s", "2", "-p", "warmup_s", "0.5", "-p", "rate_rps", "200"]
BENCHLAB = [sys.executable, "-m", "benchlab"]
VISITS = """
async def visit(client, ctx):
    async with ctx.step("look"):
        await client.get("/health")
    async with ctx.step("add") as step:
        response = await client.post("/api/vector/add", json={"a": [1], "b": [2]})
        step.check(response.json()["result"] == [4], "the sum is wrong")
"""


def benchlab(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What the command comes to, in the working directory."""
    return subprocess.run([*BENCHLAB, *arguments], capture_output=True, text=True, check=False)


def outputs(notebook: Path, cell_id: str) -> list[dict[str, object]]:
    cells = nbformat.read(notebook, as_version=4).cells
    return next(cell.outputs for cell in cells if cell.id == cell_id)


def nightly(url: str) -> list[str]:
    """Output and parameters of papermill, as docs/recipes.md has them, for the service at url."""
    (block,) = [b for b in blocks(DOCS / "recipes.md", "sh") if b.text.startswith("papermill")]
    return shlex.split(commands(block)[0].replace("http://127.0.0.1:8000", url))[2:]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: it is empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    """Whatever a test starts has ended with it: kernels, workers, targets, servers."""
    before = set(psutil.Process().children(recursive=True))
    yield
    left = [child for child in psutil.Process().children(recursive=True) if child not in before]
    assert psutil.wait_procs(left, timeout=60)[1] == []


@pytest.mark.usefixtures("here")
def test_report_writes_every_documented_file() -> None:
    done = benchlab(
        "report", str(NOTEBOOK), *SHORT, "-p", "name", "a <b>name</b>",
        "--format", "html,md", "--junit", "run.xml",
    )  # fmt: skip
    assert done.returncode == EXIT_CODES[Store().load("latest").verdict], done.stderr
    page = Path(done.stdout.strip().removeprefix("report: "))
    directory = page.parent
    assert {path.name for path in directory.iterdir()} == {
        "report.html",
        "report.ipynb",
        "summary.csv",
        "histogram.csv",
        "timeseries.csv",
        "result.json",
        "report.md",
        "manifest.json",
        "thumbnail.svg",
    }
    assert "a &lt;b&gt;name" in (directory / "report.md").read_text()
    assert f'value="{directory.name}"' in Path("run.xml").read_text()
    assert f"{directory.name}/report.html" in Path("reports/index.html").read_text()
    assert "Traceback" not in done.stderr
    assert "WARNING" not in done.stderr
    html = page.read_text()
    assert "a &lt;b&gt;name&lt;/b&gt;" in html
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", html)

    store = Store()
    run = store.load("latest")
    assert directory.name == run.id
    assert run.summary.count == 400
    assert run.summary.errors == {}
    coverage = store.trace_coverage(run.id)
    assert (coverage.sampled, coverage.found) == (400, 400)  # of the measured window
    joined = store.client_server(run.id)
    assert len(joined) == 400
    # A span may end a little after its response has arrived, so only the middle is certain.
    assert joined["server_ms"].median() < joined["service_ms"].median()
    assert outputs(directory / "report.ipynb", "slowest")
    summary = pd.read_csv(directory / "summary.csv")
    assert summary["count"].item() == 400
    points = store.query_df(
        "SELECT sum(Count) AS n FROM otel_metrics_exponential_histogram"
        " WHERE MetricName = 'http.server.request.duration'"
    )
    assert points["n"].item() == 500


@pytest.mark.usefixtures("here")
def test_a_service_without_spans_gets_its_report(target: TargetProcess) -> None:
    done = benchlab(
        "report", "01_benchmark", *SHORT, "-p", "url", f"{target.url}/health?token=sesame",
        "-p", "method", "GET", "-p", "body", "", "-p", "headers", '{"X-Token": "hush"}',
    )  # fmt: skip
    run = Store().load("latest")
    assert done.returncode == EXIT_CODES[run.verdict], done.stderr
    assert run.summary.count == 400
    page = Path(done.stdout.strip().removeprefix("report: "))
    assert page.exists()
    assert "hush" not in page.read_text()
    assert "hush" not in (page.parent / "report.ipynb").read_text()
    assert "sesame" not in (page.parent / "report.ipynb").read_text()
    coverage = Store().trace_coverage(run.id)
    assert (coverage.sampled, coverage.found) == (400, 0)
    executed = page.parent / "report.ipynb"
    (sentence,) = outputs(executed, "joined")
    assert "No span was found" in str(sentence["text"])
    assert not any(
        outputs(executed, cell) for cell in ("client-server", "slowest", "server-histogram")
    )


@pytest.mark.usefixtures("here")
def test_a_scenario_a_transport_and_a_condition_reach_the_run(target: TargetProcess) -> None:
    Path("visits.py").write_text(VISITS)
    done = benchlab(
        "report", str(NOTEBOOK), *SHORT, "-p", "url", target.url, "-p", "rate_rps", "50",
        "-p", "scenario", "visits.py:visit", "-p", "transport", '{"keep_alive": false}',
        "-p", "abort_on", '["error_count>=20"]', "-p", "duration_s", "60",
    )  # fmt: skip
    assert done.returncode == 3, done.stderr  # the plan stopped the run
    assert Path(done.stdout.strip().removeprefix("report: ")).exists()
    run = Store().load("latest")
    assert "error_count>=20" in run.stop_reason
    assert list(run.by_endpoint()) == ["look", "add"]
    assert set(run.summary.errors) == {"check"}
    assert not run.plan.transport.keep_alive
    assert len(run.connections) >= run.summary.count


def test_a_failing_notebook_is_kept_and_reported_in_one_line(here: Path) -> None:
    done = benchlab("report", str(NOTEBOOK), "-p", "url", "http://127.0.0.1:1/")
    assert done.returncode == 1
    assert "cannot connect to 127.0.0.1:1" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "cannot connect" in (here / "reports/01_benchmark/report.ipynb").read_text()
    wrong = benchlab("report", str(NOTEBOOK), "-p", "url", "no-scheme")
    assert wrong.returncode == 2
    assert "no scheme" in wrong.stderr


def test_signals_report_what_was_measured(tmp_path: Path) -> None:
    """At once, since starting takes long: a notebook, and a sweep, whose point gets a Ctrl-C."""
    options = ["-p", "duration_s", "120", "-p", "warmup_s", "0.5"]
    commands = {
        "report": ["report", str(NOTEBOOK), *options, "-o", "report"],
        "sweep": ["sweep", str(NOTEBOOK), *options, "-g", "rate_rps=50,60", "-o", "sweep"],
    }
    processes = {
        name: subprocess.Popen(
            [*BENCHLAB, *command],
            cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for name, command in commands.items()
    }  # fmt: skip
    spool = Path(os.environ["BENCHLAB_DATA_DIR"]) / "spool"
    while sum(path.stat().st_size > 1_000 for path in spool.glob("*/samples-*.bin")) < 2:
        assert {process.poll() for process in processes.values()} == {None}
        time.sleep(0.05)  # leaves the runs their cores
    for process in processes.values():
        process.send_signal(signal.SIGTERM)
    ended = {name: process.communicate(timeout=90) for name, process in processes.items()}
    assert {process.returncode for process in processes.values()} == {143}, ended
    output, errors = ended["report"]
    assert "interrupted" in errors
    assert Path(output.strip().removeprefix("report: ")) == tmp_path / "report/report.html"
    for place in ("report", "sweep/point-001"):
        assert (tmp_path / place / "report.html").exists()
    assert not (tmp_path / "sweep/point-002").exists()
    assert list(Store().runs()["verdict"]) == ["interrupted"] * 2


def test_a_sweep_leaves_a_row_and_a_report_per_point(
    here: Path, target: TargetProcess, benchlab_here: Benchlab
) -> None:
    done = benchlab(
        *(command := [
            "sweep", str(NOTEBOOK), "-g", "rate_rps=50,100,-1",
            "-p", "url", f"{target.url}/api/vector/add",
            "-p", "duration_s", "1", "-p", "warmup_s", "0", "-o", "sweep",
        ])
    )  # fmt: skip
    assert "rate_rps=-1" in done.stderr
    table = pd.read_csv(here / "sweep" / "sweep.csv")
    assert list(table["point"]) == [1, 2, 3]
    assert list(table["rate_rps"]) == [50, 100, -1]
    good = table[table["rate_rps"] > 0]
    assert list(good["count"]) == [50, 100]
    all_valid = set(good["verdict"]) == {"valid"}
    assert done.returncode == (2 if all_valid else 1), "the code that the failed points share"
    runs = [Store().load(run_id) for run_id in good["run_id"]]
    assert [run.summary.intended_rate_rps for run in runs] == [50, 100]
    assert list(good["measured_rate_rps"]) == [run.summary.rate_rps for run in runs]
    assert table["error"].isna().equals(table["verdict"] == "valid")
    again = benchlab_here(*command, "--dry-run")
    assert again.returncode == 0
    assert "point 3: rate_rps=-1: failed before: --retry-failed" in again.stdout
    assert "all of them are finished" in again.stdout
    store = Store()
    (listed,) = store.experiment_rows()
    assert (listed["kind"], listed["run_count"]) == ("sweep", 2)
    frame = store.experiment(listed["id"])
    assert list(frame["rate_rps"]) == [50, 100]  # swept
    assert list(frame["measured_rate_rps"]) == list(good["measured_rate_rps"])
    assert "sweep" in benchlab_here("history").stdout
    report = benchlab_here("report", listed["id"][:13])
    assert report.returncode == 0, report.stderr
    assert "2 of 3 points succeeded" in done.stderr or not all_valid
    index = (here / "sweep" / "index.html").read_text()
    links = set(re.findall(r'href="([^"#]+)"', index)) - {"data:,"}
    assert {"point-001/report.html", "point-002/report.ipynb", "sweep.csv"} <= links
    assert {link for link in links if not (here / "sweep" / link).exists()} == set()


def test_a_killed_sweep_leaves_no_process(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*BENCHLAB, "sweep", str(NOTEBOOK), "-g", "rate_rps=50", "-p", "duration_s", "120"],
        cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    spool = Path(os.environ["BENCHLAB_DATA_DIR"]) / "spool"
    while not any(path.stat().st_size > 1_000 for path in spool.glob("*/samples-*.bin")):
        assert process.poll() is None
        time.sleep(0.05)  # leaves the run its core
    left = psutil.Process(process.pid).children(recursive=True)
    assert len(left) >= 4  # the report, its kernel, the target and a worker
    process.kill()
    process.wait()
    assert psutil.wait_procs(left, timeout=60)[1] == []


def test_kernel_terminal_and_plain_papermill_share_the_store(
    here: Path, target: TargetProcess
) -> None:
    """A kernel that holds results, a history in a terminal and the nightly papermill, at once."""
    from jupyter_client.manager import start_new_kernel

    manager, kernel = start_new_kernel()
    try:
        source = "import benchlab as bl; store = bl.Store(); runs = store.runs(); print(len(runs))"
        assert kernel.execute_interactive(source, timeout=60)["content"]["status"] == "ok"
        child = subprocess.Popen(
            [sys.executable, "-m", "papermill", str(NOTEBOOK), *nightly(target.url), *SHORT],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        rounds = 0
        while child.poll() is None:
            rounds += 1
            looked = kernel.execute_interactive("runs = store.runs()", timeout=60)
            assert looked["content"]["status"] == "ok"
            history = benchlab("history")
            assert history.returncode == 0, history.stderr
            with suppress(subprocess.TimeoutExpired):
                child.wait(2)
        _, errors = child.communicate()
        assert child.returncode == 0, errors
        assert rounds > 1
    finally:
        kernel.stop_channels()
        manager.shutdown_kernel(now=True)
    (report,) = here.glob("reports/*/report.html")
    assert [report.parent.name] == list(Store().runs(name="nightly")["run_id"])


def test_all_cells_run_in_jupyterlab(tmp_path: Path) -> None:
    text = NOTEBOOK.read_text().replace("duration_s: float = 20.0", "duration_s: float = 1.0")
    text = text.replace("warmup_s: float = 2.0", "warmup_s: float = 0.5")
    (tmp_path / "01_benchmark.ipynb").write_text(text)
    token = secrets.token_urlsafe(16)
    lab = shutil.which("jupyter", path=Path(sys.executable).parent)
    assert lab is not None
    server = subprocess.Popen(
        [lab, "lab", "--no-browser", "--ip", "127.0.0.1", "--port", "0", "--allow-root",
         f"--IdentityProvider.token={token}", str(tmp_path)],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert server.stderr is not None
        found = (re.search(r"http://127\.0\.0\.1:\d+/lab", line) for line in server.stderr)
        url = next(match.group() for match in found if match)
        with chromium() as browser:
            page = browser.new_page(viewport={"width": 1300, "height": 900})
            page.goto(f"{url}/tree/01_benchmark.ipynb?token={token}")
            page.get_by_text("| Idle").wait_for(timeout=120_000)  # the kernel is up
            page.get_by_role("menuitem", name="Run", exact=True).click()
            page.locator(".lm-Menu-itemLabel", has_text=re.compile("^Run All Cells$")).click()
            # All cells ran: JupyterLab stops at the first that fails.
            last = page.locator(".jp-CodeCell", has_text="store.runs(limit=10)")
            last.locator(".jp-OutputArea-output").first.wait_for(timeout=240_000)
            if "BENCHLAB_SCREENSHOTS" in os.environ:
                page.screenshot(path=f"{os.environ['BENCHLAB_SCREENSHOTS']}/lab.png")
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=90)
    assert list(Store().runs()["count"]) == [500]


@pytest.mark.parametrize("path", [NOTEBOOK], ids=["01_benchmark"])
def test_a_notebook_without_a_report_of_its_own_gets_a_page(path: Path, here: Path) -> None:
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell("x: int = 1  # a number", metadata={"tags": ["parameters"]}),
            nbformat.v4.new_code_cell("print('x is', x + 1)"),
        ],
        metadata=nbformat.read(path, as_version=4).metadata,
    )
    nbformat.write(notebook, "mine.ipynb")
    done = benchlab("report", "mine.ipynb", "-p", "x", "41", "-o", "reports/out")
    assert done.returncode == 0, done.stderr
    html = (here / "reports" / "out" / "report.html").read_text()
    assert "x is 42" in html
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=[\"']https?:", html)
    assert ">mine</a>" in (here / "reports" / "index.html").read_text()
