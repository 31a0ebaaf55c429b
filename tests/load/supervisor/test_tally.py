"""Sums of parts of a run are those of the whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchlab import ConstantRate, Plan, Request, spool
from benchlab.errors import DamagedError
from benchlab.load.supervisor.abort import AbortWatch
from benchlab.load.supervisor.conditions import FROM_HOSTS_AFTER_NS, IN_THE_FILE_AFTER_NS
from benchlab.load.supervisor.measurements import NewMeasurements
from benchlab.load.supervisor.progress import Progress, ProgressReader
from benchlab.load.supervisor.tally import Tally, decode_tally
from benchlab.samples.records import SAMPLE_DTYPE, ErrorKind, Flag
from benchlab.spool.cluster_file import ClusterFile, write_cluster
from benchlab.spool.tallies import append_tally, tally_path
from benchlab.units import NS_PER_MS, NS_PER_S

WORKERS = 3
PLAN = Plan(
    [Request("GET", "http://127.0.0.1:1/a"), Request("GET", "http://127.0.0.1:1/b")],
    ConstantRate(1000),
    duration_s=18,
    warmup_s=2,
    workers=WORKERS,
    slo=["p99<50ms", "error_ratio<10%", "max<1s", "mean[GET /a]<5ms", "min>1us", "rate_rps>=1"],
    abort_on=["error_count>100000", "p50>10s"],
)


def drawn(seconds: int = 20) -> NDArray[np.void]:
    rng = np.random.default_rng(3)
    count = seconds * 1000
    records = np.zeros(count, dtype=SAMPLE_DTYPE)
    records["seq"] = np.arange(count)
    records["intended_ns"] = np.arange(count) * NS_PER_MS
    records["sent_ns"] = records["intended_ns"] + rng.integers(0, 2 * NS_PER_MS, count)
    records["done_ns"] = records["sent_ns"] + rng.lognormal(15, 1, count).astype(np.int64)
    records["endpoint"] = rng.integers(0, 2, count)
    records["error"][rng.random(count) < 0.05] = ErrorKind.RESET
    records["flags"][rng.random(count) < 0.05] |= np.uint8(Flag.RETRY)
    records["flags"][rng.random(count) < 0.05] |= np.uint8(Flag.FAILED_TRY)
    records["flags"][records["intended_ns"] < PLAN.warmup_ns] |= np.uint8(Flag.WARMUP)
    return records


def readers(directory: Path, plan: Plan, records: NDArray[np.void]) -> list[ProgressReader]:
    """One that has the samples, and one that has their sums, which each worker wrote bit by bit."""
    whole, merged = directory / "whole", directory / "merged"
    for place in (whole, merged):
        place.mkdir()
    write_cluster(merged, ClusterFile("tcp://10.0.0.1:8786", (), samples="direct"))
    for worker in range(plan.workers):
        own = records[records["seq"] % plan.workers == worker]
        own = own[np.argsort(own["done_ns"])]
        own.tofile(spool.samples_path(whole, worker))
        for part in np.array_split(own, 1 + 4 * worker):
            tally = Tally(plan, merged=True)
            tally.take(part, plan.endpoint_names)
            append_tally(tally_path(merged, worker), tally.encode())
    return [ProgressReader(whole, plan), ProgressReader(merged, plan)]


def shown(progress: Progress) -> dict[str, object]:
    data = progress.to_dict()
    del data["run_id"]
    return data


@pytest.mark.parametrize("length_s", [20, 300], ids=["narrow bins", "bins that double"])
def test_progress_by_sums_is_that_by_samples(tmp_path: Path, length_s: int) -> None:
    plan = PLAN if length_s == 20 else PLAN.replace(load=ConstantRate(100), duration_s=10)
    records = drawn()
    records["done_ns"] += (records["done_ns"] > 15 * NS_PER_S) * (length_s - 20) * NS_PER_S
    by_samples, by_sums = readers(tmp_path, plan, records)
    end_ns = length_s * NS_PER_S
    whole, merged = by_samples.poll(end_ns, "done"), by_sums.poll(end_ns, "done")
    assert shown(merged) == shown(whole)
    assert whole.series is not None
    assert merged.series is not None
    for name in ("t_s", "rate_rps", "p50_ms", "p99_ms", "error_rps", "lag_p99_ms", "in_flight"):
        ours, theirs = (np.array(getattr(each.series, name)) for each in (merged, whole))
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-6, err_msg=name)
    assert merged.objectives == whole.objectives


@pytest.mark.parametrize(
    "condition",
    [
        "error_ratio>3% over 2s",
        "error_count>=5 over 2s",
        "p90>1ms over 2s",
        "mean>1ms over 2s",
        "max>1ms over 2s",
        "min>1ns over 2s",
        "rate_rps>1 over 2s",
        "rate_rps>1 over 500ms",
        "p50[GET /b]>1ms over 1.7s",
    ],
)
def test_a_window_is_the_last_whole_slices(condition: str) -> None:
    plan = PLAN.replace(abort_on=[condition])
    late_ns = FROM_HOSTS_AFTER_NS - IN_THE_FILE_AFTER_NS if condition.startswith("rate") else 0
    at_ns = (119 * 85 if "1.7s" in condition else 10_000) * NS_PER_MS  # where a slice ends
    records = drawn()
    records = records[records["done_ns"] < at_ns]  # nobody knows those of later
    exact = AbortWatch(plan)
    by_sums = AbortWatch(plan, merged=True, late_ns=FROM_HOSTS_AFTER_NS)
    exact.take(records)
    for part in (records[::2], records[1::2]):
        tally = Tally(plan, merged=True)
        tally.take(part, plan.endpoint_names)
        by_sums.take(decode_tally(tally.encode()))
    (_, expected), (_, found) = (
        next(iter(watch._conditions.values(at_ns + extra_ns)))
        for watch, extra_ns in ((exact, 0), (by_sums, late_ns))
    )
    assert expected is not None
    assert found == pytest.approx(expected, rel=0.005)  # by rank, the median is one of two
    assert by_sums.fired(at_ns + late_ns).startswith(f"stopped by abort_on {condition}: ")


def test_what_hosts_measure_is_known_later(tmp_path: Path) -> None:
    assert NewMeasurements(tmp_path, PLAN).late_ns == IN_THE_FILE_AFTER_NS
    write_cluster(tmp_path, ClusterFile("tcp://10.0.0.1:8786", ()))
    found = NewMeasurements(tmp_path, PLAN)
    assert (found.merged, found.late_ns) == (False, FROM_HOSTS_AFTER_NS)


def test_a_torn_frame_is_read_once_it_is_whole(tmp_path: Path) -> None:
    plan = PLAN.replace(workers=1)
    write_cluster(tmp_path, ClusterFile("tcp://10.0.0.1:8786", (), samples="direct"))
    tally = Tally(plan, merged=True)
    tally.take(drawn(), plan.endpoint_names)
    append_tally(tmp_path / "whole", tally.encode())
    data, path = (tmp_path / "whole").read_bytes(), tally_path(tmp_path, 0)
    reader, counts = ProgressReader(tmp_path, plan), []
    for end in (2, 40, len(data) - 1, len(data)):
        path.write_bytes(data[:end])
        counts.append(reader.poll(NS_PER_S).count)
    assert counts == [0, 0, 0, tally.count]
    path.write_bytes(data + data[:100])
    assert reader.poll(NS_PER_S).count == tally.count


def test_other_content_is_damage(tmp_path: Path) -> None:
    with pytest.raises(DamagedError):
        decode_tally(b"something else")
    with pytest.raises(DamagedError):
        decode_tally(Tally(PLAN, merged=True).encode()[:-3])
