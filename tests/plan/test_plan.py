from __future__ import annotations

import itertools
import json
import pickle
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchlab.errors import InputError
from benchlab.plan.drivers import drivers_for
from benchlab.plan.feed import Feed
from benchlab.plan.mix import MAX_REQUESTS, request_order
from benchlab.plan.plan import Plan
from benchlab.plan.request import Request
from benchlab.plan.scenario import Scenario
from benchlab.plan.shapes import (
    ClosedLoop,
    ConstantRate,
    LoadShape,
    PoissonRate,
    Replay,
    Spike,
    Stages,
    Steps,
)
from benchlab.plan.transport import Transport
from benchlab.samples.samples import SAMPLE_DTYPE
from tests.plan.shapes.shapes import shapes
from tests.runs.synthetic import URL

GET = Request("GET", URL)

loads = st.one_of(st.builds(ClosedLoop, st.integers(16, 60_000)), shapes)
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)
header_words = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
requests = st.builds(
    Request,
    method=st.sampled_from(["GET", "post", "PUT", "DELETE"]),
    url=st.sampled_from([URL, "http://127.0.0.1:8000", "http://127.0.0.1:8000/a?b=c#d"]),
    headers=st.dictionaries(st.sampled_from(["X-A", "Accept", "x-b"]), header_words),
    body=st.one_of(st.binary(max_size=40), texts),
    weight=st.floats(0.001, 1000),
    name=texts,
)


def plan_within(load: LoadShape, duration_s: float | None, **values: Any) -> Plan:
    """A plan whose duration is left to its load where that is shorter."""
    own_s = load.duration_s
    if duration_s is not None and own_s is not None and duration_s > own_s:
        duration_s = None
    return Plan(load=load, duration_s=cast(float, duration_s), **values)


plans = st.builds(
    plan_within,
    requests=st.lists(requests, min_size=1, max_size=3),
    load=loads,
    duration_s=st.one_of(st.none(), st.floats(0.001, 0.01)),
    request_count=st.one_of(st.none(), st.integers(1, 3_000)),
    warmup_s=st.floats(0, 1e6),
    timeout_s=st.floats(0.001, 1e6),
    max_connections=st.integers(16, 60_000),
    workers=st.integers(1, 16),
    driver=st.sampled_from(drivers_for("http")),
    trace_ratio=st.floats(0, 1),
    seed=st.integers(0, 2**63 - 1),
    name=texts,
    transport=st.builds(
        Transport,
        verify=st.booleans(),
        server_name=st.sampled_from(["", "inner.example", "faß.example", "a_b."]),
        keep_alive=st.booleans(),
        resolve=st.dictionaries(st.just("a:80"), st.sampled_from(["127.0.0.1", "[::1]:81", "b:2"])),
        dns_ttl_s=st.floats(0, 1e6),
    ),
    tags=st.dictionaries(texts, texts, max_size=3),
)


@given(plans)
def test_a_plan_survives_json_unchanged(plan: Plan) -> None:
    assert Plan.from_json(plan.to_json()) == plan


def test_a_body_that_is_not_text_survives_json() -> None:
    request = Request("POST", URL, body=b"\xff\x00\xfe")
    assert Request.from_dict(json.loads(json.dumps(request.to_dict()))) == request


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("duration_s", value) for value in (0, -1, float("nan"), float("inf"), "10", True)),
        *(("request_count", value) for value in (0, -1, 1.5, True, "10", 2_000_000_000)),
        *(("warmup_s", value) for value in (-0.1, float("nan"), None)),
        *(("timeout_s", value) for value in (0, -3)),
        ("drain_s", -1),
        *(("max_connections", value) for value in (0, 60_001, 1.5, True)),
        *(("workers", value) for value in (0, 1_001, 2.0)),
        *(("seed", value) for value in (-1, 2**63, 1.0)),
        ("driver", "curl"),
        *(("trace_ratio", value) for value in (-0.1, 1.1, float("nan"), "1")),
    ],
)
def test_invalid_value_error_names_the_field(field: str, value: object) -> None:
    with pytest.raises(InputError, match=field):
        Plan([GET], ConstantRate(1), **{field: value})  # type: ignore[arg-type]


def test_a_plan_needs_requests_and_a_load_shape() -> None:
    with pytest.raises(InputError, match="requests: the plan has none"):
        Plan([])
    with pytest.raises(InputError, match="must be a benchlab"):
        Plan([URL])  # type: ignore[list-item]
    with pytest.raises(InputError, match="not a load shape"):
        Plan([GET], 500)  # type: ignore[arg-type]


def test_requests_may_go_to_several_services() -> None:
    plan = Plan(
        [Request("GET", "http://a/x"), Request("GET", "https://b/y"), Request("GET", "http://a/z")]
    )
    assert [str(origin) for origin in plan.origins] == ["http://a:80", "https://b:443"]


def test_paths_are_sent_to_every_target_in_equal_shares() -> None:
    plan = Plan(
        [Request("GET", "/x?y=1", weight=3), Request("GET", "http://c/whole")],
        targets={"old": "http://a:81/base/", "new": "http://b"},
    )
    assert [(r.name, r.url, r.weight) for r in plan.requests] == [
        ("GET /x @ old", "http://a:81/base/x?y=1", 1.5),
        ("GET /x @ new", "http://b/x?y=1", 1.5),
        ("GET /whole", "http://c/whole", 1),
    ]
    assert Plan.from_json(plan.to_json()) == plan


def test_a_single_target_leaves_the_names_alone() -> None:
    for targets in (["http://a"], "http://a"):
        (request,) = Plan([Request("GET", "/x")], targets=targets).requests
        assert (request.name, request.url) == ("GET /x", "http://a/x")


@pytest.mark.parametrize(
    ("targets", "names"),
    [
        (["http://a:81/x", "http://b/x/"], ["a:81", "b"]),
        (["http://a/x", "http://a/y"], ["http://a/x", "http://a/y"]),
        (["http://a", "https://a"], ["http://a", "https://a"]),
        (["http://me:secret@a/x", "http://a/y"], ["http://me:***@a/x", "http://a/y"]),
    ],
)
def test_targets_without_names_are_told_apart(targets: list[str], names: list[str]) -> None:
    requests = Plan([Request("GET", "/z")], targets=targets).requests
    assert [request.name for request in requests] == [f"GET /z @ {name}" for name in names]
    whole = [Request("GET", f"{target.rstrip('/')}/z") for target in targets]
    assert [request.url for request in requests] == [request.url for request in whole]


def test_a_target_that_is_given_twice_is_refused() -> None:
    with pytest.raises(InputError, match="targets='http://a' is given more than once: leave it"):
        Plan([Request("GET", "/z")], targets=["http://a", "http://a/"])


def test_targets_and_paths_need_each_other() -> None:
    with pytest.raises(InputError, match="'/x' is only a path"):
        Plan([Request("GET", "/x")])
    with pytest.raises(InputError, match="every request has a whole URL"):
        Plan([GET], targets=["http://a"])


def test_every_worker_needs_a_connection() -> None:
    with pytest.raises(InputError, match="workers=3 cannot share 2 connections"):
        Plan([GET], ClosedLoop(2), workers=3)


@given(st.integers(1, 300), st.integers(1, 256))
def test_shares_add_up_to_all_connections(connections: int, workers: int) -> None:
    if connections < workers:
        return
    plan = Plan([GET], ClosedLoop(connections), workers=workers)
    shares = [plan.share(worker) for worker in range(workers)]
    assert sum(shares) == connections
    assert max(shares) - min(shares) <= 1


def test_unknown_or_missing_field_error_names_it() -> None:
    data = Plan([GET]).to_dict()
    with pytest.raises(InputError, match="speed"):
        Plan.from_dict({**data, "speed": 1})
    del data["load"]
    with pytest.raises(InputError, match="load"):
        Plan.from_dict(data)


def test_a_single_request_is_a_plan_and_names_it() -> None:
    plan = Plan(GET)
    assert plan.requests == (GET,)
    assert plan.name == "GET /api/vector/add"


def test_the_window_follows_the_warm_up() -> None:
    plan = Plan([GET], duration_s=2.5, warmup_s=0.5)
    assert (plan.warmup_ns, plan.end_ns) == (500_000_000, 3_000_000_000)


@given(
    load=shapes,
    warmup_s=st.sampled_from([0.0, 0.3]),
    workers=st.integers(1, 7),
    request_count=st.one_of(st.none(), st.integers(1, 5_000)),
)
def test_the_workers_together_make_exactly_the_plans_schedule(
    load: LoadShape, warmup_s: float, workers: int, request_count: int | None
) -> None:
    longest_s = min(load.duration_s or 3, 3)
    plan = Plan([GET], load, duration_s=longest_s, warmup_s=warmup_s, request_count=request_count)
    seq, intended_ns = _schedule(plan, 0, 1)
    parts = [_schedule(plan, worker, workers) for worker in range(workers)]
    for worker, (mine, _) in enumerate(parts):
        assert np.all(mine % workers == worker)
    shared_seq = np.concatenate([part[0] for part in parts])
    shared_ns = np.concatenate([part[1] for part in parts])
    order = np.argsort(shared_seq)
    assert np.array_equal(shared_seq[order], seq)
    assert np.array_equal(shared_ns[order], intended_ns)
    assert np.array_equal(seq, np.arange(len(seq)))
    assert np.all(np.diff(intended_ns) >= 0)
    assert len(seq) == 0 or (intended_ns[0] >= 0 and intended_ns[-1] < plan.end_ns)
    assert plan.intended_count() == np.count_nonzero(intended_ns >= plan.warmup_ns)


@given(st.sampled_from([ConstantRate(333), PoissonRate(333)]), st.floats(0, 5))
def test_warm_up_does_not_change_the_measured_schedule(load: LoadShape, warmup_s: float) -> None:
    plain, warmed = (Plan([GET], load, duration_s=2, warmup_s=s) for s in (0, warmup_s))
    intended_ns = _schedule(warmed, 0, 1)[1]
    measured_ns = intended_ns[intended_ns >= warmed.warmup_ns] - warmed.warmup_ns
    assert np.array_equal(measured_ns, _schedule(plain, 0, 1)[1])


@pytest.mark.parametrize(
    ("load", "length_s"),
    [
        (ClosedLoop(), 10),
        (ConstantRate(5), 10),
        (Stages([(3, 10), (4.5, 10)]), 7.5),
        (Steps([(3, 10), (1, 20)]), 4),
        (Spike(1, 10, 2, 1, 6), 6),
        (Replay([0, 1, 2]), 3),
    ],
)
def test_a_shape_with_a_length_decides_the_duration(load: LoadShape, length_s: float) -> None:
    assert Plan([GET], load).length_s == length_s
    assert Plan([GET], load, duration_s=2).length_s == 2
    if load.duration_s is not None:
        with pytest.raises(InputError, match=f"duration_s=11 is longer .* own {length_s:g} s"):
            Plan([GET], load, duration_s=11)


def test_a_shorter_duration_cuts_the_schedule_off() -> None:
    whole = Plan([GET], Steps([(2, 10), (2, 100)]))
    cut = Plan([GET], Steps([(2, 10), (2, 100)]), duration_s=3)
    assert (whole.intended_count(), cut.intended_count()) == (220, 120)
    assert np.array_equal(_schedule(cut, 0, 1)[1], _schedule(whole, 0, 1)[1][:120])


@given(shapes, st.integers(1, 3_000))
def test_a_number_of_requests_cuts_the_schedule_after_them(load: LoadShape, count: int) -> None:
    whole = Plan([GET], load, duration_s=min(load.duration_s or 2, 2))
    counted = Plan([GET], load, duration_s=whole.length_s, request_count=count)
    schedule = _schedule(whole, 0, 1)[1]
    assert np.array_equal(_schedule(counted, 0, 1)[1], schedule[:count])
    assert counted.intended_count() == min(count, len(schedule))
    assert counted.length_s <= whole.length_s
    if count < len(schedule):
        assert counted.end_ns == max(schedule[count], schedule[count - 1] + 1)


def test_a_number_of_requests_takes_its_time_by_the_rate() -> None:
    plan = Plan([GET], ConstantRate(100), request_count=250)
    assert (plan.length_s, plan.intended_count()) == (2.5, 250)
    assert Plan([GET], ConstantRate(100), request_count=250, duration_s=1).length_s == 1
    assert Plan([GET], ClosedLoop(), request_count=250).length_s == 86_400


@given(st.integers(1, 1000), st.integers(1, 20))
def test_the_workers_share_a_number_of_requests_exactly(count: int, workers: int) -> None:
    plan = Plan([GET], ClosedLoop(20), workers=workers, request_count=count)
    shares = [plan.count_share(worker) or 0 for worker in range(workers)]
    assert sum(shares) == count
    assert max(shares) - min(shares) <= 1


def test_a_closed_loop_has_no_schedule() -> None:
    plan = Plan([GET], ClosedLoop(4))
    assert list(plan.arrivals()) == []
    assert plan.intended_count() is None


def test_the_mix_follows_the_weights_and_the_seed() -> None:
    both = [Request("GET", URL), Request("GET", URL + "/b", weight=3)]
    mix = _mix(Plan(both, seed=7), 65_536)
    assert np.mean(mix) == 0.75
    assert np.mean(mix[:2_000]) == pytest.approx(0.75, abs=0.05)
    assert mix == _mix(Plan(both, seed=7), 65_536)
    assert mix != _mix(Plan(both, seed=8), 65_536)
    assert _mix(Plan([GET]), 3) == [0, 0, 0]


def _mix(plan: Plan, count: int) -> list[int]:
    return [plan.request_of(seq) for seq in range(count)]


@given(st.lists(st.floats(0.001, 1000), min_size=2, max_size=9))
def test_the_shares_of_a_mix_are_those_of_the_weights(weights: list[float]) -> None:
    mix = request_order(weights, seed=1)
    counts = np.bincount(mix, minlength=len(weights))
    exact = np.array(weights) / sum(weights) * len(mix)
    assert np.all(np.abs(counts - exact) <= len(weights))
    assert np.all(counts > 0)


def _schedule(plan: Plan, worker: int, workers: int) -> tuple[np.ndarray, np.ndarray]:
    blocks = list(plan.arrivals(worker, workers))
    empty = np.empty(0, dtype=np.int64)
    return (
        np.concatenate([empty, *(block.seq for block in blocks)]),
        np.concatenate([empty, *(block.intended_ns for block in blocks)]),
    )


def test_describe_hides_credentials() -> None:
    request = Request("GET", "http://me:secret@127.0.0.1:8000/x?api_key=secret&a=b")
    plan = Plan(request, ConstantRate(1500), duration_s=30, warmup_s=2)
    assert plan.describe() == (
        "GET http://127.0.0.1:8000/x?api_key=***&a=b"
        " · open loop of 1,500 requests/s at equal intervals · 30 s after 2 s of warm-up"
    )
    assert (
        PoissonRate(0.5).describe() == "open loop of 0.5 requests/s at random (Poisson) intervals"
    )
    assert ClosedLoop(1).describe() == "closed loop of 1 connection"


@pytest.mark.parametrize(
    ("load", "settings", "ending"),
    [
        (ClosedLoop(), {"request_count": 5_000}, "5,000 requests"),
        (ClosedLoop(), {"request_count": 5, "duration_s": 2}, "5 requests, at most 2 s"),
        (ConstantRate(10), {"request_count": 5}, "5 requests, 0.5 s"),
        (ConstantRate(10), {"request_count": 50, "duration_s": 2}, "20 requests, 2 s"),
        (ClosedLoop(), {"request_count": 1}, "1 request"),
        (Steps([(3, 1)]), {"warmup_s": 1}, "3 s after 1 s of warm-up"),
    ],
)
def test_describe_ends_with_the_length(
    load: LoadShape, settings: dict[str, Any], ending: str
) -> None:
    assert Plan([GET], load, **settings).describe().endswith(f" · {ending}")


def test_a_mix_is_named_by_its_requests() -> None:
    home = "http://127.0.0.1:8000"
    mix = [Request("GET", f"{home}/{part}") for part in "abcde"]
    assert Plan(mix[:1]).name == "GET /a"
    assert Plan(mix[:3]).name == "GET /a, GET /b, GET /c"
    assert Plan(mix).name == "GET /a, GET /b and 3 more"
    assert Plan([mix[0], *mix[:2]]).name == "GET /a, GET /b", "a name is there once"
    assert Plan(mix[:2]).replace(requests=mix[1:3]).name == "GET /b, GET /c"
    assert Plan(mix[:2], name="own").replace(requests=mix[1:3]).name == "own"
    assert Plan(mix).describe().startswith(f"mix of 5 requests at {home} · ")
    elsewhere = Request("GET", "http://other/")
    assert Plan([*mix, elsewhere]).describe().startswith("mix of 6 requests at 2 services · ")


def test_more_requests_than_a_sample_can_number_are_refused() -> None:
    assert np.iinfo(SAMPLE_DTYPE["endpoint"]).max + 1 == MAX_REQUESTS
    most = [GET] * MAX_REQUESTS
    assert len(Plan(most).requests) == MAX_REQUESTS
    with pytest.raises(InputError, match="more than 65,536: fill one request from a feed"):
        Plan(itertools.repeat(GET))
    with pytest.raises(InputError, match="more than 65,536"):
        Plan([Request("GET", "/")] * (MAX_REQUESTS // 2 + 1), targets=["http://a", "http://b"])


def test_the_turn_of_a_request_is_how_often_it_was_sent_before() -> None:
    plan = Plan([GET, Request("GET", URL + "/b", weight=3)], seed=7)
    mix = _mix(plan, 500)
    assert plan.request_of is plan.request_of, "prepared once"
    turn_of = plan.turn_of
    assert [turn_of(seq) for seq in range(500)] == [mix[:seq].count(mix[seq]) for seq in range(500)]


def test_a_plan_can_be_pickled_after_it_was_used() -> None:
    plan = Plan([GET, Request("GET", URL + "/b", weight=3)], seed=7)
    mix = _mix(plan, 500)
    again = pickle.loads(pickle.dumps(plan))
    assert again == plan
    assert _mix(again, 500) == mix


def test_length_follows_the_load_when_a_plan_is_changed() -> None:
    plan = Plan([GET], ConstantRate(10))
    assert (plan.duration_s, plan.length_s) == (None, 10)
    assert plan.replace(load=Steps([(3, 5)])).length_s == 3
    assert plan == Plan([GET], ConstantRate(10), duration_s=10), "it means the same"


def test_what_follows_from_the_rest_follows_anew_in_a_changed_plan() -> None:
    base_url = "http://127.0.0.1:8000"
    other = Request("GET", URL + "/other")
    plan = Plan([GET], ConstantRate(10), warmup_s=1, tags={"a": "b"})
    assert plan.replace() == plan
    assert plan.replace(requests=other) == Plan(
        other, ConstantRate(10), warmup_s=1, tags={"a": "b"}
    )
    named = Plan([GET], name="mine", duration_s=3)
    assert named.replace(requests=other, load=ConstantRate(5)).name == "mine"
    assert named.replace(load=ConstantRate(5)).length_s == 3
    on_target = plan.replace(requests=Request("GET", "/b"), targets=[base_url])
    assert [request.url for request in on_target.requests] == [
        request.url for request in Plan(Request("GET", "/b"), targets=[base_url]).requests
    ]
    with pytest.raises(InputError, match="a plan has no colour: known are requests, load"):
        plan.replace(colour=1)
    with pytest.raises(InputError, match="seed='x'"):
        plan.replace(seed="x")


def test_a_scenario_replaces_requests_and_requests_a_scenario() -> None:
    visit, leave = (Scenario(URL, name, code=b"x") for name in ("visit", "leave"))
    plan = Plan([GET], ConstantRate(10), driver="http")
    visiting = plan.replace(scenario=visit)
    assert visiting == Plan((), ConstantRate(10), scenario=visit)
    assert visiting.replace(scenario=leave) == Plan((), ConstantRate(10), scenario=leave)
    assert visiting.replace(seed=2).scenario == visit
    assert visiting.replace(scenario=None, requests=GET).requests == (GET,)
    with pytest.raises(InputError, match="the plan has requests too"):
        visiting.replace(requests=GET)


def test_the_client_of_a_scenario_is_the_driver_of_its_plan() -> None:
    usual, other = Scenario(URL, "visit"), Scenario(URL, "visit", client="httpx")
    assert Plan(scenario=usual).driver == "http"
    assert Plan(scenario=other).driver == "httpx"
    chosen = Plan(scenario=usual, driver="httpx")
    assert (chosen.driver, chosen.scenario) == ("httpx", other)
    assert chosen.replace(seed=2).driver == "httpx"
    assert chosen.replace(driver="http") == Plan(scenario=usual)
    assert chosen.replace(scenario=usual) == Plan(scenario=usual)
    assert Plan.from_json(chosen.to_json()) == chosen
    with pytest.raises(InputError, match="client='curl' is unknown: use http"):
        Scenario(URL, "visit", client="curl")


def test_a_stored_scenario_without_a_client_was_one_of_httpx() -> None:
    data = Plan(scenario=Scenario(URL, "visit")).to_dict() | {"driver": "httpx"}
    del data["scenario"]["client"]
    plan = Plan.from_dict(data)
    assert plan.scenario is not None
    assert (plan.driver, plan.scenario.client) == ("httpx", "httpx")


def test_repr_hides_secrets() -> None:
    request = Request(
        "GET",
        "http://me:s3cret@127.0.0.1:8000/{{id}}?token=s3cret",
        headers={"X-API-Key": "s3cret", "Accept": "x"},
        data=Feed([{"id": "s3cret"}]),
    )
    scenario = Scenario("http://me:s3cret@127.0.0.1:8000/", "visit", code=b"s3cret")
    for shown in (repr(Plan(request)), repr(scenario)):
        assert "s3cret" not in shown
        assert "bWU6czNjcmV0" not in shown, "user and password in base64"
    assert "('Accept', 'x')" in repr(request)
    assert "<1 row>" in repr(request)


def test_options_make_a_plan() -> None:
    plan = Plan.from_options(
        URL,
        method="POST",
        body="[1]",
        shape="steps 3s:5",
        duration_s=0,
        slo=["p99<1s"],
        transport={"verify": False},
    )
    (request,) = plan.requests
    assert (request.method, request.headers) == ("POST", (("Content-Type", "application/json"),))
    assert (plan.load, plan.length_s, plan.warmup_s) == (Steps([(3, 5)]), 3, 2)
    assert not plan.transport.verify
    scenario = Scenario(URL, "visit", code=b"x")
    visit = Plan.from_options(URL, scenario=scenario, think_time="1s")
    assert visit.scenario == scenario
    assert visit.load == ClosedLoop(64, 1)


@pytest.mark.parametrize("given", [{"name": "a\ud800"}, {"tags": {"a": "\udcff"}}])
def test_text_that_no_encoding_can_write_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="has half a character"):
        Plan([Request("GET", URL)], **given)
