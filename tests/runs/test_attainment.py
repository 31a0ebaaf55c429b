from __future__ import annotations

import pytest

from benchlab.errors import InputError
from benchlab.plan.request import Request
from tests.runs.synthetic import URL, make_run


def test_shares_of_requests_and_of_windows_are_counted() -> None:
    run = make_run(stall=True)  # from 5 s to 6 s; measured from 1 s to 11 s
    found = run.attainment("p99<50ms", window_s=1)
    within = run.measured.latency_ns < 50_000_000
    assert found.within_ratio == pytest.approx(within.mean())
    assert (found.window_count, found.met_count, found.met_ratio) == (10, 9, 0.9)
    assert (found.needed_ratio, found.worst_start_s, found.count) == (0.99, 5, 1000)
    assert found.within_low is not None
    assert found.within_high is not None
    assert found.within_low < within.mean() < found.within_high


def test_failed_requests_are_not_within() -> None:
    run = make_run(errors=True)
    assert run.attainment("p99<1s").within_ratio == pytest.approx(1 - run.summary.error_ratio)
    assert run.attainment("error_ratio<1%").within_ratio == pytest.approx(
        1 - run.summary.error_ratio
    )


def test_a_rate_is_met_by_windows_only() -> None:
    found = make_run().attainment("rate_rps>90", window_s=1)
    assert (found.within_ratio, found.within_low, found.met_ratio) == (None, None, 1.0)


@pytest.mark.parametrize(
    ("objective", "window_s"), [("p50<1s", 0.2), ("p99<1s", 2.0), ("p99.9<1s", 10.0)]
)
def test_windows_are_long_enough_for_the_percentile(objective: str, window_s: float) -> None:
    assert make_run().attainment(objective).window_s == window_s


def test_windows_of_the_objective_are_used() -> None:
    assert make_run().attainment("p99<1s over 5s").window_count == 2
    assert make_run().attainment("p99<1s over 5s", window_s=5).objective == "p99<1s"
    with pytest.raises(InputError, match="differs from the 5 s"):
        make_run().attainment("p99<1s over 5s", window_s=2)


@pytest.mark.parametrize("window_s", [0, -1, 0.01, float("nan"), 100])
def test_windows_that_the_run_cannot_have_are_refused(window_s: float) -> None:
    with pytest.raises(InputError):
        make_run().attainment("p99<1s", window_s=window_s)


def test_an_endpoint_is_that_of_the_objective() -> None:
    requests = [Request("GET", URL, name=name) for name in "ab"]
    run = make_run(requests=requests)
    assert run.attainment("p99[a]<1s").count == run.by_endpoint()["a"].count
    with pytest.raises(InputError, match="endpoint"):
        run.attainment("p99[c]<1s")


def test_without_requests_nothing_is_attained() -> None:
    found = make_run(count=0).attainment("p99<1s", window_s=1)
    assert (found.within_ratio, found.met_ratio) == (None, None)
    assert str(found)


def test_an_attainment_shows_itself() -> None:
    found = make_run(stall=True).attainment("p99<50ms", window_s=1)
    assert "met in 9 of 10 windows of 1 s" in str(found)
    assert "99 % are needed" in str(found._repr_html_())
    (row,) = found.to_pandas().to_dict("records")
    assert row["met_ratio"] == 0.9
