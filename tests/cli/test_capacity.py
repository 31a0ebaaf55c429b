"""``benchlab capacity``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import benchlab as bl
from tests.cli.in_process import Benchlab
from tests.slot_server import SlotServer


def test_a_capacity_is_shown_saved_and_written(
    benchlab_here: Benchlab, closed_store: bl.Store, tmp_path: Path
) -> None:
    file = tmp_path / "capacity.json"
    with SlotServer(2, 0.02) as server:
        arguments = ("--slo", "p99<250ms", "--budget", "2s", "--from", "60", "--to", "400")
        done = benchlab_here(
            "capacity", server.url, *arguments, "--json", str(file), "--report", str(tmp_path / "r")
        )
    data = json.loads(file.read_text())
    assert data["objective"] == "p99<250ms"
    assert data["limited_by"] in ("budget", "service", "generator")  # a busy machine is the last
    assert done.returncode == (0 if data["rate_rps"] is not None else 1), done.stderr
    assert "arrivals constant (equal intervals)" in done.stdout
    assert f"as experiment {data['experiment_id']}" in done.stderr
    assert (tmp_path / "r" / "report.html").exists()
    experiment = closed_store.load_experiment(data["experiment_id"])
    assert experiment.run_ids == tuple(probe["run_id"] for probe in data["probes"])
    assert experiment.result == data
    shown = benchlab_here("show", experiment.id, "--json", "-")
    assert json.loads(shown.stdout) == data
    listed = benchlab_here("history")
    assert experiment.id in listed.stdout
    assert data["probes"][0]["run_id"] not in listed.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("http://127.0.0.1:9/",), "slo: a capacity needs an objective"),
        (("http://127.0.0.1:9/", "--slo", "mean<5ms"), "--slo='mean<5ms' is not about a share"),
        (
            ("http://127.0.0.1:9/", "--slo", "p99<5ms", "--from", "50", "--to", "20"),
            "--to=20.0 is not above the lowest rate, 50",
        ),
        (("http://127.0.0.1:9/", "--slo", "p99<5ms", "--budget", "0"), "--budget"),
        (("closed.toml", "--slo", "p99<5ms"), "closed loop of 8 connections"),
    ],
)
def test_what_cannot_be_searched_is_refused(
    benchlab_here: Benchlab,
    arguments: tuple[str, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = '[load]\nkind = "closed_loop"\nconnections = 8\n\n[[requests]]\nurl = "http://x/"\n'
    (tmp_path / "closed.toml").write_text(plan)
    done = benchlab_here("capacity", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
