"""The options of ``benchlab run`` become a plan."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from benchlab import ClosedLoop, ConstantRate, Plan, PoissonRate
from benchlab.cli.option_group import copy_fields
from benchlab.cli.run_options import PLAN_OPTIONS, plan_from_values, plan_options

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
    assert (plan.duration_s, plan.warmup_s, plan.timeout_s) == (10, 2, 10)
    assert plan.name == "GET /x"


def test_options_reach_the_plan(tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b"[1]")
    plan = plan_of(
        "-d", f"@{tmp_path}/body", "-H", "X-Y: z", "-r", "50", "--arrivals", "poisson",
        "--duration", "1m", "--warmup", "0", "--timeout", "500ms", "-w", "2", "--driver", "httpx",
        "--max-connections", "7", "--trace-ratio", "0.5", "--seed", "9", "--tag", "k=v",
    )  # fmt: skip
    (request,) = plan.requests
    assert (request.method, request.body_bytes) == ("POST", b"[1]")
    assert request.header_pairs == (("X-Y", "z"), ("Content-Type", "application/json"))
    assert plan.load == PoissonRate(50)
    assert (plan.duration_s, plan.warmup_s, plan.timeout_s) == (60, 0, 0.5)
    assert (plan.workers, plan.driver, plan.max_connections) == (2, "httpx", 7)
    assert (plan.trace_ratio, plan.seed, plan.tags) == (0.5, 9, (("k", "v"),))
    assert plan.name == "POST /x"


def test_a_rate_makes_an_open_loop() -> None:
    assert plan_of("--rate", "20").load == ConstantRate(20)


def test_a_header_of_ones_own_replaces_the_credentials_of_the_url() -> None:
    url = "http://user:word@127.0.0.1:8000/x"
    assert plan_of(url=url).requests[0].header_pairs[0][0] == "Authorization"
    own = plan_of("-H", "authorization: Bearer t", url=url)
    assert own.requests[0].header_pairs == (("authorization", "Bearer t"),)


@pytest.mark.parametrize(
    "name",
    [name for group in PLAN_OPTIONS if group.apply is copy_fields for name in group.names],
)
def test_options_that_are_copied_are_fields_of_the_plan(name: str) -> None:
    assert name in {item.name for item in fields(Plan)}


def test_no_two_options_become_the_same_parameter() -> None:
    names = [name for group in PLAN_OPTIONS for name in group.names]
    assert len(names) == len(set(names))
