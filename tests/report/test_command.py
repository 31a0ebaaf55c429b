from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import NoReturn

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from benchlab.cli.main import cli
from benchlab.plan.checks import (
    BodyContains,
    BodyEquals,
    BodyMatches,
    JsonEquals,
    MaxBody,
    StatusIn,
)
from benchlab.plan.drivers import drivers_for
from benchlab.plan.feed import Feed
from benchlab.plan.files.feed import read_feed
from benchlab.plan.files.scenario import scenario
from benchlab.plan.plan import Plan
from benchlab.plan.redacted import redacted_plan
from benchlab.plan.request import Request
from benchlab.plan.scenario import Scenario
from benchlab.plan.shapes import (
    ClosedLoop,
    ConstantRate,
    PoissonRate,
    Replay,
    Spike,
    Stages,
    Steps,
)
from benchlab.plan.shapes.closed_loop import THINK_DISTRIBUTIONS
from benchlab.plan.transport import Transport
from benchlab.plan.validation import ARRIVALS
from benchlab.redact import header_value, public_url
from benchlab.report.command import command_line, command_notes
from tests.runs.synthetic import URL


def arguments(plan: Plan) -> list[str]:
    command = command_line(plan)
    assert command is not None
    return shlex.split(command.replace(" \\\n  --", " --"))


class Made(Exception):
    """The command has made its plan, and is about to carry it out."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan


def plan_of_command(plan: Plan) -> Plan:
    """The plan that the real command makes of `command_line`."""

    def stop(plan: Plan, *_: object, **_more: object) -> NoReturn:
        raise Made(plan)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("benchlab.load.run.run_until", stop)
        with pytest.raises(Made) as caught:
            cli.main([*arguments(plan)[1:], "--no-save"], standalone_mode=False)
    return caught.value.plan


def test_every_setting_is_an_option() -> None:
    request = Request("POST", URL, headers={"X-A": "it's"}, json={"a": [1]})
    plan = Plan(
        [request],
        PoissonRate(12.5),
        duration_s=2.5,
        warmup_s=1,
        timeout_s=3,
        max_connections=50,
        workers=2,
        driver="httpx",
        name="my run",
        tags={"k": "v w"},
    )
    assert arguments(plan) == [
        *("benchlab", "run", URL, "--method", "POST", "--header", "X-A: it's"),
        *("--header", "Content-Type: application/json", "--body", '{"a":[1]}'),
        *("--rate", "12.5", "--arrivals", "poisson", "--max-connections", "50"),
        *("--duration", "2.5s", "--warmup", "1s", "--timeout", "3s", "--workers", "2"),
        *("--driver", "httpx", "--name", "my run", "--tag", "k=v w"),
    ]
    assert command_notes(plan) == []


@pytest.mark.parametrize(
    "plan",
    [
        Plan([Request("GET", URL)]),
        Plan([Request("GET", URL, body="x")], ConstantRate(0.125), warmup_s=0.000001),
        Plan([Request("PUT", URL, json=[1])], PoissonRate(7), trace_ratio=0.25, seed=9, name="-n"),
        Plan([Request("GET", URL, headers={"X": "a:b"})], ClosedLoop(4), tags={"a": "b=c"}),
        Plan([Request("GET", URL)], ClosedLoop(4, 0.125, "exponential"), request_count=10),
        Plan([Request("GET", URL)], ClosedLoop(4, 2), request_count=10, duration_s=3),
        Plan([Request("GET", URL)], PoissonRate(7), request_count=10),
        Plan([Request("GET", URL)], Stages([(1.5, 20), (60, 0)], 0.5), duration_s=2),
        Plan([Request("GET", URL)], Steps([(1.5, 20), (60, 0)], "poisson"), request_count=20),
        Plan([Request("GET", URL)], Spike(1, 20.5, 1, 0.25, 3)),
        Plan(
            [
                Request(
                    "GET",
                    URL,
                    checks=[
                        StatusIn(404, *range(200, 300)),
                        BodyContains("it's"),
                        BodyContains("-x"),
                        BodyMatches(r"^\d$"),
                        JsonEquals("a.b", {"c": [1, "="]}),
                        JsonEquals(r"a\.b", "7"),
                        MaxBody(1000),
                    ],
                )
            ]
        ),
        Plan([Request("GET", URL)], transport=Transport(verify=False, keep_alive=False)),
        Plan(
            [Request("GET", URL)],
            transport=Transport(
                ca_file="a b.pem",
                client_cert="c",
                client_key="k",
                server_name="n",
                unix_socket="/s",
                resolve={"a:1": "b:2"},
                dns_ttl_s=0.5,
            ),
        ),
    ],
)
def test_the_command_makes_the_same_plan(plan: Plan) -> None:
    assert plan_of_command(plan) == plan


def seconds(low_s: int = 0) -> st.SearchStrategy[float]:
    """Whole nanoseconds, as the command line has them."""
    return st.integers(low_s * 10**9, 10**14).map(lambda value: value / 10**9)


words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
visible = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=12)
json_values = st.one_of(st.none(), st.booleans(), st.integers(), words, st.lists(words, max_size=2))
checks = st.tuples(  # in the order in which the command line makes them
    st.lists(st.builds(StatusIn, st.integers(200, 599), st.integers(200, 599)), max_size=1),
    st.lists(st.builds(BodyContains, words), max_size=2),
    st.lists(st.builds(BodyEquals, words), max_size=1),
    st.lists(st.builds(BodyMatches, words.map(re.escape)), max_size=2),
    st.lists(
        st.builds(JsonEquals, st.sampled_from(["a", "a.0.b", r"a\.b"]), json_values), max_size=2
    ),
    st.lists(st.builds(MaxBody, st.integers(0, 10**9)), max_size=1),
).map(lambda kinds: [check for kind in kinds for check in kind])
requests = st.builds(
    Request,
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    url=st.sampled_from([URL, "http://127.0.0.1:8000", "http://127.0.0.1:8000/a?b=c#d", f"{URL}?"]),
    headers=st.dictionaries(st.sampled_from(["X-A", "Accept", "Content-Type"]), visible),
    body=st.one_of(st.just(""), words.filter(lambda text: text[0] not in "@{[")),
    checks=checks,
)
loads = st.one_of(
    st.builds(ClosedLoop, st.integers(16, 60_000)),
    st.builds(ClosedLoop, st.integers(16, 99), seconds(1), st.sampled_from(THINK_DISTRIBUTIONS)),
    st.builds(ConstantRate, st.integers(1, 500)),
    st.builds(PoissonRate, st.integers(1, 500).map(lambda rate: rate / 8)),
    st.builds(Stages, st.just([(1.5, 20), (60, 0)]), st.integers(0, 9)),
    st.builds(Steps, st.just([(1.5, 20), (60, 1)]), st.sampled_from(ARRIVALS)),
    st.builds(Spike, st.just(1), st.just(20.5), st.just(1), st.just(0.25), st.integers(2, 9)),
)
expressible = st.builds(
    Plan,
    requests=requests,
    load=loads,
    duration_s=st.one_of(st.none(), st.just(1.25)),
    request_count=st.one_of(st.none(), st.integers(1, 100)),
    warmup_s=seconds(),
    timeout_s=seconds(1),
    workers=st.integers(1, 16),
    driver=st.sampled_from(drivers_for("http")),
    trace_ratio=st.integers(0, 1000).map(lambda value: value / 1000),
    seed=st.integers(0, 2**63 - 1),
    drain_s=seconds(),
    name=st.one_of(st.just(""), words),
    tags=st.dictionaries(words.filter(lambda text: "=" not in text), words, max_size=2),
    slo=st.lists(st.sampled_from(["p99<50ms", "error_ratio<1%", "lag.max<1s"]), max_size=2),
    abort_on=st.lists(st.sampled_from(["error_ratio>0.5"]), max_size=1),
    faults=st.lists(st.sampled_from(["latency 5ms ratio=10%", "reset for 10ms"]), unique=True),
    transport=st.builds(
        Transport,
        verify=st.booleans(),
        server_name=st.sampled_from(["", "inner.example", "faß.example", "a_b."]),
        keep_alive=st.booleans(),
        resolve=st.dictionaries(st.just("a:80"), st.sampled_from(["127.0.0.1", "[::1]:81", "b:2"])),
        dns_ttl_s=st.integers(0, 10**6).map(lambda value: value / 1000),
    ),
)


@given(expressible)
def test_any_command_makes_the_same_plan(plan: Plan) -> None:
    assert plan_of_command(plan) == plan


def test_the_command_of_a_scenario_makes_the_same_plan(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text("async def buy(client, ctx):\n    pass\n")
    (tmp_path / "users.csv").write_text("user\nann\nbob\n")
    feed = read_feed(tmp_path / "users.csv", "random")
    shop = scenario(f"{tmp_path / 'shop.py'}:buy", URL, data=feed)
    plan = Plan(scenario=shop, load=ConstantRate(5), request_count=10, drain_s=5, name="dawn")
    assert plan_of_command(plan) == plan
    assert plan_of_command(evolve_steps(plan)) == plan
    of_httpx = plan.replace(driver="httpx")
    assert "--driver httpx" in str(command_line(of_httpx))
    assert plan_of_command(of_httpx) == of_httpx
    assert command_notes(plan) == []


def evolve_steps(plan: Plan) -> Plan:
    """``plan`` as its run has it, with the steps that ran."""
    assert plan.scenario is not None
    return evolve(plan, scenario=evolve(plan.scenario, steps=("a", "b")))


def test_the_command_of_a_feed_makes_the_same_plan(tmp_path: Path) -> None:
    (tmp_path / "users.jsonl").write_text('{"user": 1}\n')
    request = Request("GET", URL + "?{{user}}", data=read_feed(tmp_path / "users.jsonl"))
    plan = Plan(request, ConstantRate(5))
    assert plan_of_command(plan) == plan


def test_stars_of_the_plan_itself_are_no_secret() -> None:
    assert command_notes(Plan([Request("POST", f"{URL}/***", body="***")])) == []


def test_a_closed_loop_has_connections() -> None:
    assert arguments(Plan([Request("GET", URL)], ClosedLoop(7)))[3:5] == ["--connections", "7"]


def test_a_url_is_quoted_for_the_shell() -> None:
    url = "http://host/x?a=1&b=$(id)'"
    assert arguments(Plan([Request("GET", url)], ConstantRate(1)))[2] == url


@pytest.mark.parametrize(
    "plan",
    [
        Plan([Request("GET", URL), Request("GET", URL)]),
        Plan([Request("POST", URL, body=b"\xff")]),
        Plan([Request("POST", URL)], Replay([0, 1])),
        Plan([Request("POST", URL, body="@file")]),
        Plan([Request("GET", URL, checks=BodyEquals(""))]),
        Plan([Request("GET", URL, checks=[BodyEquals("x"), BodyEquals("y")])]),
        Plan([Request("GET", URL, name="home")]),
        Plan([Request("GET", URL, headers={"X": " a"})]),
        Plan([Request("POST", URL, body="{}")]),
        Plan([Request("POST", URL, body="a\0")]),
        Plan([Request("GET", URL)], tags={"a=b": "c"}),
        Plan(scenario=Scenario(URL, "buy")),
        Plan(scenario=Scenario(URL, "buy at dawn", function="shop.py:buy")),
        Plan([Request("GET", URL, checks=JsonEquals("a=b", 1))]),
        Plan([Request("GET", URL, checks=[MaxBody(1), MaxBody(2)])]),
        Plan([Request("GET", URL + "?{{a}}", data=Feed([{"a": 1}]))]),
    ],
)
def test_a_plan_that_no_command_line_expresses_is_noted(plan: Plan) -> None:
    assert command_line(plan) is None
    assert "benchlab run plan.toml" in command_notes(plan)[0]


def test_what_the_command_does_not_express_is_noted() -> None:
    secret = Plan([Request("GET", URL, headers={"Cookie": "abc"})])
    assert "abc" not in str(command_line(secret))
    assert "secrets" in command_notes(secret)[0]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (URL, URL),
        ("http://u:p@h/x", "http://u:***@h/x"),
        ("http://h/x?token=1&q=2&flag#f", "http://h/x?token=***&q=2&flag#f"),
        ("http://h/x?X-Amz-Signature=1", "http://h/x?X-Amz-Signature=***"),
    ],
)
def test_secrets_in_urls_are_hidden(url: str, shown: str) -> None:
    assert public_url(url) == shown


@pytest.mark.parametrize("name", ["Authorization", "cookie", "X-API-Key", "Proxy-Authorization"])
def test_secrets_in_headers_are_hidden(name: str) -> None:
    assert header_value(name, "s3cret") == "***"
    plan = Plan([Request("GET", URL, headers={name: "s3cret", "Accept": "x"})])
    assert redacted_plan(plan.to_dict())["requests"][0]["headers"] == [
        [name, "***"],
        ["Accept", "x"],
    ]
    assert plan.requests[0].headers[0] == (name, "s3cret")
