"""The options of ``benchlab run`` for recorded requests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from benchlab import ConstantRate, Plan, Replay
from benchlab.cli.options.group import given_of
from benchlab.cli.options.run import plan_from_values, plan_options
from benchlab.display.text import largest_shares, recorded_lines
from benchlab.errors import InputError

URL = "http://127.0.0.1:8000"
LOG = """\
10.0.0.1 [1773482400.000] "GET /items/1?page=2 HTTP/1.1" 200
10.0.0.2 [1773482400.250] "GET /items/2 HTTP/1.1" 200
10.0.0.1 [1773482401.000] "POST /cart HTTP/1.1" 201
10.0.0.1 [1773482460.500] "GET /items/1 HTTP/1.1" 200
not a line of this log
"""
FORMAT = '$remote_addr [$msec] "$request" $status'


@pytest.fixture
def log(tmp_path: Path) -> str:
    (tmp_path / "access.log").write_text(LOG)
    return f"{tmp_path}/access.log"


def plan_of(*arguments: str, url: str) -> Plan:
    made: list[Plan] = []

    @click.command()
    @click.pass_context
    @plan_options
    def command(context: click.Context, **values: Any) -> None:
        made.append(plan_from_values(url, values, given_of(context, values)))

    done = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return made[0]


def replay_of(log: str, *arguments: str, url: str = URL) -> Plan:
    return plan_of("--replay-log", log, "--log-format", FORMAT, *arguments, url=url)


def test_a_log_is_sent_at_its_times(log: str) -> None:
    plan = replay_of(log)
    assert plan.load == Replay([0, 0.25, 60.5])
    assert [request.name for request in plan.requests] == ["GET /items/{id}"]
    assert plan.recorded is not None
    assert len(plan.recorded) == 3
    assert dict(plan.recorded.skipped) == {"malformed": 1, "body_not_recorded": 1}
    assert plan.warmup_s == 0  # it would send requests that nobody made then


def test_speed_window_and_settings_of_any_run(log: str) -> None:
    options = ("--speed", "2", "--window", "10:00-10:01", "--warmup", "1s", "-w", "2")
    plan = replay_of(log, *options, "--slo", "p99<50ms", "-H", "Authorization: Bearer t")
    assert plan.load == Replay([0, 0.125])
    assert (plan.warmup_s, plan.workers, len(plan.slo)) == (1, 2, 1)
    (request,) = plan.requests
    assert ("Authorization", "Bearer t") in request.headers
    shorter = replay_of(log, "--duration", "30s")
    assert shorter.intended_count() == 2


@pytest.mark.parametrize(
    ("bodies", "body"),
    [
        (('--bodies={"id": 1}',), b'{"id": 1}'),
        (('--bodies=POST /cart={"a": "b=c"}', "--bodies=PUT /x=y"), b'{"a": "b=c"}'),
        (("--bodies=@{file}",), b"from a file"),
        (("--bodies=POST /cart=@{file}",), b"from a file"),
    ],
)
def test_bodies_that_were_not_recorded(
    log: str, tmp_path: Path, bodies: tuple[str, ...], body: bytes
) -> None:
    (tmp_path / "body").write_bytes(b"from a file")
    plan = replay_of(log, *(text.replace("{file}", f"{tmp_path}/body") for text in bodies))
    assert {request.method: request.body for request in plan.requests} == {
        "GET": b"",
        "POST": body,
    }


def test_a_load_of_its_own_takes_the_recorded_order(log: str) -> None:
    plan = replay_of(log, "--rate", "100")
    assert (plan.load, plan.length_s, plan.warmup_s) == (ConstantRate(100), 10, 2)
    assert plan.recorded is not None


def test_what_will_be_sent_and_what_was_left_out(log: str) -> None:
    lines = recorded_lines(replay_of(log, "--speed", "2"))
    assert lines[0].startswith("replay of access log access.log")
    assert "2 × as fast: 3 requests in " in lines[0]
    assert "1 with a body that was not recorded" in lines[1]
    assert largest_shares(replay_of(log)) == "GET /items/{id} 100 %"
    assert recorded_lines(plan_of(url=URL)) == []


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--speed", "2"), "--speed is for a replay: give --replay-log"),
        (("--window", "10:00-10:05"), "--window is for a replay"),
        (("--bodies", "x"), "--bodies is for a replay"),
        (("--replay-log", "a", "--replay-service", "b"), "exclude each other"),
        (("--replay-service", "b", "--log-format", "json"), "--log-format is for --replay-log"),
        (("--replay-log", "a", "-X", "PUT"), "--method and --body do not apply to a replay"),
        (("--replay-log", "a", "-d", "x"), "--bodies for requests whose body"),
        (("--replay-log", "a", "--target", "http://127.0.0.1:1"), "--target does not apply"),
        (("--replay-log", "absent.log"), "absent.log"),
        (("--replay-log", "absent.har"), "absent.har"),
    ],
)
def test_what_cannot_be_is_refused(options: tuple[str, ...], problem: str) -> None:
    with pytest.raises(InputError, match=problem.replace(".", r"\.")):
        plan_of(*options, url=URL)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--query", "a=b"), "--query and --feed do not apply to recorded requests"),
        (("--speed", "2", "--rate", "5"), "--speed is about the recorded times"),
        (("--speed", "0"), "speed"),
        (("--window", "11:00-11:05"), "window"),
        (("--window", "soon"), "window"),
        (("--bodies", "a", "--bodies", "b"), "several --bodies need an endpoint each"),
        (("--duration", "10m"), "longer than the load's own"),
    ],
)
def test_what_does_not_fit_the_log_is_refused(
    log: str, options: tuple[str, ...], problem: str
) -> None:
    with pytest.raises(InputError, match=problem):
        replay_of(log, *options)


def test_a_har_file_is_known_by_its_suffix(tmp_path: Path) -> None:
    (tmp_path / "shop.har").write_text("{}")
    with pytest.raises(InputError, match=r"shop\.har"):
        plan_of("--replay-log", f"{tmp_path}/shop.har", url=URL)


def test_calls_and_plans_of_several_requests_are_refused(log: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="over HTTP"):
        replay_of(log, url="grpc://127.0.0.1:1/a.B/C")
    (tmp_path / "plan.toml").write_text(
        f"[[requests]]\nurl = '{URL}/a'\n[[requests]]\nurl = '{URL}/b'\n"
    )
    given = {"replay_log": log, "log_format": FORMAT}
    with pytest.raises(InputError, match="2 requests of its own"):
        plan_from_values(f"{tmp_path}/plan.toml", given, set(given))
