from __future__ import annotations

import shlex

import pytest

from benchlab.cli.main import cli
from benchlab.plan.checks import (
    BodyContains,
    BodyEquals,
    BodyMatches,
    JsonEquals,
    MaxBody,
    StatusIn,
)
from benchlab.plan.feed import Feed
from benchlab.plan.plan import Plan
from benchlab.plan.redacted import redacted_plan
from benchlab.plan.request import Request
from benchlab.plan.shapes import (
    ClosedLoop,
    ConstantRate,
    PoissonRate,
    Replay,
    Spike,
    Stages,
    Steps,
)
from benchlab.plan.transport import Transport
from benchlab.redact import header_value, public_url
from benchlab.report.command import command_line, command_notes
from benchlab.runs.run import Run
from tests.runs.synthetic import URL, make_run


def arguments(plan: Plan) -> list[str]:
    command = command_line(plan)
    assert command is not None
    return shlex.split(command.replace("\\\n", ""))


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
def test_the_command_makes_the_same_plan(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Plan] = []

    def carry_out(plan: Plan, **_: object) -> Run:
        made.append(plan)
        return make_run()

    monkeypatch.setattr("benchlab.load.run.run", carry_out)
    assert cli.main([*arguments(plan)[1:], "--no-save"], standalone_mode=False) == 0
    assert made == [plan]


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
        Plan([Request("GET", URL, checks=BodyEquals("x"))]),
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
