"""The design of an A/B: a fair coin, equal seeds within a block, and refusals."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from benchlab import ClosedLoop, ConstantRate, Feed, Plan, PoissonRate, Request, Stages
from benchlab.errors import InputError
from benchlab.experiments.ab_design import ABDesign
from benchlab.plan.plan import Plan as PlanType

URL = "http://127.0.0.1:8000/items"


def plan(**options: Any) -> PlanType:
    return Plan(Request("GET", URL), **{"load": PoissonRate(200), **options})


def design(**options: Any) -> ABDesign:
    return ABDesign(**{"plan_a": plan(), "plan_b": plan(), **options})


def test_the_order_of_arms_is_a_fair_coin_that_follows_from_the_seed() -> None:
    orders = [block.order for block in design(blocks=1000, seed=7).in_order()]
    assert 430 < orders.count(("a", "b")) < 570
    switches = sum(one != other for one, other in pairwise(orders))
    assert 430 < switches < 570
    assert orders == [block.order for block in design(blocks=1000, seed=7).in_order()]
    assert orders != [block.order for block in design(blocks=1000, seed=8).in_order()]


def test_a_longer_experiment_begins_like_a_shorter_one() -> None:
    assert list(design(blocks=5).in_order()) == list(design(blocks=50).in_order())[:5]


def test_both_arms_of_a_block_send_the_same_at_the_same_times() -> None:
    requests = [Request("GET", f"{URL}/{{{{id}}}}", data=Feed([{"id": 1}, {"id": 2}], "random"))]
    requests.append(Request("GET", URL, weight=3))
    made = design(
        plan_a=plan().replace(requests=requests), plan_b=plan().replace(requests=requests)
    )
    first, second = list(made.in_order())[:2]
    sent = {}
    for block in (first, second):
        for arm in ("a", "b"):
            one = made.run_plan("e" * 16, block, arm)
            times = np.concatenate([item.intended_ns for item in one.arrivals()])
            mix = [one.request_of(seq) for seq in range(100)]
            feed = requests[0].data
            assert feed is not None
            rows = [feed.index(one.turn_of(seq), seq, one.seed) for seq in range(100)]
            sent[block.number, arm] = (list(times), mix, rows)
    assert sent[1, "a"] == sent[1, "b"]
    assert sent[2, "a"] == sent[2, "b"]
    for part_1, part_2 in zip(sent[1, "a"], sent[2, "a"], strict=True):
        assert part_1 != part_2


def test_a_run_of_a_block_has_its_length_and_its_tags() -> None:
    given = plan(duration_s=60, warmup_s=10, seed=99, tags={"branch": "x"}, name="mine")
    made = design(plan_a=given, block_s=3.0, washout_s=0.25, tags={"ci": "1"})
    block = next(iter(made.in_order()))
    run_plan = made.run_plan("0" * 16, block, "a")
    assert (run_plan.length_s, run_plan.warmup_s) == (3.0, 0.25)
    assert run_plan.seed == block.seed
    assert run_plan.name == made.title == "mine"
    assert dict(run_plan.tags) == {
        "branch": "x",
        "ci": "1",
        "experiment": "0" * 16,
        "arm": "a",
        "pair": "1",
    }
    assert made.run_plan("0" * 16, block, "b").name == "mine"


def test_a_number_of_requests_gives_way_to_the_length_of_a_block() -> None:
    made = design(plan_a=plan(request_count=5))
    assert made.run_plan("0" * 16, next(iter(made.in_order())), "a").length_s == 2.0


def test_a_load_of_its_own_length_runs_whole_in_each_block() -> None:
    rising = plan(load=Stages([(1.0, 100.0), (1.0, 0.0)]))
    made = design(plan_a=rising, plan_b=rising, block_s=5)
    assert made.run_plan("0" * 16, next(iter(made.in_order())), "a").length_s == 2.0
    with pytest.raises(InputError, match="make a block 2 s long") as caught:
        design(plan_a=rising, plan_b=rising, block_s=1)
    assert caught.value.field == "block_s"


def test_different_loads_are_refused_with_both_and_warned_of_if_forced() -> None:
    loads = {"plan_a": plan(), "plan_b": plan(load=ConstantRate(100))}
    with pytest.raises(InputError, match=r"200 requests/s.*100 requests/s"):
        design(**loads)
    (warning,) = design(**loads, force=True).warnings()
    assert "200 requests/s" in warning
    assert "100 requests/s" in warning


def test_equal_plans_have_no_warning_and_other_workers_do() -> None:
    assert design().warnings() == []
    (warning,) = design(plan_b=plan(workers=2)).warnings()
    assert "workers 1 and 2" in warning


@pytest.mark.parametrize("tag", ["experiment", "arm", "pair"])
def test_tags_that_the_experiment_sets_itself_are_refused(tag: str) -> None:
    with pytest.raises(InputError, match=f"'{tag}'"):
        design(tags={tag: "1"})
    with pytest.raises(InputError, match=f"'{tag}'"):
        design(plan_b=plan(tags={tag: "1"}))


@pytest.mark.parametrize(
    ("name", "value"),
    [("blocks", 1), ("blocks", 2.5), ("block_s", 0), ("washout_s", -1), ("seed", -1)],
)
def test_impossible_values_are_named(name: str, value: float) -> None:
    with pytest.raises(InputError) as caught:
        design(**{name: value})
    assert caught.value.field == name


def test_a_closed_loop_can_be_compared_too() -> None:
    loop = plan(load=ClosedLoop(4))
    made = design(plan_a=loop, plan_b=loop)
    assert made.run_plan("0" * 16, next(iter(made.in_order())), "b").load == ClosedLoop(4)
