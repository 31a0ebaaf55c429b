"""Scenarios over real sockets: the samples are the steps of the users."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchlab import ClosedLoop, ConstantRate, Feed, Plan, Store, run, scenario
from benchlab.errors import InputError
from benchlab.load.drivers.scenario.context import Context
from benchlab.runs.run import Run
from benchlab.runs.verdict import count_missing
from benchlab.samples.samples import Flag
from tests.load.servers import serving


def respond(connection: socket.socket, request: bytes, _number: int) -> bool:
    """An echo of the path: /missing is 404, /token sets a cookie."""
    path = request.split(b" ")[1]
    status = b"404 Not Found" if path.startswith(b"/missing") else b"200 OK"
    cookie = b"Set-Cookie: session=abc\r\n" if path == b"/token" else b""
    has_cookie = b"yes" if b"session=abc" in request else b"no"
    body = b'{"path": "%b", "cookie": "%b"}' % (path, has_cookie)
    connection.sendall(
        b"HTTP/1.1 %b\r\n%bContent-Length: %d\r\n\r\n%b" % (status, cookie, len(body), body)
    )
    return True


async def shop(client: Any, ctx: Any) -> None:
    async with ctx.step("log in"):
        await client.get("/token")
    async with ctx.step("look around") as step:
        await client.get("/a")
        found = await client.get("/b")
        step.check(found.json()["cookie"] == "yes", "the cookie was not sent")
    await client.get("/plain;sid=SECRET", params={"n": ctx.iteration})


async def failing(client: Any, ctx: Any) -> None:
    if ctx.iteration % 4 == 0:
        async with ctx.step("missing"):
            await client.get("/missing")
    elif ctx.iteration % 4 == 1:
        async with ctx.step("expected", expect_status={404}):
            await client.get("/missing")
    elif ctx.iteration % 4 == 2:
        async with ctx.step("asserts"):
            assert (await client.get("/a")).json()["nope"] == 1
    else:
        raise ValueError("no step at all")


async def blocking(_client: Any, ctx: Any) -> None:
    import time

    async with ctx.step("computes"):
        time.sleep(0.2)


async def impossible(client: Any, _ctx: Any) -> None:
    await client.get("/plain", headers={"X-Line": "one\ntwo"})


async def rows(client: Any, ctx: Any) -> None:
    await client.get(f"/row/{ctx.row['id']}")


async def many_paths(client: Any, ctx: Any) -> None:
    await client.get(f"/item/{ctx.user}-{ctx.iteration}")


async def slow(client: Any, ctx: Any) -> None:
    import asyncio

    async with ctx.step("waits"):
        await asyncio.sleep(30)


both_clients = pytest.mark.parametrize("client", ["http", "httpx"])


def run_of(function: Any, url: str, load: Any, client: str = "http", **more: Any) -> Run:
    data = more.pop("data", None)
    return run(Plan(scenario=scenario(function, url, data=data, client=client), load=load, **more))


def counts(result: Run) -> dict[str, int]:
    return {name: stats.count for name, stats in result.by_endpoint().items()}


@both_clients
@pytest.mark.parametrize("workers", [1, 2])
def test_each_step_is_a_sample_and_each_arrival_an_iteration(workers: int, client: str) -> None:
    with serving(respond) as url:
        result = run_of(shop, url, ConstantRate(40), duration_s=1, workers=workers, client=client)
    assert count_missing(result.samples, workers) == 0
    assert result.iteration_count == 40
    assert counts(result) == {"log in": 40, "look around": 40, "GET /plain;sid=***": 40}
    assert (result.samples.column("connection") > 0).all()
    assert result.summary.errors == {}
    assert result.plan.driver == client
    begins = result.samples.iteration_starts
    first = result.plan.endpoint_names.index("log in")
    assert set(begins.column("endpoint")) == {first}
    others = result.samples.where((result.samples.column("flags") & Flag.FIRST_STEP) == 0)
    assert (others.lag_ns == 0).all()


def test_a_closed_loop_counts_iterations() -> None:
    with serving(respond) as url:
        result = run_of(shop, url, ClosedLoop(3), request_count=17)
    assert result.iteration_count == 17
    assert counts(result)["log in"] == 17
    assert result.summary.errors == {}


def test_failures_have_the_kind_and_message_of_their_cause() -> None:
    with serving(respond) as url:
        result = run_of(failing, url, ClosedLoop(1), request_count=8)
    assert counts(result) == {"missing": 2, "expected": 2, "asserts": 2, "failing": 2}
    by_step = {name: part.errors for name, part in result.by_endpoint().items()}
    assert by_step == {
        "missing": {"status": 2},
        "expected": {},
        "asserts": {"check": 2},
        "failing": {"check": 2},
    }
    messages = {example.endpoint: example.message for example in result.examples}
    assert messages["asserts"] == "KeyError: 'nope'"
    assert messages["failing"] == "ValueError: no step at all"


@both_clients
def test_a_run_whose_requests_cannot_be_sent_is_invalid(client: str) -> None:
    with serving(respond) as url:
        result = run_of(impossible, url, ClosedLoop(1), request_count=3, client=client)
    assert result.summary.errors == {"unsent": 3}
    assert result.examples[0].message.startswith("Illegal header value")
    assert result.verdict == "invalid"
    assert str(result.invalid_reason).startswith("no request was sent")


def test_rows_of_data_are_used_in_turn() -> None:
    with serving(respond) as url:
        feed = Feed([{"id": n} for n in range(5)])
        result = run_of(rows, url, ConstantRate(50), duration_s=0.3, data=feed)
    assert counts(result) == {f"GET /row/{n}": 3 for n in range(5)}


def test_too_many_paths_become_one_name() -> None:
    with serving(respond) as url:
        result = run_of(many_paths, url, ClosedLoop(2), request_count=230)
    found = Counter(counts(result))
    assert found.total() == 230
    assert found["GET (other paths)"] == 30


def test_a_step_is_bounded_by_the_timeout() -> None:
    with serving(respond) as url:
        result = run_of(slow, url, ConstantRate(20), duration_s=0.2, timeout_s=0.2)
    assert result.summary.errors == {"timeout": 4}


def test_a_step_that_blocks_the_loop_beyond_the_timeout_is_a_timeout() -> None:
    with serving(respond) as url:
        result = run_of(blocking, url, ClosedLoop(1), request_count=2, timeout_s=0.1)
    assert result.summary.errors == {"timeout": 2}


def test_open_steps_are_abandoned_at_the_end() -> None:
    with serving(respond) as url:
        result = run_of(slow, url, ConstantRate(20), duration_s=0.2, drain_s=0.1)
    assert result.summary.errors == {"abandoned": 4}
    assert result.iteration_count == 4


def test_a_scenario_comes_back_from_the_store_without_its_code() -> None:
    with serving(respond) as url:
        result = run_of(shop, url, ConstantRate(20), duration_s=0.3, trace_ratio=1.0)
        store = Store()
        store.save(result)
        back = store.load(result.id)
        assert counts(back) == counts(result)
        assert back.verdict == result.verdict
        assert back.plan.scenario is not None
        assert "look around" in back.plan.scenario.source
        assert back.plan.scenario.code == b""
        with pytest.raises(InputError, match="code of the scenario shop was not stored"):
            run(back.plan)


def test_a_plan_with_a_scenario_survives_json() -> None:
    plan = Plan(scenario=scenario(shop, "http://127.0.0.1:8000"), request_count=3)
    assert Plan.from_json(plan.to_json()) == plan
    assert plan.describe_requests() == "scenario shop at http://127.0.0.1:8000"


def test_a_function_in_a_file_can_use_other_names_in_it(tmp_path: Path) -> None:
    file = tmp_path / "steps.py"
    file.write_text(
        "PATH = '/from-file'\n"
        "def path(): return PATH\n"
        "async def visit(client, ctx):\n    await client.get(path())\n"
    )
    with serving(respond) as url:
        done = subprocess.run(
            [sys.executable, "-m", "benchlab", "run", url, "--scenario", f"{file}:visit",
             "--requests", "5", "-c", "2", "--warmup", "0", "--no-save", "--json", "-"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    # Of so short a run a busy machine may make an invalid one, which is exit code 1.
    assert done.returncode in (0, 1), done.stderr
    assert '"GET /from-file"' in done.stdout
    assert "5 steps of 5 iterations" in done.stderr


@pytest.mark.parametrize(
    ("reference", "content", "message"),
    [
        ("steps.py", "", "write FILE.py:FUNCTION"),
        ("gone.py:f", "", "gone.py does not exist"),
        ("steps.py:f", "def g(): pass", r"no function 'f': it has g"),
        ("steps.py:f", "def f(client, ctx): pass", "f is not an async function"),
        ("steps.py:f", "async def f(client): pass", "takes 1 parameters"),
        ("steps.py:f", "import nothing_like_it", "cannot be loaded: ModuleNotFoundError"),
    ],
)
def test_invalid_scenarios_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference: str, content: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("steps.py").write_text(content)
    with pytest.raises(InputError, match=message):
        scenario(reference, "http://127.0.0.1:8000")


def test_requests_and_a_scenario_exclude_each_other() -> None:
    from benchlab import Request

    with pytest.raises(InputError, match="scenario: the plan has requests too"):
        Plan([Request("GET", "http://a/")], scenario=scenario(shop, "http://a"))


def test_a_scenario_that_cannot_be_pickled_is_reported() -> None:
    with socket.socket() as held:

        async def holds(client: Any, ctx: Any) -> None:
            await client.get(f"/{held.fileno()}")

        with pytest.raises(InputError, match="holds cannot be sent to the workers"):
            scenario(holds, "http://127.0.0.1:8000")


def test_what_a_scenario_prints_does_not_disturb_its_worker(tmp_path: Path) -> None:
    helper = tmp_path / "chatty.py"
    helper.write_text(
        "print('stopping', flush=True)\n"
        "async def visit(client, ctx):\n"
        "    print('stopping', flush=True)\n"
        "    await client.get('/a')\n"
    )
    with serving(respond) as url:
        plan = Plan(
            scenario=scenario(f"{helper}:visit", url), load=ConstantRate(40), duration_s=0.5
        )
        result = run(plan)
    assert result.stopped_ns is None
    assert result.iteration_count == 20


async def side_by_side(client: Any, ctx: Any) -> None:
    import asyncio

    await asyncio.gather(client.get("/a"), client.get("/b"))

    async def step(name: str) -> None:
        async with ctx.step(name):
            await asyncio.gather(client.get("/a"), client.get("/b"))

    await asyncio.gather(step("one"), step("two"))


@both_clients
def test_concurrent_requests_and_steps_are_separate_samples(client: str) -> None:
    with serving(respond) as url:
        result = run_of(side_by_side, url, ClosedLoop(2), request_count=6, client=client)
    assert counts(result) == {"GET /a": 6, "GET /b": 6, "one": 6, "two": 6}
    assert result.summary.errors == {}
    assert result.iteration_count == 6


async def everything(client: httpx.AsyncClient, ctx: Context) -> None:
    async with ctx.step("log in"):
        await client.post("/token", data={"name": f"user {ctx.iteration}"})
    async with ctx.step("buy", expect_status={200, 404}) as step:
        await client.get("/a", params={"q": "a b"}, headers={"X-Mark": "1"})
        await client.put("/missing", json={"n": [1, 2]})
        step.check(ctx.iteration % 3, [ctx.iteration])
        step.check(ctx.iteration % 2, "")
    await client.delete("/missing")
    async with ctx.step("stream"), client.stream("GET", "/b") as response:
        assert [line async for line in response.aiter_lines()]
    async with ctx.step("closed"):
        await client.get("/close")


async def everything_and_more(client: httpx.AsyncClient, ctx: Context) -> None:
    try:
        await everything(client, ctx)
    except httpx.HTTPError:
        async with ctx.step("again", expect_status={200}):
            await client.options("/b")
    await failing(client, ctx)


def test_both_clients_send_and_record_the_same() -> None:
    got: list[bytes] = []

    def answer(connection: socket.socket, request: bytes, number: int) -> bool:
        head, _, body = request.partition(b"\r\n\r\n")
        first, *fields = head.split(b"\r\n")
        got.append(b"\n".join([first, *sorted(field.lower() for field in fields), body]))
        return b" /close " not in first and respond(connection, request, number)

    found = []
    with serving(answer) as url:
        for client in ("http", "httpx"):
            got.clear()
            result = run_of(
                everything_and_more, url, ClosedLoop(1), client, request_count=8, trace_ratio=0.5
            )
            records, names = result.samples.records, result.plan.endpoint_names
            streamed = records["endpoint"] == names.index("stream")
            assert set(records["bytes_in"][streamed]) == {len(b'{"path": "/b", "cookie": "yes"}')}
            kept = [name for name in records.dtype.fields or () if not name.endswith("_ns")]
            assert (records["first_byte_ns"] > 0).tolist() == (records["status"] > 0).tolist()
            found.append(
                (
                    records[kept].tolist(),
                    [replace(example, intended_ns=0) for example in result.examples],
                    [text.replace(result.id.encode(), b"") for text in got],
                    len(result.connections),
                )
            )
    assert found[0] == found[1]
    assert len(found[0][2]) == 8 * 7 + 6
    messages = {item.message for item in found[0][1] if item.endpoint == "buy"}
    assert messages == {"[0]", "a check does not hold", "[3]", "[6]"}
    assert {example.endpoint: example.kind for example in found[0][1]} == {
        "buy": "check",
        "DELETE /missing": "status",
        "closed": "closed",
        "missing": "status",
        "asserts": "check",
        "everything_and_more": "check",
    }


async def nesting(client: Any, ctx: Any) -> None:
    async with ctx.step("outer"), ctx.step("inner"):
        await client.get("/a")


def test_a_step_inside_another_fails_and_leaves_the_user_working() -> None:
    with serving(respond) as url:
        result = run_of(nesting, url, ClosedLoop(1), request_count=3)
    assert counts(result) == {"outer": 3}
    assert result.summary.errors == {"check": 3}
    assert "'inner' starts inside 'outer'" in result.examples[0].message


async def ever_new(client: Any, ctx: Any) -> None:
    async with ctx.step(f"number {ctx.user}-{ctx.iteration}"):
        pass


def test_too_many_steps_fail_only_their_iterations() -> None:
    with serving(respond) as url:
        result = run_of(ever_new, url, ConstantRate(3_000), request_count=1_010, timeout_s=60)
    assert result.iteration_count == 1_010
    assert counts(result)["ever_new"] == 10
    assert result.summary.errors == {"check": 10}
    assert "more than 1,000 different step names" in result.examples[0].message


async def unhurried(client: Any, ctx: Any) -> None:
    import asyncio

    await asyncio.sleep(0.03)
    async with ctx.step("first"):
        await asyncio.sleep(0.03)
    async with ctx.step("second"):
        await asyncio.sleep(0.03)


@pytest.mark.parametrize("workers", [1, 2])
def test_warmup_iterations_do_not_count_toward_the_total(workers: int) -> None:
    with serving(respond) as url:
        result = run_of(
            unhurried, url, ClosedLoop(6), request_count=12, warmup_s=0.2, workers=workers
        )
    assert result.iteration_count == 12
    assert counts(result) == {"first": 12, "second": 12}
    assert len(result.samples) > 24
    assert count_missing(result.samples, workers) == 0


async def stubborn(client: Any, ctx: Any) -> None:
    import asyncio

    try:
        async with ctx.step("waits"):
            await asyncio.sleep(30)
    except BaseException:
        async with ctx.step("goes on"):
            await asyncio.sleep(30)


def test_a_scenario_that_ignores_cancellation_sends_nothing_more() -> None:
    with serving(respond) as url:
        result = run_of(stubborn, url, ConstantRate(20), duration_s=0.2, drain_s=0.1)
    assert result.summary.errors == {"abandoned": 4}
    assert counts(result) == {"waits": 4}


async def giving_up(client: Any, ctx: Any) -> None:
    import asyncio
    import sys

    async with asyncio.TaskGroup() as group:
        group.create_task(missing(client, ctx))
    sys.exit("never comes here")


async def missing(client: Any, ctx: Any) -> None:
    async with ctx.step("missing"):
        (await client.get("/missing")).raise_for_status()


async def leaving(client: Any, ctx: Any) -> None:
    import asyncio
    import sys

    if ctx.iteration % 3 == 0:
        sys.exit("no more")
    async with ctx.step("waits") if ctx.iteration % 3 == 1 else nullcontext():
        task = asyncio.create_task(client.get("/a"))
        task.cancel()
        await task


def test_a_failure_is_recorded_once_however_it_propagates() -> None:
    with serving(respond) as url:
        grouped = run_of(giving_up, url, ClosedLoop(1), request_count=2)
        left = run_of(leaving, url, ClosedLoop(1), request_count=3)
    assert counts(grouped) == {"missing": 2}
    assert grouped.summary.errors == {"status": 2}
    assert counts(left) == {"leaving": 2, "waits": 1}
    assert left.summary.errors == {"check": 3}
    cancelled = "CancelledError: the scenario awaited something that was cancelled"
    assert [example.message for example in left.examples] == [
        "SystemExit: no more",
        cancelled,
        cancelled,
    ]
