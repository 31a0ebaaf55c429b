"""A few trials from beginning to end: real load, a real service, recorded and then judged.

What the diagnosis says of them depends on what else the machine does, so that only recorded trials
(`test_recorded`) check that. Errors are the exception: they are counted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.trials.corpus import Recorded, read_corpus
from tests.trials.judge import diagnose, judge, tally
from tests.trials.record import record, record_all
from tests.trials.trial import Kind, Rates, Trial

MS = 1_000_000
SLOW = {"amount_ns": 400 * MS, "sigma": 0.2, "ratio": 0.3}
STRONG: dict[str, dict[str, Any]] = {
    "errors": {"fault": {"kind": "error", "status": 503, "quick": True, "ratio": 0.3}},
    "child_span": {
        "fault": {"kind": "child", **SLOW},
        "service": {"children": ["SELECT orders", "GET stock"], "slow_child": 1},
    },
    "connection_cap": {"plan": {"max_connections": 1}, "service": {"base_ns": 10 * MS}},
}
"""What each cause changes about a service whose requests take 3 ms."""


def strong(seed: int, kind: Kind, rates: Rates, attempt: int) -> Trial:
    """A short trial of a strong cause."""
    cause = list(STRONG)[seed % len(STRONG)]
    change = STRONG[cause]
    service = {"size": {"median": 2000, "sigma": 0.1}, **change.get("service", {})}
    base = {"median_ns": service.pop("base_ns", 3 * MS), "sigma": 0.2, "tail_ns": 0}
    service |= {"seed": seed, "base": base, "tls": False, "targets": 1}
    service |= {"instances": 1, "instance_by": "connection"}
    service["faults"] = [{"cause": 0, **change["fault"]}] if "fault" in change else []
    plan = {"load": "constant", "rate_rps": 200, "endpoints": 4, "transport": {}, "seed": seed}
    plan |= {"warmup_s": 0.0, **change.get("plan", {})}
    return Trial(seed, attempt, kind, rates, "server", [cause], True, 1.5, service, plan)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> list[Recorded]:
    """Recorded trials, one of each of these causes."""
    directory = tmp_path_factory.mktemp("corpus")
    for seed in range(len(STRONG)):
        record(seed, "single", "dev", directory / str(seed), strong, attempts=1)
    assert_nothing_else(directory)
    return list(read_corpus(directory))


def assert_nothing_else(directory: Path) -> None:
    files = {"run.parquet", "trial.json", "truth.npz"}
    assert all({file.name for file in path.iterdir()} == files for path in directory.iterdir())


def test_the_service_knows_of_every_request(corpus: list[Recorded]) -> None:
    for recorded in corpus:
        assert recorded.truth["seq"].tolist() == list(range(len(recorded.run.samples)))
        assert recorded.spans is not None
        assert (recorded.spans.server_ns >= 0).all()


def test_what_was_injected_is_known(corpus: list[Recorded]) -> None:
    strengths = {recorded.trial["causes"][0]: recorded.trial["strengths"][0] for recorded in corpus}
    assert list(strengths) == list(STRONG)
    assert all(0 <= item["alone_ratio"] <= 1 for item in strengths.values())
    assert strengths["errors"] == {"alone_ratio": 1, "tail_ratio": 1}


def test_errors_are_named_whatever_else_the_machine_does(corpus: list[Recorded]) -> None:
    (failing,) = (item for item in corpus if item.trial["causes"] == ["errors"])
    assert "errors" in diagnose(failing)


def test_what_was_recorded_can_be_judged_again(corpus: list[Recorded]) -> None:
    judged = judge(corpus, lambda recorded: recorded.trial["causes"])
    assert all(item.is_right for item in judged)
    assert tally(judged).count["single, with traces"] == len(judged)


def test_recording_goes_on_after_what_there_is(corpus: list[Recorded]) -> None:
    directory, said = corpus[0].path.parent, list[str]()
    counted = sum(recorded.trial["counted"] for recorded in corpus)
    record_all(0, counted, "single", "dev", directory, said.append)
    assert said == []
