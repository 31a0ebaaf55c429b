from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from benchlab.cli.main import cli
from benchlab.errors import InputError
from benchlab.store import Store
from tests.store.stored_runs import make_run

DAY_NS = 86_400 * 10**9


def history(*arguments: str) -> str:
    done = CliRunner().invoke(cli, ["history", *arguments], standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.output


def test_runs_are_listed_by_name_tag_and_age() -> None:
    now = datetime.now(UTC)
    now_ns = int(now.timestamp()) * 10**9
    store = Store()
    with store.connect():
        store.save(make_run(20, run_id="aa00000000000001", name="nightly", started_at_ns=now_ns))
        store.save(
            make_run(20, run_id="aa00000000000002", name="other", started_at_ns=now_ns - 9 * DAY_NS)
        )
        assert "aa00000000000001" in history("--name", "nightly")
        assert "aa00000000000002" not in history("--name", "nightly")
        assert "aa00000000000002" not in history("--since", "7d")
        assert "aa00000000000002" in history("--since", f"{now - timedelta(days=10):%Y-%m-%d}")
        assert "aa00000000000001" in history("--tag", "commit=abc", "--tag", "quote=it's")
        assert "aa0000" not in history("--tag", "commit=abd")
        with pytest.raises(InputError, match=r"since='soon' is neither .* 7d, or as 2026"):
            history("--since", "soon")


def test_runs_of_experiments_are_left_out_and_are_never_the_latest() -> None:
    store = Store()
    with store.connect():
        store.save(make_run(20, run_id="aa00000000000001", name="own"))
        of_experiment = make_run(20, run_id="aa00000000000002")
        store.save(
            replace(of_experiment, plan=of_experiment.plan.replace(tags={"experiment": "e1"}))
        )
        assert "aa00000000000001" in history()
        assert "aa00000000000002" not in history()
        assert "aa00000000000002" in history("--experiment", "e1")
        assert "aa00000000000001" not in history("--experiment", "e1")
        assert "aa00000000000002" in history("--tag", "experiment=e1")
        with pytest.raises(InputError, match="no stored experiment has the id 'e2'"):
            history("--experiment", "e2")
        assert store.load("latest").id == "aa00000000000001"
        assert list(store.runs(in_experiments=False)["run_id"]) == ["aa00000000000001"]
        assert len(store.runs()) == 2
