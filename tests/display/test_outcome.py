"""The outcome of an experiment in a list of them."""

from __future__ import annotations

from typing import Any

from benchlab.display.outcome import outcome


def result(**changes: Any) -> dict[str, Any]:
    p50 = {"ratio": 1.081, "ratio_low": 1.05, "ratio_high": 1.11}
    found = {"verdict": "slower", "reason": None, "primary": "p50", "metrics": {"p50": p50}}
    return {**found, **changes}


def test_a_comparison_has_its_verdict_and_its_interval() -> None:
    assert outcome("ab", result()) == "slower: p50 +8.1 % (+5.0 to +11.0 %)"


def test_more_errors_are_the_reason_and_not_a_latency() -> None:
    assert outcome("ab", result(reason="errors")) == "slower: more errors"


def test_what_has_no_ratio_has_its_verdict() -> None:
    undefined = {"ratio": None, "ratio_low": None, "ratio_high": None}
    assert outcome("ab", result(verdict="same", metrics={"p50": undefined})) == "same"
    assert outcome("ab", result(verdict="same", primary="error_ratio")) == "same"


def test_an_unknown_kind_is_listed_without_its_result() -> None:
    assert outcome("later", result()) == ""
    assert outcome("later", {}) == "no result"


def test_a_capacity_has_its_interval_and_its_limit() -> None:
    found = {
        "rate_rps": 1234.5,
        "rate_low": 1200.0,
        "rate_high": None,
        "limited_by": "generator",
        "objective": "p99<50ms",
    }
    assert outcome("capacity", found) == "1,234 requests/s (at least 1,200), limit: generator"
    assert outcome("capacity", {**found, "rate_rps": None}) == "none: p99<50ms"


def test_a_trend_has_its_latest_change() -> None:
    change = {"direction": "worse", "ratio": 1.25, "first_bad": {"run_id": "01a209c5db41b16d"}}
    found = {"metric": "p99", "changes": [change]}
    assert outcome("trend", found) == "worse: p99 +25.0 % from run 01a209c5db41b16d"
    undefined = {**change, "ratio": None}
    assert outcome("trend", {**found, "changes": [undefined]}).startswith("worse: p99 from run")
    assert outcome("trend", {**found, "changes": []}) == "no change of p99"
