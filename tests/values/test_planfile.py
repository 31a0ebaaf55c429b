from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from benchlab import (
    ClosedLoop,
    ConstantRate,
    JsonEquals,
    Plan,
    Replay,
    Request,
    Stages,
    StatusIn,
    Transport,
)
from benchlab.errors import InputError
from benchlab.plan_file import read_plan
from benchlab.values.feed import Feed
from benchlab.values.planfile import Files, draft_from_toml, plan_to_toml
from benchlab.values.redact import public_plan
from benchlab.values.scenario import Scenario
from tests.values.test_plan import plans

REQUEST = '[[requests]]\nurl = "http://127.0.0.1:8000/x"\n'
ROWS = Feed([{"a": "1"}])
README = Path(__file__).parents[2] / "README.md"


def no_file(name: str) -> Any:
    raise AssertionError(f"{name} is not to be read")


FILES = Files(
    no_file,
    lambda name, pick: Feed(ROWS.table, pick, name),
    lambda name: str(Path("/at", name)),
    lambda function, base_url: Scenario(base_url, "visit", b"code", "", function),
)


def plan_of(text: str) -> Plan:
    return Plan(**draft_from_toml(text, "plan.toml", FILES))


def readme_example() -> str:
    (found,) = re.findall(r"```toml\n(.*?)```", README.read_text(), re.DOTALL)
    return str(found)


def test_the_example_of_the_readme_is_a_plan(tmp_path: Path) -> None:
    (tmp_path / "checkout.toml").write_text(readme_example())
    plan = read_plan(tmp_path / "checkout.toml")
    assert plan.name == "checkout"
    assert (plan.duration_s, plan.warmup_s, plan.timeout_s) == (30, 2, 1.5)
    assert plan.load == ConstantRate(200)
    add, health = plan.requests
    assert (add.method, add.name, add.weight) == ("POST", "add", 3)
    assert add.body_bytes == b'{"a":[1,2],"b":[3,4]}'
    assert add.check_list == (StatusIn(200), JsonEquals("result.0", 4))
    assert (health.method, health.header_pairs) == ("GET", (("Accept", "application/json"),))
    assert [str(item) for item in plan.slo] == ["p99<50ms", "error_ratio<1% over 5s"]
    assert [str(item) for item in plan.abort_on] == ["error_ratio>0.5"]
    assert dict(plan.tags) == {"team": "shop"}


def test_what_a_file_leaves_out_is_as_in_python() -> None:
    assert plan_of(REQUEST) == Plan([Request("GET", "http://127.0.0.1:8000/x")])


@pytest.mark.parametrize(
    ("text", "load"),
    [
        ('kind = "closed_loop"\nconnections = 3\nthink_time_s = "500ms"', ClosedLoop(3, 0.5)),
        ('kind = "stages"\nstages = [["10s", 100], [20, 500]]', Stages([(10, 100), (20, 500)])),
        ('kind = "replay"\noffsets_s = [0, 0.5]', Replay([0, 0.5])),
    ],
)
def test_load_shapes_are_written_by_their_kind(text: str, load: Any) -> None:
    assert plan_of(f"{REQUEST}[load]\n{text}\n").load == load


def test_files_are_relative_to_the_plan(tmp_path: Path) -> None:
    (tmp_path / "body.bin").write_bytes(b"\xff\x00")
    (tmp_path / "times.csv").write_text("time\n5.0\n5.5\n")
    (tmp_path / "plan.toml").write_text(
        f'{REQUEST}body_file = "body.bin"\n[load]\nkind = "replay"\noffsets_file = "times.csv"\n'
    )
    plan = read_plan(tmp_path / "plan.toml")
    assert (plan.requests[0].method, plan.requests[0].body_bytes) == ("POST", b"\xff\x00")
    assert plan.load == Replay([0, 0.5])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "plan.toml has no requests"),
        ("requests = 5", "plan.toml has no requests"),
        ("x =", "plan.toml is not TOML"),
        (f"durration = 3\n{REQUEST}", "'durration' (did you mean duration_s?): known there are"),
        (f"duration = 3\nduration_s = 3\n{REQUEST}", "both duration and duration_s"),
        (f'duration = "3 parsecs"\n{REQUEST}', "duration_s in plan.toml: '3 parsecs'"),
        (f"name = 5\n{REQUEST}", "name = 5: it must be text"),
        (f"tags = [1]\n{REQUEST}", "tags of plan.toml is [1]"),
        (f"slo = 5\n{REQUEST}", "slo=5 must be a list"),
        (f'slo = ["p99<5"]\n{REQUEST}', "no unit: write 5ms"),
        (f'workers = "2"\n{REQUEST}', "workers='2'"),
        ('[[requests]]\nname = "x"', "request 1 of plan.toml has no url"),
        ("requests = [5]", "request 1 of plan.toml is 5"),
        (f'{REQUEST}[[requests]]\nurl = "x"', "request 2 of plan.toml: URL 'x' has no scheme"),
        (f'{REQUEST}methd = "GET"', "request 1 of plan.toml has the unknown key 'methd'"),
        (f'{REQUEST}body = "x"\njson = [1]', "body and json"),
        (f"{REQUEST}body = 5", "body = 5: it must be text"),
        (f'{REQUEST}body_base64 = "!"', "not base64"),
        (f'{REQUEST}weight = "x"', "weight = 'x': it must be a number"),
        (f"{REQUEST}weight = 0", "request 1 of plan.toml: weight 0"),
        (f'{REQUEST}headers = ["x"]', "must be a table"),
        (f'{REQUEST}checks = [{{kind = "x"}}]', "request 1 of plan.toml: check kind 'x'"),
        (f'{REQUEST}checks = ["x"]', "a check of request 1 of plan.toml is 'x'"),
        (f"{REQUEST}data = {{ rows = [] }}", "data of request 1 of plan.toml: rows has no rows"),
        (f"{REQUEST}data = {{ x = 1 }}", "data of request 1 of plan.toml has the unknown key 'x'"),
        (f'{REQUEST}data = {{ pick = "random" }}', "neither a file nor a list of rows"),
        (f"{REQUEST}[transport]\nverify = 1", "transport of plan.toml has verify = 1"),
        (f"{REQUEST}[transport]\nverfy = true", "did you mean verify?"),
        (f'{REQUEST}[transport]\nclient_key = "k"', "transport of plan.toml: client_key"),
        (f'{REQUEST}[load]\nkind = "cosed"', "load of plan.toml: load kind 'cosed' is unknown"),
        (f'{REQUEST}[load]\nkind = "constant_rate"\nrate = 5', "unknown field rate"),
        (f"{REQUEST}[load]\nconnections = 5", "no kind"),
        (f'{REQUEST}[load]\nkind = "stages"\nstages = [["x", 5]]', "load of plan.toml: 'x'"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, words: str) -> None:
    with pytest.raises(InputError) as refused:
        plan_of(text)
    assert words in str(refused.value)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*none\.toml"):
        read_plan(tmp_path / "none.toml")
    (tmp_path / "plan.toml").write_text(f'{REQUEST}body_file = "nope"')
    with pytest.raises(InputError, match=r"cannot read .*nope"):
        read_plan(tmp_path / "plan.toml")
    (tmp_path / "plan.toml").write_bytes(b"\xff")
    with pytest.raises(InputError, match="not UTF-8"):
        read_plan(tmp_path / "plan.toml")
    (tmp_path / "plan.toml").write_text(f"workers = 0\n{REQUEST}")
    with pytest.raises(InputError, match=r"plan\.toml: workers=0"):
        read_plan(tmp_path / "plan.toml")


@given(plans)
def test_a_plan_that_was_written_is_read_back(plan: Plan) -> None:
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


def test_targets_transport_and_data_are_said_as_in_python() -> None:
    plan = plan_of("""
        targets = { a = "https://a.example:1", b = "https://b.example" }
        [transport]
        ca_file = "ca.pem"
        keep_alive = false
        dns_ttl_s = "1m"
        resolve = { "a.example" = "127.0.0.1" }
        [[requests]]
        url = "/user/{{name}}"
        query = { q = "x y", n = 5 }
        auth = ["me", "word"]
        cookies = { c = "1" }
        data = { rows = [{ name = "Ann", since = 2026-01-02 }], pick = "random" }
    """)
    assert [request.url for request in plan.requests] == [
        "https://a.example:1/user/{{name}}?q=x+y&n=5",
        "https://b.example/user/{{name}}?q=x+y&n=5",
    ]
    expected = Transport(
        ca_file="/at/ca.pem", keep_alive=False, dns_ttl_s=60, resolve={"a.example": "127.0.0.1"}
    )
    assert plan.transport == expected
    assert plan.requests[0].data == Feed([{"name": "Ann", "since": "2026-01-02"}], "random")
    assert [name for name, _ in plan.requests[0].header_pairs] == ["Authorization", "Cookie"]
    again = plan_of(plan_to_toml(plan).replace("***", "x"))
    assert again.transport == plan.transport
    assert again.requests[0].data == plan.requests[0].data


def test_rows_come_from_a_file_beside_the_plan(tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("name,token\nAnn,s3cret\n")
    (tmp_path / "plan.toml").write_text(
        f'{REQUEST}headers = {{ X-A = "{{{{name}}}}" }}\ndata = {{ file = "users.csv" }}\n'
    )
    plan = read_plan(tmp_path / "plan.toml")
    assert plan.requests[0].data is not None
    assert plan.requests[0].data.table == ({"name": "Ann", "token": "s3cret"},)
    text = plan_to_toml(plan)
    assert "s3cret" not in text
    (tmp_path / "again.toml").write_text(text)
    assert read_plan(tmp_path / "again.toml") == plan


def test_secrets_in_rows_are_hidden() -> None:
    feed = Feed([{"name": "Ann", "password": "s3cret"}])
    text = plan_to_toml(Plan([Request("GET", "http://h/{{name}}", data=feed)]))
    assert "Ann" in text
    assert "s3cret" not in text


def test_a_written_plan_hides_secrets_and_says_so() -> None:
    request = Request("GET", "http://h/?token=abc", headers={"Authorization": "Bearer abc"})
    text = plan_to_toml(Plan([request], ConstantRate(5), duration_s=3))
    assert "abc" not in text
    assert "# *** stands for a secret" in text
    assert "# 15 requests in the measured window" in text
    assert "closed loop: as many" in plan_to_toml(Plan([request]))


def test_a_written_plan_says_what_it_leaves_out() -> None:
    replay = Replay([k / 100 for k in range(50)])
    text = plan_to_toml(Plan([Request("GET", "http://h/")], replay), most_offsets=20)
    assert "# 30 more arrival times are left out" in text
    kept = Plan.from_dict(
        public_plan(Plan([Request("GET", "http://h/{{a}}", data=ROWS)]).to_dict())
    )
    assert "# rows of data are left out" in plan_to_toml(kept)


def test_a_scenario_takes_the_place_of_the_requests() -> None:
    text = """
request_count = 5
[scenario]
function = "shop.py:visit"
base_url = "http://127.0.0.1:8000"
data = { file = "users.csv" }
"""
    plan = plan_of(text)
    assert plan.scenario is not None
    assert plan.scenario.function == "shop.py:visit"
    assert plan.scenario.data is not None
    assert plan_of(plan_to_toml(plan)).scenario == plan.scenario


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('base_url = "http://a"', "scenario of plan.toml has no function"),
        ('function = "a.py:f"', "scenario of plan.toml has no base_url"),
        ('function = "a.py:f"\nbase_url = "http://a"\nfoo = 1', "foo"),
    ],
)
def test_a_scenario_that_cannot_be_read(table: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        plan_of(f"[scenario]\n{table}\n")
