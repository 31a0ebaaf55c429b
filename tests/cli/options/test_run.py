"""The options of ``benchlab run`` become a plan."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
import pytest
from attrs import fields
from click.testing import CliRunner

from benchlab import ClosedLoop, ConstantRate, Plan, PoissonRate, Stages, Transport
from benchlab.cli.options.group import copy_fields, errors_name_options
from benchlab.cli.options.run import PLAN_OPTIONS, plan_from_values, plan_options
from benchlab.cli.run import run as run_command
from benchlab.errors import InputError

URL = "http://127.0.0.1:8000/x"


def plan_of(*arguments: str, url: str = URL) -> Plan:
    made: list[Plan] = []

    @click.command()
    @plan_options
    def command(**values: Any) -> None:
        made.append(plan_from_values(url, values))

    done = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return made[0]


def test_without_options_it_is_a_closed_loop_of_get_requests() -> None:
    plan = plan_of()
    assert plan.requests[0].method == "GET"
    assert plan.load == ClosedLoop(64)
    assert (plan.length_s, plan.warmup_s, plan.timeout_s) == (10, 2, 10)
    assert plan.name == "GET /x"


def test_options_reach_the_plan(tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b"[1]")
    plan = plan_of(
        "-d", f"@{tmp_path}/body", "-H", "X-Y: z", "-r", "50", "--arrivals", "poisson",
        "--duration", "1m", "--warmup", "0", "--timeout", "500ms", "-w", "2", "--driver", "httpx",
        "--max-connections", "7", "--trace-ratio", "0.5", "--seed", "9", "--tag", "k=v",
    )  # fmt: skip
    (request,) = plan.requests
    assert (request.method, request.body) == ("POST", b"[1]")
    assert request.headers == (("X-Y", "z"), ("Content-Type", "application/json"))
    assert plan.load == PoissonRate(50)
    assert (plan.duration_s, plan.warmup_s, plan.timeout_s) == (60, 0, 0.5)
    assert (plan.workers, plan.driver, plan.max_connections) == (2, "httpx", 7)
    assert (plan.trace_ratio, plan.seed, plan.tags) == (0.5, 9, (("k", "v"),))
    assert plan.name == "POST /x"


def test_http2_is_short_for_its_driver() -> None:
    plan = plan_of("--http2", "--streams", "8", "-c", "10")
    assert (plan.driver, plan.streams, plan.most_connections) == ("http2", 8, 2)
    assert plan_of("--driver", "http2", "--http2").driver == "http2"
    with pytest.raises(InputError, match="--http2 is short for --driver http2"):
        plan_of("--http2", "--driver", "httpx")


def test_every_setting_of_a_plan_and_of_its_connections_has_an_option() -> None:
    options = {name for group in PLAN_OPTIONS for name in group.names}
    not_settings = {"requests", "load", "transport", "recorded", "length_s"}
    assert {item.name for item in fields(Plan)} - not_settings <= options
    assert {item.name for item in fields(Transport)} <= options
    assert "targets" in options


def test_a_path_is_sent_to_each_target() -> None:
    targets = ("--target", "http://127.0.0.1:1", "--target", "http://127.0.0.1:2")
    plan = plan_of(*targets, "--drain", "5s", url="/health")
    assert [request.url for request in plan.requests] == [
        "http://127.0.0.1:1/health",
        "http://127.0.0.1:2/health",
    ]
    assert plan.drain_s == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--query", "a=b"), "--query, --user and --cookie do not apply to a scenario"),
        (("--user", "a:b"), "--query, --user and --cookie do not apply to a scenario"),
        (("--expect-status", "200"), "in a scenario, write step.check"),
        (("--method", "PUT"), "--method, --header and --body do not apply"),
    ],
)
def test_options_that_a_scenario_would_ignore_are_refused(
    arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    (tmp_path / "steps.py").write_text("async def visit(client, ctx):\n    pass\n")
    with pytest.raises(InputError, match=message):
        plan_of("--scenario", f"{tmp_path}/steps.py:visit", *arguments)


def test_the_driver_is_the_client_of_a_scenario(tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text("async def visit(client, ctx):\n    pass\n")
    given = ("--scenario", f"{tmp_path}/steps.py:visit")
    assert [plan_of(*given).driver, plan_of(*given, "--driver", "httpx").driver] == [
        "http",
        "httpx",
    ]
    table = '[scenario]\nfunction = "steps.py:visit"\nbase_url = "http://a"\nclient = "httpx"\n'
    assert from_file(tmp_path, table).driver == "httpx"
    assert from_file(tmp_path, table, driver="http").driver == "http"
    assert from_file(tmp_path, table, scenario=given[1]).driver == "httpx"


def test_a_target_may_have_a_name() -> None:
    targets = ("--target", "old=http://127.0.0.1:1", "--target", "new=http://127.0.0.1:2/?a=b")
    assert [request.name for request in plan_of(*targets, url="/x").requests] == [
        "GET /x @ old",
        "GET /x @ new",
    ]
    (only,) = plan_of("--target", "http://127.0.0.1:1/?a=b", url="/x").requests
    assert only.name == "GET /x"


def test_an_error_of_a_plan_file_is_in_its_words_unless_an_option_made_it(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text('duration = 0\n[[requests]]\nurl = "http://127.0.0.1:1/"\n')
    with pytest.raises(InputError, match=r"^plan\.toml, line 1: duration=0 must be"):
        plan_from_values(str(file), {}, set())
    values = {"duration_s": 0.0}
    with (
        pytest.raises(InputError, match=r"^--duration=0\.0 must be"),
        errors_name_options(PLAN_OPTIONS, values.keys()),
    ):
        plan_from_values(str(file), values, values.keys())


def test_a_rate_makes_an_open_loop() -> None:
    assert plan_of("--rate", "20").load == ConstantRate(20)


def test_given_header_replaces_the_credentials_of_the_url() -> None:
    url = "http://user:word@127.0.0.1:8000/x"
    assert plan_of(url=url).requests[0].headers[0][0] == "Authorization"
    own = plan_of("-H", "authorization: Bearer t", url=url)
    assert own.requests[0].headers == (("authorization", "Bearer t"),)


@pytest.mark.parametrize(
    "name",
    [name for group in PLAN_OPTIONS if group.apply is copy_fields for name in group.names],
)
def test_options_that_are_copied_are_fields_of_the_plan(name: str) -> None:
    assert name in {item.name for item in fields(Plan)}


def test_help_lists_every_option_once_and_by_groups() -> None:
    shown = CliRunner().invoke(run_command, ["--help"], catch_exceptions=False).output
    heads = re.findall(r"^([A-Z][\w ]+):$", shown, re.MULTILINE)
    assert heads == [*dict.fromkeys(group.title for group in PLAN_OPTIONS), "Output"]
    options = [option for item in run_command.params for option in item.opts if option[:2] == "--"]
    listed = re.findall(r"^  (?:-\w, )?(--[\w-]+)", shown, re.MULTILINE)
    assert sorted(listed) == sorted([*options, "--help"])


def test_no_two_options_become_the_same_parameter() -> None:
    names = [name for group in PLAN_OPTIONS for name in group.names]
    assert len(names) == len(set(names))


FILE = """
name = "mine"
duration = "7s"
slo = ["p99<5ms"]
[load]
kind = "poisson_rate"
rate_rps = 50
[[requests]]
url = "http://127.0.0.1:8000/x"
headers = { X-A = "1", X-B = "2" }
[tags]
a = "1"
"""


def from_file(tmp_path: Path, text: str, **given: Any) -> Plan:
    (tmp_path / "plan.toml").write_text(text)
    return plan_from_values(f"{tmp_path}/plan.toml", given, set(given))


def test_options_change_a_plan_file_only_where_given(tmp_path: Path) -> None:
    same = from_file(tmp_path, FILE)
    assert (same.name, same.duration_s, same.warmup_s) == ("mine", 7, 0)
    assert same.load == PoissonRate(50)
    changed = from_file(
        tmp_path, FILE, rate=20.0, headers=("x-a: 3",), tags=("b=2",), warmup_s=1.0, slo=()
    )
    assert changed.load == PoissonRate(20)
    assert changed.requests[0].headers == (("x-a", "3"), ("X-B", "2"))
    assert changed.tags == (("a", "1"), ("b", "2"))
    assert (changed.duration_s, changed.warmup_s, changed.slo) == (7, 1, ())
    assert from_file(tmp_path, FILE, arrivals="constant").load == ConstantRate(50)
    assert from_file(tmp_path, FILE, body="[1]").requests[0].method == "POST"
    closed = FILE.replace("poisson_rate", "closed_loop").replace("rate_rps", "connections")
    assert from_file(tmp_path, closed, connections=5).load == ClosedLoop(5)
    paused = closed.replace("connections", 'think_time_s = "1s"\nconnections')
    assert from_file(tmp_path, paused, connections=5).load == ClosedLoop(5, 1)
    assert from_file(tmp_path, paused, think_time="2s").load == ClosedLoop(50, 2)
    assert from_file(tmp_path, closed, stages="7s:10").load == Stages([(7, 10)])
    assert from_file(tmp_path, closed, rate=5.0).load == ConstantRate(5)


def test_options_that_do_not_fit_the_plan_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--connections does not fit"):
        from_file(tmp_path, FILE, connections=5)
    staged = FILE.replace("poisson_rate", "stages").replace("rate_rps = 50", "stages = [[7, 5]]")
    with pytest.raises(InputError, match="--arrivals does not fit"):
        from_file(tmp_path, staged, arrivals="poisson")
    two = FILE.replace("[tags]", '[[requests]]\nurl = "http://127.0.0.1:8000/y"\n[tags]')
    with pytest.raises(InputError, match="--body would change all 2 requests"):
        from_file(tmp_path, two, body="x")


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"duration_s"}, {"field": "duration_s", "value": 0.0}, "--duration=0.0 is wrong"),
        (set(), {"field": "duration_s", "value": 0.0}, "duration_s=0.0 is wrong"),  # a plan file's
        ({"rate"}, {"field": "rate_rps", "value": -1}, "--rate=-1 is wrong"),
        ({"think_time"}, {"field": "think_time_s", "value": -1}, "--think-time=-1 is wrong"),
        ({"slo"}, {"field": "slo"}, "--slo: is wrong"),
        ({"slo"}, {"field": "slo", "where": "a.toml"}, "a.toml: slo: is wrong"),
        ({"feed"}, {"field": "data", "remedy": "mend it"}, "--feed: is wrong: mend it"),
        ({"duration_s"}, {}, "is wrong"),
    ],
)
def test_errors_name_the_options_that_were_typed(
    given: set[str], error: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError) as caught, errors_name_options(PLAN_OPTIONS, given):
        raise InputError("is wrong", **error)
    assert str(caught.value) == message


def test_connection_options_reach_the_transport() -> None:
    plan = plan_of(
        "--ca-file", "ca.pem", "--cert", "c.pem", "--key", "k.pem", "--server-name", "inner",
        "--no-keep-alive", "--unix-socket", "/run/x", "--resolve", "a.test:443=127.0.0.1:8443",
        "--dns-ttl", "0",
    )  # fmt: skip
    assert plan.transport == Transport(
        ca_file="ca.pem",
        client_cert="c.pem",
        client_key="k.pem",
        server_name="inner",
        keep_alive=False,
        unix_socket="/run/x",
        resolve={"a.test:443": "127.0.0.1:8443"},
        dns_ttl_s=0,
    )
    assert plan_of().transport == Transport()
    assert not plan_of("-k").transport.verify


def test_additions_to_a_request(tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("id\n7\n8\n")
    plan = plan_of(
        "-d", '{"id": "{{id}}"}', "--query", "q=x y", "--query", "id={{id}}", "-u", "ada:pw:1",
        "--cookie", "s=1", "--feed", f"{tmp_path}/users.csv", "--pick", "random",
    )  # fmt: skip
    (request,) = plan.requests
    assert request.url == URL + "?q=x+y&id={{id}}"
    assert request.method == "POST"
    assert dict(request.headers) == {
        "Content-Type": "application/json",
        "Authorization": "Basic YWRhOnB3OjE=",
        "Cookie": "s=1",
    }
    assert request.data is not None
    assert request.data.pick == "random"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--query", "a=1", "--query", "SECRET"), "--query number 2 has no equals sign"),
        (("--cookie", "SECRET"), "--cookie number 1 has no equals sign"),
        (("-H", "A: 1", "-H", "AuthorizationSECRET"), "--header number 2 has no colon"),
        (("-H", "Authorization Bearer SECRET:"), "goes on with ' ' after 'Authorization'"),
        (("--user", "ada"), "--user has no colon"),
        (("--pick", "random"), "--pick needs --feed"),
        (("--resolve", "a"), "--resolve 'a' cannot be read"),
        (("--feed", "gone.csv"), "cannot read gone.csv: No such file"),
    ],
)
def test_invalid_additions_are_refused(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        plan_of(*arguments)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("latenci 5ms", "--fault='latenci 5ms' cannot be used: kind='latenci' is unknown"),
        ("drop at 1h", "--fault='drop at 3600s' begins at 3600 s of a run of 10 s"),
    ],
)
def test_a_fault_that_cannot_be_used_is_named_by_its_option(text: str, message: str) -> None:
    with (
        pytest.raises(InputError) as caught,
        errors_name_options(PLAN_OPTIONS, {"faults"}),
    ):
        plan_of("--fault", text)
    assert message in str(caught.value)


def test_faults_are_in_the_order_in_which_they_begin() -> None:
    plan = plan_of("--fault", "error 503 at 3s", "--fault", "latency 5ms at 1s for 2s")
    assert [str(fault) for fault in plan.faults] == ["latency 5ms at 1s for 2s", "error 503 at 3s"]
