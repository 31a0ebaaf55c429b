"""Watching a run that another process carries out, and getting what it measured."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from benchlab import BenchlabError, ConstantRate, LiveRun, Plan, Request, live, run, spool
from benchlab.errors import InputError, LeftRunning, RunError
from benchlab.runs.run import Run
from tests.load.servers import always, ok, serving
from tests.runs.clustered import HOSTS
from tests.spools import GOING_ON, going_on

LOST = (replace(HOSTS[0], workers=(0,)), replace(HOSTS[1], workers=(), lost="gone"))
ID, OTHER, THIRD = "01a2000000000000", "01b3000000000000", "01c4000000000000"


class Interrupted(LiveRun):
    """Its ``turn``-th question for the state is interrupted by Ctrl-C."""

    turn = 1

    @property
    def state(self) -> str:
        self.turn -= 1
        if self.turn == 0:
            signal.raise_signal(signal.SIGINT)
        return super().state


def test_the_hosts_of_a_cluster_are_seen_while_they_make_load() -> None:
    with going_on(ID) as directory:
        spool.write_hosts(directory, LOST)
        seen = live()[0]
        assert seen.describe().endswith("300 requests, 2 hosts (1 lost)")
        assert [host["lost"] for host in seen.to_dict()["hosts"]] == [host.lost for host in LOST]
        assert [count for _, count in seen.progress().hosts] == [300, 0]


def test_it_is_watched_stopped_and_read_by_anybody() -> None:
    with going_on(ID) as directory:
        first, second = live()[0], live()["01"]
        for seen in (first, second):
            assert (seen.id, seen.state, seen.by_start) == (ID, "running", True)
            assert seen.progress().count == 300
            assert "s3cret" not in seen.plan.requests[0].url
        assert re.match(rf"<LiveRun {ID}, running, \d+/3600 s, 300 requests: ", repr(first))
        assert "s3cret" not in repr(first) + first._repr_html_() + live()._repr_html_()
        with pytest.raises(RunError, match=r"goes on after 0 s: wait longer, or end it with stop"):
            first.wait(timeout_s=0)
        first.stop()
        assert spool.requested_stop(directory) == 1
        assert second.progress().phase == "stopping"
        second.stop(abort=True)
        assert spool.requested_stop(directory) == 2
    assert first.state == second.state == "done"
    assert first.describe() == "done, 300 requests"
    progress = first.progress()
    assert (progress.phase, progress.elapsed_s, progress.rate_rps) == ("done", 3.0, 100.0)
    found = first.wait()
    assert (found.verdict, len(found.samples)) == ("interrupted", 300)
    assert asyncio.run(second.result()).summary == found.summary
    second.stop()  # which changes nothing
    third = live()[0]
    spool.remove(directory)
    assert len(live()) == 0
    assert first.wait() is found, "it has been read"
    assert third.state == "gone"
    assert repr(third).startswith(f"<LiveRun {ID}, gone: ")
    assert "gone" in third._repr_html_()
    for ask in (third.wait, third.progress, third.show):
        with pytest.raises(RunError, match=rf"benchlab\.Store\(\)\.load\('{ID}'\) returns it"):
            ask()


@pytest.mark.parametrize(("method", "turn"), [("wait", 1), ("show", 4)])
def test_an_interrupt_leaves_it_going(
    method: str, turn: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with going_on(ID) as directory:
        watched = Interrupted(directory)
        watched.turn = turn
        with pytest.raises(LeftRunning, match=rf"the run {ID} goes on: stop\(\) ends it") as raised:
            getattr(watched, method)()
        assert isinstance(raised.value, KeyboardInterrupt)
        assert raised.value._render_traceback_() == [str(raised.value)]
        assert watched.state == "running"
        assert spool.requested_stop(directory) == 0
    shown = capsys.readouterr().err
    assert ("?token=***" in shown) == (method == "show")


def test_cancelling_leaves_it_going() -> None:
    async def wait_for(watched: LiveRun) -> None:
        waiting = asyncio.create_task(watched.result())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    with going_on(ID) as directory:
        watched = LiveRun(directory)
        asyncio.run(wait_for(watched))
        assert watched.state == "running"
        assert spool.requested_stop(directory) == 0


def test_the_list_is_found_by_number_and_by_id() -> None:
    with going_on(ID), going_on(OTHER):
        found = live()
        assert [one.id for one in found] == [found[0].id, found["01a"].id] == [OTHER, ID]
        assert [one.id for one in found[1:]] == [ID]
        assert repr(found).splitlines()[0].startswith(f"{OTHER} · running, ")
        assert found._repr_html_().count("<tr>") == 3
        for key, problem in (("01", "several ids"), ("ff", "no id")):
            with pytest.raises(InputError, match=rf"the start of {problem}: .*{OTHER}, {ID}"):
                found[key]
        with pytest.raises(IndexError):
            found[2]
    assert repr(live()[2:]) == "<LiveRuns: none>"
    assert "none is left" in live()[2:]._repr_html_()


def test_what_nobody_started_or_can_read_is_not_listed() -> None:
    with spool.create(ID, GOING_ON, {}):
        assert len(live()) == 0, "its load has not begun"
    with going_on(OTHER) as other:
        spool.detached_log_path(other).unlink()
        assert [one.by_start for one in live()] == [False]
    assert len(live()) == 0, "its process saves it"
    with going_on(THIRD) as damaged:
        (damaged / "run.json").write_text("{")
    assert len(live()) == 0
    with pytest.raises(BenchlabError, match=r"run\.json"):
        LiveRun(damaged)


@pytest.mark.timeout(120)
def test_a_run_of_another_process_is_watched_and_stopped_by_the_command() -> None:
    """Here it is `benchlab.run` in a thread; an interrupt of the command leaves it going."""
    finished: list[Run] = []

    def measure(url: str) -> None:
        plan = Plan(Request("GET", url), ConstantRate(20), duration_s=3600)
        finished.append(run(plan))

    command = [sys.executable, "-m", "benchlab", "live"]
    with serving(always(ok())) as url:
        thread = threading.Thread(target=measure, args=(url,))
        thread.start()
        while not live():
            thread.join(0.05)
        watching = subprocess.Popen(
            [*command, "latest"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        with watching:
            assert watching.stderr is not None
            assert url in watching.stderr.readline()
            watching.send_signal(signal.SIGINT)
            assert f"benchlab live {live()[0].id} --stop ends it" in watching.stderr.read()
        assert watching.returncode == 130
        assert thread.is_alive()
        done = subprocess.run(
            [*command, live()[0].id[:12], "--stop"], check=True, capture_output=True, text=True
        )
        assert "stopping" in done.stderr
        thread.join()
    assert [one.verdict for one in finished] == ["interrupted"]
    assert len(live()) == 0, "it has ended, and its process has it"
