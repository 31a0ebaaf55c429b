"""Policies are values: from text, from tables, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchlab import Breaker, Hedge, Plan, Retry, Transport
from benchlab.errors import InputError
from benchlab.plan.files.plan import read_plan
from benchlab.plan.toml.writer import plan_to_toml
from benchlab.samples.samples import ErrorKind

SOME = Transport(
    retry=Retry(tries=5, on=("timeout", "status:503"), backoff_s=0.02, budget=0.1, deadline_s=2),
    hedge=Hedge(after_s=0.03, most=2, budget=0.05),
    breaker=Breaker(failure_ratio=0.25, least=5, window_s=2, open_s=0.5, probes=3),
    retry_reused=True,
)


@pytest.mark.parametrize("policy", [SOME.retry, SOME.hedge, SOME.breaker, Retry(), Hedge()])
def test_text_and_table_are_read_back(policy: Any) -> None:
    assert type(policy).parse(str(policy)) == policy
    assert type(policy).from_dict(policy.to_dict()) == policy


def test_a_transport_takes_values_tables_and_texts() -> None:
    assert (
        Transport(
            retry="5 on=timeout,status:503 backoff=20ms budget=10% deadline=2s",
            hedge={"after_s": "30ms", "most": 2, "budget": "5%"},
            breaker="25% least=5 window=2s open=500ms probes=3",
            retry_reused=True,
        )
        == SOME
    )
    assert Transport.from_dict(SOME.to_dict()) == SOME
    assert SOME.has_policies
    assert not Transport().has_policies
    assert len(SOME.describe()) == 4


def test_a_plan_file_has_them(tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    text = plan_to_toml(Plan.from_options("http://localhost/", transport=SOME.to_dict()))
    assert "[transport.retry]" in text
    file.write_text(text)
    assert read_plan(file).transport == SOME
    file.write_text(text.split("[transport")[0] + '[transport]\nretry = "3 budget=10%"\n')
    assert read_plan(file).transport == Transport(retry=Retry(budget=0.1))
    file.write_text(text.split("[transport")[0] + "[transport.retry]\ntrys = 3\n")
    with pytest.raises(InputError) as caught:
        read_plan(file)
    assert caught.value.value == 3


@pytest.mark.parametrize(
    ("retry", "error", "status", "again"),
    [
        (Retry(), ErrorKind.CONNECT, 0, True),
        (Retry(), ErrorKind.STATUS, 503, True),
        (Retry(), ErrorKind.CHECK, 503, True),
        (Retry(), ErrorKind.STATUS, 429, True),
        (Retry(), ErrorKind.STATUS, 404, False),
        (Retry(), ErrorKind.CHECK, 200, False),
        (Retry(), ErrorKind.ABANDONED, 0, False),
        (Retry(), ErrorKind.CIRCUIT_OPEN, 0, False),
        (Retry(on=("status:503",)), ErrorKind.STATUS, 500, False),
        (Retry(on=("check",)), ErrorKind.CHECK, 200, True),
    ],
)
def test_what_is_retried(retry: Retry, error: ErrorKind, status: int, again: bool) -> None:
    assert retry.retries(error, status) is again


def test_pauses_are_described_as_they_can_be() -> None:
    assert "pauses from 0.1s up to 5s" in Retry().describe()
    assert "pauses of up to 5s" in Retry(backoff_s=9).describe()
    assert "without a pause" in Retry(backoff_s=0).describe()
    assert "without a pause" in Retry(most_backoff_s=0).describe()


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"retry": "1"}, "retry.tries"),
        ({"retry": "3 on=luck"}, "retry.on"),
        ({"retry": "3 backoff=soon"}, "retry.backoff_s"),
        ({"retry": "3 budget=lots"}, "retry.budget"),
        ({"retry": "3 jitter=some"}, "retry.jitter"),
        ({"retry": "3 again=4"}, "retry"),
        ({"retry": ""}, "retry"),
        ({"retry": {"attempts": 3}}, "retry.attempts"),
        ({"retry": {"on": 5}}, "retry.on"),
        ({"retry": "3 tries=4"}, "retry"),
        ({"retry": 3}, "retry"),
        ({"hedge": "0s"}, "hedge.after_s"),
        ({"hedge": "1s most=11"}, "hedge.most"),
        ({"breaker": "150%"}, "breaker.failure_ratio"),
        ({"breaker": "50% probes=0"}, "breaker.probes"),
        ({"retry_reused": 1}, "retry_reused"),
    ],
)
def test_errors_name_the_setting(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as caught:
        Transport(**settings)
    assert caught.value.field == field
