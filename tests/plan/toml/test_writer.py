from __future__ import annotations

from hypothesis import given

from benchlab import ConstantRate, JsonEquals, Plan, Replay, Request, Stages, StatusIn
from benchlab.plan.feed import Feed
from benchlab.plan.redacted import redacted_plan
from benchlab.plan.scenario import Scenario
from benchlab.plan.toml import plan_to_toml
from tests.plan.test_plan import plans
from tests.plan.toml.texts import ROWS, plan_of


@given(plans)
def test_plan_file_round_trips(plan: Plan) -> None:
    assert plan_of(plan_to_toml(plan)) == plan


def test_checks_objectives_and_shapes_are_written_too() -> None:
    plan = Plan(
        [Request("GET", "http://h/", checks=[StatusIn(200, 404), JsonEquals("a.b", {"c": [1]})])],
        Stages([(10, 100), (5.5, 0)], start_rps=3),
        slo=["p99[GET /]<50ms over 5s"],
        abort_on=["error_ratio>50%"],
        tags={"a b": "", "c": '"'},
    )
    assert plan_of(plan_to_toml(plan)) == plan


def test_secrets_in_rows_are_hidden() -> None:
    feed = Feed([{"name": "Ann", "password": "s3cret"}])
    text = plan_to_toml(Plan([Request("GET", "http://h/{{name}}", data=feed)]))
    assert "Ann" in text
    assert "s3cret" not in text


def test_written_plan_hides_secrets_and_notes_it() -> None:
    request = Request("GET", "http://h/?token=abc", headers={"Authorization": "Bearer abc"})
    text = plan_to_toml(Plan([request], ConstantRate(5), duration_s=3))
    assert "abc" not in text
    assert "# *** stands for a secret" in text
    assert "# 15 requests in the measured window" in text
    assert "closed loop: as many" in plan_to_toml(Plan([request]))


def test_stars_of_the_plan_itself_are_no_secret() -> None:
    plain = Plan([Request("POST", "http://h/***?q=***", body="***")])
    assert "secret" not in plan_to_toml(plain)
    shown = Request("GET", "http://h/?token=***", headers={"X": "***"})
    assert "# *** stands for a secret" in plan_to_toml(Plan([shown]))
    feed = Feed([{"name": "Ann", "password": "s3cret"}])
    text = plan_to_toml(Plan([Request("GET", "http://h/{{name}}", data=feed)]))
    assert "# *** stands for a secret" in text


def test_written_scenario_has_iterations() -> None:
    plan = Plan(scenario=Scenario("http://h/", "buy"), load=ConstantRate(5), duration_s=3)
    assert "# 15 iterations in the measured window" in plan_to_toml(plan)


def test_written_plan_notes_what_it_leaves_out() -> None:
    replay = Replay([k / 100 for k in range(50)])
    text = plan_to_toml(Plan([Request("GET", "http://h/")], replay), most_offsets=20)
    assert "# 30 more arrival times are left out" in text
    kept = Plan.from_dict(
        redacted_plan(Plan([Request("GET", "http://h/{{a}}", data=ROWS)]).to_dict())
    )
    assert "# rows of data are left out" in plan_to_toml(kept)


def test_characters_that_disturb_a_terminal_are_escaped_and_read_back() -> None:
    evil = "\x9b31m\u202e\U000e0041\u200b\x1b\x7f\r"
    request = Request("POST", "http://127.0.0.1:8000/x", name=evil, body=evil)
    plan = Plan([request], tags={evil: evil})
    text = plan_to_toml(plan)
    assert not set(text) & set(evil) - set("31m")
    assert r"\u009B31m\u202E\U000E0041" in text
    assert plan_of(text) == plan


def test_null_is_left_out_and_noted() -> None:
    request = Request("GET", "http://h/{{id}}", data=Feed([{"id": 1, "x": None}]))
    checks = [JsonEquals("a", None), JsonEquals("b", [1, None])]
    for plan in (Plan(request), Plan(Request("GET", "http://h/", checks=checks))):
        assert "# null is left out" in plan_to_toml(plan)
    assert "null" not in plan_to_toml(Plan(Request("GET", "http://h/")))


def test_faults_are_written_with_the_units_of_their_times() -> None:
    faults = ["latency 200ms±50ms ratio=10% route=/x at 1.5s for 5s", "block 20ms every=2s"]
    plan = Plan(Request("GET", "http://h/"), faults=faults)
    text = plan_to_toml(plan)
    assert '{ kind = "block", amount = "20ms", at = "0s", every = "2s" }' in text
    assert 'at = "1.5s", for = "5s", ratio = 0.1, route = "/x"' in text
    assert plan_of(text) == plan
