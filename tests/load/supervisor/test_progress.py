"""Progress: the numbers of the phase that a run is in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchlab import ClosedLoop, ConstantRate, Plan, Request, Scenario, spool
from benchlab.load.supervisor.progress import Progress, ProgressReader
from benchlab.samples.samples import SAMPLE_DTYPE, Flag
from benchlab.units import NS_PER_S


def test_the_rate_is_that_of_the_warm_up_and_then_of_the_measured_window(tmp_path: Path) -> None:
    request = Request("GET", "http://127.0.0.1:1/")
    plan = Plan(request, ConstantRate(100), duration_s=4, warmup_s=2)
    reader = ProgressReader(tmp_path, plan)

    def record(count: int, at_s: float, flags: Flag | int) -> None:
        records = np.zeros(count, dtype=SAMPLE_DTYPE)
        records["done_ns"] = records["intended_ns"] = round(at_s * NS_PER_S)
        records["flags"] = flags
        with spool.samples_path(tmp_path, 0).open("ab") as file:
            file.write(records.tobytes())

    seen = []
    for count, at_s, flags in [(0, 0, 0), (50, 1, Flag.WARMUP), (150, 2, Flag.WARMUP), (30, 3, 0)]:
        record(count, at_s, flags)
        progress = reader.poll(at_s * NS_PER_S)
        seen.append((progress.phase, progress.rate_rps, progress.count))
    assert seen == [
        ("warm-up", 0, 0),
        ("warm-up", 50, 0),
        ("measuring", 0, 0),
        ("measuring", 30, 30),
    ]
    assert reader.poll(7 * NS_PER_S).rate_rps == pytest.approx(30 / 4)


def test_it_has_the_objectives_as_they_stand_and_the_course_of_the_run(tmp_path: Path) -> None:
    plan = Plan(
        Request("GET", "http://127.0.0.1:1/?token=s3cret"),
        ConstantRate(200),
        duration_s=4,
        warmup_s=1,
        slo=["p99<50ms", "service.p50<1ms", "error_ratio<0.01", "rate_rps>=100", "p99.9<1s"],
    )
    reader = ProgressReader(tmp_path, plan)
    assert [(item.observed, item.met) for item in reader.poll(0).objectives] == [("–", None)] * 5
    records = np.zeros(500, dtype=SAMPLE_DTYPE)
    records["intended_ns"] = NS_PER_S + np.arange(500) * NS_PER_S // 200
    records["sent_ns"] = records["intended_ns"] + 1_000_000
    records["done_ns"] = records["sent_ns"] + 4_000_000
    records["seq"] = np.arange(500)
    records.tofile(spool.samples_path(tmp_path, 0))
    progress = reader.poll(4 * NS_PER_S)
    assert {item.text: (item.observed, item.met) for item in progress.objectives} == {
        "p99<50ms": ("5 ms", True),
        "service.p50<1ms": ("4 ms", False),
        "error_ratio<0.01": ("0", True),
        "rate_rps>=100": ("200 requests/s", True),
        "p99.9<1s": ("–", None),
    }
    assert progress.p50_ns == progress.p99_ns == pytest.approx(5_000_000, rel=0.001)
    assert progress.lag_p99_ns == pytest.approx(1_000_000, rel=0.001)
    assert progress.in_flight == 1
    assert (progress.run_id, progress.title) == (tmp_path.name, plan.describe())
    assert "s3cret" not in progress.title
    assert progress.series is not None
    assert progress.series.t_s[-1] == pytest.approx(3.2)
    assert Progress(**progress.to_dict()) == replace(progress, series=None, objectives=())


def test_an_objective_of_a_step_waits_for_the_step(tmp_path: Path) -> None:
    plan = Plan(
        load=ConstantRate(100),
        duration_s=4,
        scenario=Scenario("http://127.0.0.1:1/", "shop", b"code"),
        slo="p50[pay]<50ms",
    )
    reader = ProgressReader(tmp_path, plan)
    records = np.zeros(40, dtype=SAMPLE_DTYPE)
    records["done_ns"] = 7_000_000
    with spool.samples_path(tmp_path, 0).open("ab") as file:
        for endpoint, steps, seen in ((1, ["look"], "–"), (2, ["look", "pay"], "7 ms")):
            spool.steps_path(tmp_path).write_text("".join(f'"{step}"\n' for step in steps))
            records["endpoint"] = endpoint
            file.write(records.tobytes())
            file.flush()
            assert [item.observed for item in reader.poll(NS_PER_S).objectives] == [seen]


@pytest.mark.parametrize(
    ("limits", "stopped_ns", "phase", "elapsed_s"),
    [
        ({"duration_s": 4}, None, "done", 4),
        ({"duration_s": 4}, 2 * NS_PER_S, "done", 2),
        ({"duration_s": 4}, None, "failed", 1.5),
        ({"request_count": 50}, None, "done", 1.5),
    ],
    ids=["complete", "stopped", "killed", "counted"],
)
def test_the_end_of_a_run_is_where_it_ended(
    limits: dict[str, int], stopped_ns: int | None, phase: str, elapsed_s: float, tmp_path: Path
) -> None:
    plan = Plan(Request("GET", "http://127.0.0.1:1/"), ClosedLoop(1), **limits)  # type: ignore[arg-type]
    records = np.zeros(50, dtype=SAMPLE_DTYPE)
    records["done_ns"] = np.arange(1, 51) * (1.5 * NS_PER_S / 50)
    records.tofile(spool.samples_path(tmp_path, 0))
    final = ProgressReader(tmp_path, plan).final(stopped_ns, phase)
    assert (final.phase, final.elapsed_s) == (phase, elapsed_s)
    assert final.rate_rps == pytest.approx(50 / elapsed_s)
    assert final.series is not None
    assert sum(final.series.rate_rps) * final.series.width_s == pytest.approx(50)


def test_a_reader_that_is_far_behind_holds_the_last_window_only(tmp_path: Path) -> None:
    """Its values are those of a reader that followed the run, whichever worker it reads first."""
    plan = Plan(
        Request("GET", "http://127.0.0.1:1/"),
        ConstantRate(1000),
        duration_s=200,
        workers=2,
        slo=["p50<50ms over 5s", "rate_rps>=100 over 5s"],
    )
    followed, late = ProgressReader(tmp_path, plan), ProgressReader(tmp_path, plan)
    for start in range(0, 100_000, 10_000):
        for worker in range(2):
            records = np.zeros(5_000, dtype=SAMPLE_DTYPE)
            records["intended_ns"] = (start + np.arange(5_000) * 2 + worker) * 1_000_000
            records["sent_ns"] = records["intended_ns"]
            records["done_ns"] = records["sent_ns"] + (1 + start // 10_000) * 1_000_000
            with spool.samples_path(tmp_path, worker).open("ab") as file:
                file.write(records.tobytes())
        seen = followed.poll((start + 10_000) * 1_000_000)
    attached = late.poll(100 * NS_PER_S)
    assert attached == seen
    assert [item.observed for item in attached.objectives] == ["10 ms", "1,000 requests/s"]
    held = [view._recent for _, view in late._tally.objectives._views]  # type: ignore[attr-defined]
    assert all(len(records) < 6_000 for records in held)
