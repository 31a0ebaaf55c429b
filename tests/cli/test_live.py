"""``benchlab live`` lists and stops; ``benchlab run --detach`` starts what it lists."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from benchlab import live, spool
from benchlab.bundled import TargetProcess
from benchlab.cli.live import live as live_command
from benchlab.cli.run import run
from benchlab.errors import InputError
from tests.load.detached.processes import supervisor_of
from tests.spools import going_on

ID, OTHER = "01a2000000000000", "01b3000000000000"


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(live_command, arguments, standalone_mode=False)


def data_of(*arguments: str) -> Any:
    return json.loads(invoke(*arguments, "--json").stdout)


def test_it_lists_what_goes_on_and_stops_one() -> None:
    assert "no runs go on" in invoke().stderr
    assert data_of() == []
    with going_on(ID) as directory, going_on(OTHER):
        for run_id in (ID, OTHER):
            assert run_id in invoke().stdout
        assert "s3cret" not in invoke().stdout
        assert [(one["id"], one["state"]) for one in data_of()] == [
            (OTHER, "running"),
            (ID, "running"),
        ]
        assert data_of("latest")["id"] == OTHER
        one = data_of("01a2")
        assert (one["progress"]["count"], one["by_start"]) == (300, True)
        assert f"{ID}: stopping" in invoke("01a2", "--stop").stderr
        assert spool.requested_stop(directory) == 1
        assert data_of("01a2", "--abort")["progress"]["phase"] == "stopping"
        assert spool.requested_stop(directory) == 2
    assert f"{ID}: done" in invoke(ID, "--stop").stderr


def test_a_finished_run_is_shown_and_is_still_to_be_saved() -> None:
    with going_on(ID):
        pass
    done = invoke("latest")
    assert done.return_value == 130, "stopped early, as benchlab run says it"
    assert "300 requests in 3.00 s" in done.stdout
    assert f"{ID} is not saved yet: benchlab recover saves it" in done.stderr
    assert live()[0].state == "done"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--stop"], "need the id of a run"),
        (["latest"], "run='latest' is no run: none goes on"),
    ],
)
def test_what_it_cannot_do_it_says(arguments: list[str], problem: str) -> None:
    error = invoke(*arguments).exception
    assert isinstance(error, InputError)
    assert problem in str(error)


def test_detach_starts_a_run_and_says_how_to_find_it(target: TargetProcess) -> None:
    options = [f"{target.url}/health", "--rate", "20", "--duration", "1h", "--detach"]
    refused = CliRunner().invoke(run, [*options, "--no-save"], standalone_mode=False)
    assert isinstance(refused.exception, InputError)
    assert len(live()) == 0
    done = CliRunner().invoke(run, options, standalone_mode=False)
    assert done.return_value == 0
    started = live()[done.stdout.strip()]
    assert f"benchlab live {started.id} shows it" in done.stderr
    supervisor_of(started.id).terminate()  # as a machine that shuts down does
    assert started.wait().verdict == "interrupted"
