"""gRPC calls on the command line and in plan files: as in Python, and back."""

from __future__ import annotations

import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import benchlab as bl
from benchlab.cli.options.group import errors_name_options, given_of
from benchlab.cli.options.run import PLAN_OPTIONS, plan_from_values, plan_options
from benchlab.errors import InputError
from benchlab.plan.files.feed import read_feed
from benchlab.plan.files.plan import read_plan
from benchlab.plan.toml import plan_to_toml
from benchlab.report.command import command_line
from tests.cli.options.test_run import plan_of

PROTOS = Path(__file__).parents[2] / "plan/grpc/protos"
PROTO = str(PROTOS / "shop/orders.proto")
URL = "grpc://127.0.0.1:50051/shop.Orders/Place"


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> bl.Plan:
    """A plan with all that a call may have."""
    rows = tmp_path_factory.mktemp("rows") / "ids.csv"
    rows.write_text("id\n7\n8\n")
    call = bl.GrpcRequest(
        URL,
        {"id": "{{id}}", "address": "it's"},
        {"tenant": "a b", "trace-bin": b"\x00"},
        checks=[bl.GrpcStatusIn("OK", "NOT_FOUND"), bl.JsonEquals("id", "7")],
        data=read_feed(rows),
        proto=PROTO,
        import_paths=[str(PROTOS)],
        deadline_s=0.25,
        compression="gzip",
    )
    return bl.Plan(call, bl.ConstantRate(5), duration_s=3, timeout_s=2)


def described(plan: bl.Plan) -> bytes:
    (request,) = plan.requests
    assert isinstance(request, bl.GrpcRequest)
    assert request.descriptors is not None
    return request.descriptors.data


def test_the_command_makes_the_same_plan(plan: bl.Plan) -> None:
    command = command_line(plan)
    assert command is not None
    _, _, url, *arguments = shlex.split(command.replace("\\\n", ""))
    made = plan_of(*arguments, url=url)
    assert made == plan
    assert described(made) == described(plan)


def test_the_plan_file_makes_the_same_plan(plan: bl.Plan, tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(plan_to_toml(plan))
    read = read_plan(tmp_path / "plan.toml")
    assert read == plan
    assert described(read) == described(plan)


def test_secrets_are_hidden_in_both() -> None:
    secret = bl.Plan(bl.GrpcRequest(URL, {}, {"authorization": "hunter2"}))
    assert "hunter2" not in f"{command_line(secret)}{plan_to_toml(secret)}"


def test_a_call_needs_neither_message_nor_options() -> None:
    plan = plan_of(url=URL)
    assert plan.requests == (bl.GrpcRequest(URL),)
    assert (plan.driver, plan.name) == ("grpc", "shop.Orders/Place")
    assert plan_of("--target", "a=grpc://h:1", url="shop.Orders/Place").requests == (
        bl.GrpcRequest("shop.Orders/Place", target="grpc://h:1"),
    )


@pytest.mark.parametrize(
    ("options", "url", "expected"),
    [
        (["-X", "GET"], URL, "--method.* is for HTTP"),
        (["--query", "a=b"], URL, "metadata with --header"),
        (["-u", "a:b"], URL, "metadata with --header"),
        (["--expect-status", "200"], URL, "gRPC has no status '200'"),
        (["--expect-status", "NOTFOUND"], URL, "did you mean NOT_FOUND"),
        (["--expect-status", "OK"], "http://h/", "write 200,201 or 2xx"),
        (["--proto", "x.proto"], "http://h/", "--proto.* is for gRPC"),
        (["--proto", "x.proto"], URL, "--proto='x.proto' is not a file"),
        (["--deadline", "0"], URL, "--deadline=0.0 must be"),
        (["-H", "te: x"], URL, "--header: te cannot be given"),
        (["-d", "{"], URL, "--body: is not JSON"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_option(
    options: list[str], url: str, expected: str
) -> None:
    @click.command()
    @plan_options
    def command(**values: object) -> None:
        given = given_of(click.get_current_context(), values)
        with errors_name_options(PLAN_OPTIONS, given):
            plan_from_values(url, values, given)

    with pytest.raises(InputError, match=expected):
        CliRunner().invoke(command, options, catch_exceptions=False)


CALLS = """
targets = ["grpc://127.0.0.1:1"]
[[requests]]
grpc = "shop.Orders/Place"
message = { id = 7, lines = [{ article = "tea" }] }
metadata = { Tenant = "a" }
deadline = "250ms"
proto = "shop/orders.proto"
import_paths = "."
weight = 3
[[requests]]
grpc = "shop.Stock/Count"
message_file = "query.json"
protoset = "stock.pb"
[[requests]]
url = "grpcs://h/a.B/C"
message = '{"a": "{{seq}}"}'
checks = [{ kind = "grpc_status_in", statuses = "NOT_FOUND" }]
"""


def test_a_plan_file_has_calls_by_their_keys(plan: bl.Plan, tmp_path: Path) -> None:
    (tmp_path / "shop").symlink_to(PROTOS / "shop")
    (tmp_path / "query.json").write_text('{"text": "x"}')
    (tmp_path / "stock.pb").write_bytes(described(plan))
    (tmp_path / "plan.toml").write_text(CALLS)
    read = read_plan(tmp_path / "plan.toml")
    assert read.requests == (
        bl.GrpcRequest(
            "shop.Orders/Place",
            {"id": 7, "lines": [{"article": "tea"}]},
            {"tenant": "a"},
            weight=3,
            target="grpc://127.0.0.1:1",
            deadline_s=0.25,
        ),
        bl.GrpcRequest("shop.Stock/Count", '{"text": "x"}', target="grpc://127.0.0.1:1"),
        bl.GrpcRequest("grpcs://h/a.B/C", '{"a": "{{seq}}"}', checks=bl.GrpcStatusIn("NOT_FOUND")),
    )


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ('grpc = "a.B/C"\nbody = "x"', "unknown key 'body'"),
        ('grpc = "a.B/C"\nmesage = "x"', "did you mean message"),
        ('grpc = "a.B/C"\nurl = "grpc://h:1/a.B/C"', "there are grpc and url"),
        ('grpc = "a.B/C"\nmessage = "{}"\nmessage_file = "x"', "there are message_file and mess"),
        ("grpc = 5", "grpc=5 must be text"),
        ('grpc = "a.B/C"\nproto = 5', "proto=5 must be text"),
        ('grpc = "a.B/C"\ndeadline = "x"', "request 1 of plan.toml, line 4: deadline"),
        ('grpc = "a.B/C"\nmessage = "{"', "request 1 of plan.toml, line 4: message: is not JSON"),
        ('url = "http://h/"\nproto = "a"', "unknown key 'proto'"),
    ],
)
def test_what_is_wrong_with_a_call_is_named(table: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(f'targets = ["grpc://h:1"]\n[[requests]]\n{table}\n')
    with pytest.raises(InputError) as caught:
        read_plan(tmp_path / "plan.toml")
    assert expected in str(caught.value)


def test_a_scenario_has_the_url_of_its_service(tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text("async def visit(client, ctx):\n    pass\n")
    made = plan_of("--scenario", f"{tmp_path}/steps.py:visit", url="grpc://127.0.0.1:50051")
    assert made.scenario is not None
    assert (made.driver, made.scenario.base_url) == ("grpc", "grpc://127.0.0.1:50051")
