"""The commands on docs/recipes.md, executed against a server and a service of the tests."""

from __future__ import annotations

import configparser
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchlab import Store
from benchlab.bundled import TargetProcess, start_target
from tests.cli.in_process import Benchlab, benchlab_here
from tests.clickhouse_front import Front, start_front
from tests.docs.pages import DOCS, blocks, commands
from tests.runs.synthetic import make_run

__all__ = ["benchlab_here"]

PAGE = DOCS / "recipes.md"
SHELL = [commands(block) for block in blocks(PAGE, "sh")]
WRITES, READS = [lines for lines in SHELL if lines[0].startswith("export")]
HOST = "https://{}@clickhouse.example.org:8443/benchlab"
WRITER, READER = "benchlab:a%20long%20password", "reader:another%20password"
URL = "http://127.0.0.1:8000"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: it is empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Front]:
    """A server with the page's two users and its database."""
    users = [WRITER.replace("%20", " ")]
    with start_front(tmp_path / "server", users, [READER.replace("%20", " ")]) as front:
        front.query("CREATE DATABASE benchlab")
        yield front


def test_a_remote_clickhouse_is_written_by_one_user_and_read_by_another(
    server: Front,
    target: TargetProcess,
    here: Path,
    benchlab_here: Benchlab,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for login, (setting, *lines) in ((WRITER, WRITES), (READER, READS)):
        name, _, dsn = shlex.split(setting)[1].partition("=")
        assert dsn == HOST.format(login)
        monkeypatch.setenv(name, server.dsn("benchlab", login))
        for command in lines:
            done = benchlab_here(*shlex.split(command.replace(URL, target.url))[1:])
            # 1: this machine was too busy for the run to be valid. It is stored all the same.
            assert done.returncode in {0, 1}, f"{command}: {done.stderr}"
    assert done.stdout.split()[-1] == "100"  # the requests of the one run
    assert (here / "reports" / "checkout" / "report.html").exists()


def test_a_call_over_grpc_has_its_span(here: Path, benchlab_here: Benchlab) -> None:
    _, (run, *after) = [lines for lines in SHELL if "grpc" in lines[0]]
    with start_target(grpc_port=0, otlp_dir=here / "otlp") as target:
        run = run.replace("grpc://127.0.0.1:50051", target.grpc_url)
        run = run.replace("--duration 5s", "--duration 1s")
        assert benchlab_here(*shlex.split(run)[1:]).returncode in {0, 1}
    ingest, attribute = after
    assert benchlab_here(*shlex.split(ingest)[1:]).returncode == 0
    # This machine may have been too busy for the run to be valid.
    done = benchlab_here(*shlex.split(attribute)[1:], "--force")
    assert "vector.add" in done.stdout, done.stderr


def test_a_log_is_replayed_at_its_own_speed_and_twice_as_fast(
    target: TargetProcess, here: Path, benchlab_here: Benchlab
) -> None:
    times = ["19:59:59", "20:00:00", "20:00:00", "20:00:01", "20:05:00"]
    lines = [f'10.0.0.1 - - [14/Mar/2026:{at} +0000] "GET /health HTTP/1.1" 200 2' for at in times]
    (here / "access.log").write_text("\n".join(lines))
    (replays,) = [lines for lines in SHELL if "--replay-log" in lines[0]]
    for command in replays:
        done = benchlab_here(*shlex.split(command.replace(URL, target.url))[1:])
        assert done.returncode in {0, 1}, f"{command}: {done.stderr}"
        assert "3 of 3 recorded requests sent, 0 dropped" in " ".join(done.stdout.split())
        assert "left out: 2 outside the window" in done.stderr
    assert "Fidelity of the replay" in (here / "reports" / "peak" / "report.html").read_text()


def test_the_systemd_units_run_commands_that_exist() -> None:
    service, timer = (configparser.ConfigParser(strict=False) for _ in range(2))
    texts = [block.text for block in blocks(PAGE, "ini")]
    service.read_string(texts[0])
    timer.read_string(texts[1])
    assert timer["Timer"]["OnCalendar"] == "03:00"
    commands = [line.split("=", 1)[1] for line in texts[0].splitlines() if "ExecStart=" in line]
    written = " ".join(" ".join(lines) for lines in SHELL)
    for command in commands:
        assert command.startswith(f"{service['Service']['WorkingDirectory']}/.venv/bin/benchlab ")
    assert commands[1].partition("/bin/")[2] in written


def test_a_run_of_the_night_is_in_the_trend_and_in_the_panel_of_grafana(
    here: Path, benchlab_here: Benchlab
) -> None:
    """The nightly notebook itself is executed by tests/e2e/test_notebook.py."""
    store = Store()
    store.save(make_run(name="nightly"))
    _, trend = next(lines for lines in SHELL if lines[0].startswith("papermill"))
    done = benchlab_here(*shlex.split(trend)[1:])
    assert done.returncode == 0, done.stderr
    assert (here / "reports" / "nightly" / "report.html").exists()
    (panel,) = [block.text for block in blocks(PAGE, "sql") if "AS time" in block.text]
    assert store.query_df(panel.replace("checkout", "nightly"))["p99_ms"].gt(0).tolist() == [True]
