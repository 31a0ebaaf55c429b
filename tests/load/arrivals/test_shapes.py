"""Load shapes: the requests that arrive at a server are those of the plan."""

from __future__ import annotations

import threading
import time
from collections import Counter

import numpy as np
import pytest

from benchlab import ClosedLoop, ConstantRate, Plan, Replay, Request, Stages, Steps, run
from benchlab.display.progress import done_text
from benchlab.load.supervisor.progress import Progress
from benchlab.plan.drivers import drivers_for
from benchlab.plan.shapes import OpenLoop
from benchlab.runs.run import Run
from benchlab.samples.samples import Flag
from benchlab.units import NS_PER_S
from tests.load.servers import Behaviour, ok, serving


class Arrivals:
    """A server's record of requests: arrival and response times (wall clock)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.paths: list[str] = []
        self.times_ns: list[int] = []
        self.ends_ns: list[int] = []

    def behaviour(self, response: bytes = b"") -> Behaviour:
        """Record the request and respond."""

        def behave(connection: object, request: bytes, _number: int) -> bool:
            now_ns = time.time_ns()
            with self._lock:
                self.paths.append(request.split()[1].decode())
                self.times_ns.append(now_ns)
            connection.sendall(response or ok())  # type: ignore[attr-defined]
            with self._lock:
                self.ends_ns.append(time.time_ns())
            return True

        return behave


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    "load",
    [
        Stages([(0.5, 200), (0.5, 200), (0.5, 0)]),
        Stages([(0.6, 300)], start_rps=50, arrivals="poisson"),
        Steps([(0.3, 100), (0.3, 0), (0.3, 200)]),
        Replay([0.0, 0.1, 0.1, 0.1, 0.25, 0.6]),
    ],
    ids=["stages", "poisson stages", "steps", "replay"],
)
def test_requests_arrive_on_schedule(load: OpenLoop, workers: int) -> None:
    seen = Arrivals()
    with serving(seen.behaviour()) as url:
        plan = Plan([Request("GET", url)], load, warmup_s=0.2, workers=workers)
        result = run(plan)
    schedule = np.concatenate([block.intended_ns for block in plan.arrivals()])
    assert result.summary.errors == {}
    assert np.array_equal(result.samples.column("intended_ns"), schedule)
    assert result.summary.count == plan.intended_count()
    arrived_ns = np.sort(seen.times_ns) - result.started_at_ns
    assert len(arrived_ns) == len(schedule)
    assert (arrived_ns >= np.sort(schedule) - 1_000_000).all()  # a clock may be adjusted a little


def test_an_earlier_run_is_replayed() -> None:
    seen = Arrivals()
    with serving(seen.behaviour()) as url:
        first = run(Plan([Request("GET", url)], ClosedLoop(2, think_time_s=0.02), duration_s=0.5))
        again = run(Plan([Request("GET", url)], Replay.from_samples(first.samples), workers=2))
    recorded_ns = np.sort(first.samples.column("intended_ns"))
    assert first.summary.count == again.summary.count > 20
    assert np.array_equal(
        np.sort(again.samples.column("intended_ns")), recorded_ns - recorded_ns[0]
    )


@pytest.mark.parametrize("driver", drivers_for("http"))
@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("think_time_s", [0.0, 0.005])
def test_a_closed_loop_sends_exactly_the_given_number(
    driver: str, workers: int, think_time_s: float
) -> None:
    seen = Arrivals()
    looks: list[Progress] = []
    with serving(seen.behaviour()) as url:
        plan = Plan(
            [Request("GET", url)],
            ClosedLoop(4, think_time_s),
            request_count=101,
            warmup_s=0.2,
            workers=workers,
            driver=driver,
        )
        result = run(plan, on_progress=looks.append)
    _is_counted_out(result, 101)
    assert len(seen.times_ns) == len(result.samples)
    assert len(result.samples.warmup) > 0
    assert len(np.unique(result.samples.column("seq"))) == len(result.samples)
    assert looks[-1].done_ratio == 1.0
    assert done_text(looks[-1]) == "101/101 requests"


def test_with_fewer_requests_than_users_no_user_sends_two() -> None:
    seen = Arrivals()
    with serving(seen.behaviour()) as url:
        plan = Plan([Request("GET", url)], ClosedLoop(8), request_count=3, workers=4)
        result = run(plan)
    _is_counted_out(result, 3)
    assert len(seen.times_ns) == 3


@pytest.mark.parametrize("workers", [1, 2])
def test_an_open_loop_sends_exactly_the_given_number(workers: int) -> None:
    seen = Arrivals()
    with serving(seen.behaviour()) as url:
        plan = Plan(
            [Request("GET", url)],
            ConstantRate(200),
            request_count=70,
            warmup_s=0.1,
            workers=workers,
        )
        result = run(plan)
    assert len(result.measured) == 70
    assert len(result.samples.warmup) == 20
    assert len(seen.times_ns) == 90
    assert result.window_ns == (NS_PER_S // 10, NS_PER_S // 10 + 350_000_000)
    assert result.summary.intended_rate_rps == 200
    assert "the schedule has" not in str(result.invalid_reason)


def test_the_duration_may_end_before_the_requests() -> None:
    with serving(Arrivals().behaviour()) as url:
        plan = Plan([Request("GET", url)], ClosedLoop(1, 0.05), request_count=1000, duration_s=0.4)
        result = run(plan)
    assert 0 < len(result.measured) < 1000
    assert result.window_ns == (0, 400_000_000)
    assert result.verdict != "interrupted"


@pytest.mark.parametrize("driver", drivers_for("http"))
def test_a_thinking_user_pauses_after_each_response(driver: str) -> None:
    seen = Arrivals()
    with serving(seen.behaviour()) as url:
        plan = Plan(
            [Request("GET", url)], ClosedLoop(1, think_time_s=0.03), duration_s=0.5, driver=driver
        )
        result = run(plan)
    sent_ns = result.samples.column("sent_ns")
    done_ns = result.samples.column("done_ns")
    assert 2 <= len(result.samples) <= 17  # 0.5 s hold no more than 16 pauses of 30 ms
    assert (sent_ns[1:] - done_ns[:-1] >= 30_000_000).all()
    assert (result.samples.lag_ns == 0).all()
    assert np.array_equal(result.samples.column("intended_ns"), sent_ns)
    assert (np.array(seen.times_ns[1:]) - seen.ends_ns[:-1] > 0).all()
    assert result.health.workers[0].connections_opened == 1
    assert "responses, " in result.health.workers[0].clock


@pytest.mark.parametrize("driver", drivers_for("http"))
def test_many_users_pause_independently(driver: str) -> None:
    with serving(Arrivals().behaviour()) as url:
        load = ClosedLoop(20, think_time_s=0.1, think_distribution="exponential")
        result = run(Plan([Request("GET", url)], load, duration_s=1, workers=2, driver=driver))
    # 20 users, each with a mean pause of 0.1 s: at most some 200 requests in 1 s (5 σ above).
    assert 20 < len(result.samples) < 200 + 5 * np.sqrt(200)
    assert result.summary.errors == {}
    opened = sum(worker.connections_opened for worker in result.health.workers)
    assert opened <= 20
    assert max(worker.in_flight_max for worker in result.health.workers) <= 10


def test_thinking_users_end_with_the_run_and_not_after_their_pause() -> None:
    with serving(Arrivals().behaviour()) as url:
        plan = Plan([Request("GET", url)], ClosedLoop(4, think_time_s=600), duration_s=0.3)
        result = run(plan)
    assert result.window_ns[1] == 300_000_000
    assert len(result.samples) <= 4


def test_a_user_also_pauses_after_a_failed_request() -> None:
    def refuse(connection: object, _request: bytes, _number: int) -> bool:
        return False  # closes without a response

    with serving(refuse) as url:
        plan = Plan([Request("GET", url)], ClosedLoop(2, think_time_s=0.05), duration_s=0.4)
        result = run(plan)
    assert set(result.summary.errors) == {"closed"}
    assert 1 <= result.summary.count <= 18  # two users, at most nine requests each


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_mix_is_the_same_with_any_number_of_workers(workers: int) -> None:
    seen = Arrivals()
    with serving(seen.behaviour()) as url:
        requests = [
            Request("GET", f"{url}{name}", name=name, weight=weight)
            for name, weight in (("a", 5), ("b", 3), ("c", 2))
        ]
        plan = Plan(requests, Steps([(0.5, 600)]), workers=workers, seed=11)
        result = run(plan)
    mix = [plan.request_of(seq) for seq in range(300)]
    assert result.samples.column("endpoint").tolist() == mix
    counts = {name: summary.count for name, summary in result.by_endpoint().items()}
    assert counts == {name: mix.count(index) for index, name in enumerate("abc")}
    assert Counter(seen.paths) == {f"/{name}": count for name, count in counts.items()}


def _is_counted_out(result: Run, count: int) -> None:
    measured = result.measured
    assert len(measured) == count
    assert ((measured.column("flags") & Flag.WARMUP) == 0).all()
    assert result.summary.errors == {}
    start_ns, end_ns = result.window_ns
    assert end_ns == measured.column("done_ns").max()
    assert result.summary.rate_rps == pytest.approx(count * NS_PER_S / (end_ns - start_ns))
    assert result.verdict != "interrupted"
