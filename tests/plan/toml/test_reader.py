from __future__ import annotations

from typing import Any

import pytest

from benchlab import ClosedLoop, FaultSchedule, Plan, Replay, Request, Stages, Transport
from benchlab.errors import InputError
from benchlab.plan.feed import Feed
from benchlab.plan.toml import plan_to_toml
from tests.plan.toml.texts import REQUEST, plan_of


def test_keys_left_out_have_the_defaults() -> None:
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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "plan.toml: there are no requests"),
        ("requests = 5", "plan.toml, line 1: there are no requests"),
        ("x =", "plan.toml is not TOML"),
        (
            f"durration = 3\n{REQUEST}",
            "line 1: unknown key 'durration': did you mean duration? Known",
        ),
        (f"workers = 0\n{REQUEST}", "plan.toml, line 1: workers=0 must be"),
        (f"duration = 0\n{REQUEST}", "plan.toml, line 1: duration=0 must be a number of seconds"),
        ("[[request]]\nurl = 'x'", "line 1: unknown key 'request': did you mean requests?"),
        (f"rate = 5\n{REQUEST}", "unknown key 'rate': did you mean rate_rps in [load]?"),
        (f'url = "x"\n{REQUEST}', "line 1: unknown key 'url': it belongs to [[requests]]"),
        (f"{REQUEST}[loda]\n", "plan.toml, line 3: unknown key 'loda': did you mean load?"),
        (f'x = """\nname = 1\n"""\nname = 1\n{REQUEST}', "line 1: unknown key 'x'"),
        (f'slo = """\nname = 1\n"""\nname = 1\n{REQUEST}', "plan.toml, line 4: name=1"),
        (f"duration = 3\nduration_s = 3\n{REQUEST}", "both duration and duration_s"),
        (f'duration = "3 parsecs"\n{REQUEST}', "plan.toml, line 1: duration: '3 parsecs'"),
        (f"name = 5\n{REQUEST}", "plan.toml, line 1: name=5 must be text"),
        (f"tags = [1]\n{REQUEST}", "tags of plan.toml is [1]"),
        (f"slo = 5\n{REQUEST}", "slo=5 must be a list"),
        (f'slo = ["p99<5"]\n{REQUEST}', "no unit: write 5ms"),
        (f'workers = "2"\n{REQUEST}', "workers='2'"),
        ('[[requests]]\nname = "x"', "request 1 of plan.toml, line 1: there is no url"),
        ('requests = ["http://me:SECRET@h/"]', "request 1 of plan.toml is ***@h/"),
        ("requests = [5]", "request 1 of plan.toml is 5"),
        (
            f'{REQUEST}[[requests]]\nurl = "x"',
            "request 2 of plan.toml, line 4: url='x' has no scheme",
        ),
        (f'{REQUEST}methd = "GET"', "request 1 of plan.toml, line 3: unknown key 'methd'"),
        (f'{REQUEST}body = "x"\njson = [1]', "body and json"),
        (f"{REQUEST}body = 5", "body=5 must be text"),
        (
            f"{REQUEST}body_file = 5",
            "request 1 of plan.toml, line 3: body_file=5 must be text in quotes",
        ),
        (f"{REQUEST}data = {{ file = [1] }}", "data of request 1 of plan.toml, line 3: file=[1]"),
        (
            f"{REQUEST}data = {{ rows = [{{ a = 1 }}, 5] }}",
            "row 2 of data of request 1 of plan.toml is 5",
        ),
        (
            f'{REQUEST}[load]\nkind = "replay"\noffsets_file = 5',
            "load of plan.toml, line 5: offsets_file=5 must be text in quotes",
        ),
        (f'{REQUEST}body_base64 = "!"', "not base64"),
        (f'{REQUEST}weight = "x"', "weight='x' must be a number"),
        (f"{REQUEST}weight = 0", "request 1 of plan.toml, line 3: weight=0"),
        (f'{REQUEST}headers = ["x"]', "must be a table"),
        (
            f'{REQUEST}checks = [{{kind = "x"}}]',
            "check 1 of request 1 of plan.toml, line 3: check kind 'x'",
        ),
        (f'{REQUEST}checks = ["x"]', "check 1 of request 1 of plan.toml is 'x'"),
        (
            f"{REQUEST}data = {{ rows = [] }}",
            "data of request 1 of plan.toml, line 3: rows: rows has none",
        ),
        (f"{REQUEST}data = {{ x = 1 }}", "data of request 1 of plan.toml, line 3: unknown key 'x'"),
        (f'{REQUEST}data = {{ pick = "random" }}', "neither a file nor a list of rows"),
        (f"{REQUEST}[transport]\nverify = 1", "transport of plan.toml, line 4: verify=1"),
        (f"{REQUEST}[transport]\nverfy = true", "did you mean verify?"),
        (f'{REQUEST}[transport]\nclient_key = "k"', "transport of plan.toml, line 4: client_key"),
        (
            f'{REQUEST}[load]\nkind = "cosed"',
            "line 4: kind='cosed' is unknown: did you mean closed_loop?",
        ),
        (
            f'{REQUEST}[load]\nkind = "constant_rate"\nrate = 5',
            "load of plan.toml, line 5: unknown key 'rate': did you mean rate_rps?",
        ),
        (f"{REQUEST}[load]\nconnections = 5", "kind: the load has none"),
        (
            f'{REQUEST}[load]\nkind = "stages"\nstages = [["x", 5]]',
            "load of plan.toml, line 5: stages: 'x'",
        ),
    ],
)
def test_invalid_plan_file_error_names_the_place(text: str, message: str) -> None:
    with pytest.raises(InputError) as refused:
        plan_of(text)
    assert message in str(refused.value)


def test_targets_transport_and_data_are_as_in_python() -> None:
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
    assert [name for name, _ in plan.requests[0].headers] == ["Authorization", "Cookie"]
    again = plan_of(plan_to_toml(plan).replace("***", "x"))
    assert again.transport == plan.transport
    assert again.requests[0].data == plan.requests[0].data


def test_scenario_replaces_the_requests() -> None:
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
    of_httpx = plan_of(f'{text}client = "httpx"\n')
    assert of_httpx.driver == "httpx"
    assert plan_of(plan_to_toml(of_httpx)).scenario == of_httpx.scenario
    assert plan_of(f'driver = "httpx"\n{text}').scenario == of_httpx.scenario


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('base_url = "http://a"', "scenario of plan.toml, line 1: there is no function"),
        ('function = "a.py:f"', "scenario of plan.toml, line 1: there is no base_url"),
        ('function = "a.py:f"\nbase_url = "http://a"\nfoo = 1', "foo"),
        (
            'function = "a.py:f"\nbase_url = "http://a"\nclient = "curl"',
            "scenario of plan.toml, line 4: client='curl' is unknown: use http",
        ),
    ],
)
def test_invalid_scenario_table_is_refused(table: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        plan_of(f"[scenario]\n{table}\n")


def test_faults_are_tables_or_texts() -> None:
    table = '[[faults]]\nkind = "pause"\namount = "150ms"\nat = "10s"\nfor_s = 5\nevery = "2s"\n'
    error = '[[faults]]\nkind = "error"\namount = 503\nratio = 0.1\n'
    assert plan_of(f"duration = 20\n{REQUEST}{table}{error}").faults == FaultSchedule(
        ["error 503 ratio=10%", "pause 150ms every=2s at 10s for 5s"]
    )
    for texts in ('"drop at 1s"', '["drop at 1s"]'):
        assert plan_of(f"faults = {texts}\n{REQUEST}").faults == FaultSchedule("drop at 1s")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("amount = 3", "fault 1 of plan.toml, line 3: there is no kind"),
        ('kind = "latenci"', "line 4: kind='latenci' is unknown: did you mean latency?"),
        ('kind = "latency"\namount = "5"', "line 5: amount: '5' has no unit"),
        ('kind = "drop"\nat = "5 parsecs"', "line 5: at: '5 parsecs'"),
        ('kind = "drop"\nat = -5', "line 5: at=-5 must be a number of seconds"),
        ('kind = "drop"\nat = 5\nat_s = 5', "line 6: there are both at and at_s"),
        ('kind = "drop"\nafter = "5s"', "line 5: unknown key 'after'"),
        ('kind = "drop"\npid = 5', "drop has no option 'pid'"),
        ('kind = "drop"\nat = "1h"', "faults='drop at 3600s' begins at 3600 s of a run of 10 s"),
    ],
)
def test_what_is_wrong_with_a_fault_is_named(table: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        plan_of(f"{REQUEST}[[faults]]\n{table}\n")
    assert message in str(caught.value)
