from __future__ import annotations

import time

import pytest
from click.testing import CliRunner

from benchlab.cli.main import cli
from benchlab.errors import InputError
from benchlab.store import Store
from tests.clickhouse_front import Front
from tests.store.stored_runs import make_run
from tests.stores import new_database


def benchlab(*arguments: str) -> str:
    """Run a command that must succeed; returns its output."""
    done = CliRunner().invoke(cli, arguments, standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return done.output


def test_runs_are_only_removed_with_yes() -> None:
    store = Store()
    with store.connect():
        store.save(make_run(50, started_at_ns=time.time_ns() - 100 * 86_400 * 10**9))
        store.save(make_run(50, started_at_ns=time.time_ns()))
        listed = benchlab("prune", "--older-than", "90d")
        assert "samples" in listed
        assert "nothing was removed: add --yes to remove it" in listed
        assert len(store.runs()) == 2
        done = benchlab("prune", "--older-than", "90d", "--yes")
        assert "removed; 1 run left" in done
        assert len(store.runs()) == 1
        assert "nothing is that old" in benchlab("prune", "--older-than", "90d", "--yes")
        with pytest.raises(InputError, match=r"prune --older-than 90d --yes .* cron"):
            benchlab("prune", "--ttl", "90d")
        assert "nothing by itself" in benchlab("prune", "--ttl", "none")


def test_a_ttl_makes_the_server_remove_old_data(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    with new_database(front) as dsn:
        monkeypatch.setenv("BENCHLAB_DSN", dsn)
        assert "data older than 90d by itself" in benchlab("prune", "--ttl", "90d")
        assert "nothing by itself" in benchlab("prune", "--ttl", "none")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "prune needs an age"),
        (["--yes"], "prune needs an age"),
        (["--ttl", "90d", "--yes"], "--yes needs --older-than"),
        (["--older-than", "90"], "less than an hour"),
        (["--ttl", "1s"], "less than an hour"),
        (["--ttl", "29000d"], "29,000 days is more than 10,000"),
        (["--older-than", "213503d", "--yes"], "213,503 days is more than 10,000"),
    ],
)
def test_invalid_ages_are_refused(arguments: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        benchlab("prune", *arguments)
