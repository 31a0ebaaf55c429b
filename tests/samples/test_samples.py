from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from benchlab.errors import InputError
from benchlab.plan.tracing import is_traced, trace_id
from benchlab.samples.samples import SAMPLE_DTYPE, ErrorKind, Samples
from tests.runs.synthetic import RUN_ID, make_run
from tests.samples.long import as_if_long


def test_the_three_durations_are_differences_of_the_times() -> None:
    samples = make_run(stall=True).samples
    row = samples.records[123]
    assert samples.latency_ns[123] == row["done_ns"] - row["intended_ns"]
    assert samples.service_ns[123] == row["done_ns"] - row["sent_ns"]
    assert samples.lag_ns[123] == row["sent_ns"] - row["intended_ns"]
    assert np.array_equal(samples.latency_ns, samples.service_ns + samples.lag_ns)


def test_the_layout_is_fixed_because_it_is_stored() -> None:
    assert SAMPLE_DTYPE.itemsize == 56
    assert [kind.value for kind in ErrorKind] == list(range(len(ErrorKind)))
    labels = (
        "ok connect timeout reset closed protocol tls check status abandoned unsent circuit_open"
        " stream_reset goaway grpc:CANCELLED grpc:UNKNOWN grpc:INVALID_ARGUMENT"
        " grpc:DEADLINE_EXCEEDED grpc:NOT_FOUND grpc:ALREADY_EXISTS grpc:PERMISSION_DENIED"
        " grpc:RESOURCE_EXHAUSTED grpc:FAILED_PRECONDITION grpc:ABORTED grpc:OUT_OF_RANGE"
        " grpc:UNIMPLEMENTED grpc:INTERNAL grpc:UNAVAILABLE grpc:DATA_LOSS grpc:UNAUTHENTICATED"
    )
    assert " ".join(kind.label for kind in ErrorKind) == labels


def test_every_sample_is_of_the_warm_up_or_the_window() -> None:
    samples = make_run(rate_rps=100, duration_s=10, warmup_s=1).samples
    assert (len(samples.warmup), len(samples.measured), len(samples)) == (100, 1000, 1100)
    assert samples.measured.column("intended_ns").min() == 1_000_000_000


def test_the_window_is_copied_only_if_it_is_not_contiguous() -> None:
    samples = make_run(rate_rps=100, duration_s=10, warmup_s=1).samples
    assert np.shares_memory(samples.measured.records, samples.records)
    backwards = Samples(samples.records[::-1], samples.endpoints).measured
    assert np.array_equal(backwards.records, samples.measured.records[::-1])


def test_errors_are_counted_by_kind_most_frequent_first() -> None:
    measured = make_run(errors=True).measured
    assert measured.errors == {"status": 20, "reset": 10}
    assert list(measured.errors) == ["status", "reset"]
    assert measured.error_count == 30
    assert len(measured.succeeded) == 970
    assert make_run().measured.errors == {}


def test_pandas_has_names_and_ms_in_order_of_seq() -> None:
    run = make_run(errors=True)
    shuffled = run.samples.where(np.arange(len(run.samples))[::-1])
    table = shuffled.to_pandas()
    assert list(table["seq"]) == list(range(len(run.samples)))
    assert list(table["latency_ms"]) == list(run.samples.latency_ns / 1e6)
    assert set(table["error"].unique()) == {"", "status", "reset"}
    assert table["endpoint"].iloc[0] == "POST /api/vector/add"
    assert table["warmup"].sum() == 100
    assert table["new_connection"].sum() == 1


def test_empty_samples_can_be_converted() -> None:
    empty = Samples.empty(["a"])
    assert len(empty.to_pandas()) == 0
    assert empty.to_arrow().num_rows == 0
    assert empty.errors == {}


def test_arrow_has_every_field_unchanged() -> None:
    samples = make_run(count=20, warmup_s=0).samples
    table = samples.to_arrow()
    assert table.column_names == list(SAMPLE_DTYPE.names or ())
    for name in table.column_names:
        assert np.array_equal(table[name].to_numpy(), samples.column(name))


def test_endpoints_of_the_same_name_are_one() -> None:
    records = np.zeros(6, dtype=SAMPLE_DTYPE)
    records["endpoint"] = [0, 1, 2, 0, 1, 2]
    samples = Samples(records, ["a", "b", "a"])
    assert len(samples.endpoint("a")) == 4
    assert list(samples.to_pandas()["endpoint"]) == ["a", "b", "a"] * 2
    with pytest.raises(InputError, match="endpoint='c' is not an endpoint"):
        samples.endpoint("c")


def test_one_endpoint_or_several_or_all_are_selected() -> None:
    records = np.zeros(6, dtype=SAMPLE_DTYPE)
    records["endpoint"] = [0, 1, 2, 3, 1, 0]
    samples = Samples(records, ["a", "b", "c", "a"])
    assert samples.endpoint("a").column("endpoint").tolist() == [0, 3, 0]
    assert samples.endpoint(["c", "b"]).column("endpoint").tolist() == [1, 2, 1]
    assert samples.endpoint(None) is samples
    assert samples.endpoint(["a", "b", "c"]) is samples
    for wrong in ("d", ["a", "d"], []):
        with pytest.raises(InputError, match=r"there are \['a', 'b', 'c'\]") as caught:
            samples.endpoint(wrong)
        assert caught.value.field == "endpoint"
    many = Samples(records, [f"/{number}" for number in range(1000)])
    with pytest.raises(InputError, match="and 980 more"):
        many.endpoint("/")


@given(st.integers(0, 100), st.integers(0, 60), st.integers(1, 20))
def test_the_endpoints_of_a_view_are_those_one_by_one(seed: int, count: int, most: int) -> None:
    samples = _drawn(seed, count).measured
    expected = {name: samples.endpoint(name) for name in ("a", "b")}
    with as_if_long(most):
        found = dict(samples.by_endpoint())
        assert found.keys() == expected.keys()
        for name, part in expected.items():
            assert len(found[name]) == len(part)
            assert found[name].records.tobytes() == part.records.tobytes()


def test_many_endpoints_take_few_passes() -> None:
    records = np.zeros(3000, dtype=SAMPLE_DTYPE)
    records["endpoint"] = np.arange(3000) % 1000
    evaluated = 0

    def every(chosen: NDArray[np.void]) -> NDArray[np.bool_]:
        nonlocal evaluated
        evaluated += len(chosen)
        return chosen["seq"] >= 0

    with as_if_long(500):
        view = Samples(records, [f"e{number}" for number in range(1000)]).choose(every)
        evaluated = 0
        assert [len(part) for _, part in view.by_endpoint()] == [3] * 1000
    assert evaluated <= 20 * len(records)


def test_records_of_another_kind_are_refused() -> None:
    with pytest.raises(InputError, match="SAMPLE_DTYPE"):
        Samples(np.zeros(3))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="SAMPLE_DTYPE"):
        Samples(np.zeros((2, 2), dtype=SAMPLE_DTYPE))


def test_a_trace_id_is_run_and_sequence_number() -> None:
    assert trace_id(RUN_ID, 255) == "0193f0a1b2c3d4e500000000000000ff"


@pytest.mark.parametrize("ratio", [0.001, 0.01, 0.1, 0.5, 0.9, 0.999])
def test_the_share_of_traced_requests_is_the_ratio(ratio: float) -> None:
    count = 200_000
    chosen = is_traced(np.arange(count, dtype=np.int64), ratio)
    tolerance = 5 * np.sqrt(ratio * (1 - ratio) / count)  # 5 σ of independent choices
    assert chosen.mean() == pytest.approx(ratio, abs=tolerance)


@pytest.mark.parametrize("period", [2, 3, 4, 8, 10, 16, 100, 1024])
def test_the_choice_follows_no_period(period: int) -> None:
    chosen = is_traced(np.arange(200_000, dtype=np.int64), 0.1)
    shares = [chosen[start::period].mean() for start in range(min(period, 20))]
    tolerance = 5.5 * np.sqrt(0.09 / (200_000 / period))
    assert max(abs(share - 0.1) for share in shares) < tolerance


def test_ratios_0_and_1_trace_none_and_all() -> None:
    seq = np.arange(1000, dtype=np.int64)
    assert is_traced(seq, 1.0).all()
    assert not is_traced(seq, 0.0).any()


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_higher_ratio_traces_a_superset(one: float, other: float) -> None:
    seq = np.arange(500, dtype=np.int64)
    few, many = is_traced(seq, min(one, other)), is_traced(seq, max(one, other))
    assert not np.any(few & ~many)


@given(st.lists(st.booleans(), max_size=20))
def test_a_mask_selects_the_same_copied_or_not(chosen: list[bool]) -> None:
    records = np.zeros(len(chosen), dtype=SAMPLE_DTYPE)
    records["seq"] = np.arange(len(chosen))
    mask = np.array(chosen, dtype=bool)
    selected = Samples(records).where(mask).column("seq")
    assert list(selected) == [seq for seq, wanted in enumerate(chosen) if wanted]
    in_one_piece = "01" not in "".join(str(int(wanted)) for wanted in chosen).lstrip("0")
    assert np.shares_memory(selected, records) == (in_one_piece and any(chosen))


def _drawn(seed: int, count: int) -> Samples:
    rng = np.random.default_rng(seed)
    records = np.zeros(count, dtype=SAMPLE_DTYPE)
    for name in ("seq", "intended_ns", "sent_ns", "done_ns", "bytes_in"):
        records[name] = rng.integers(0, 1000, count)
    records["endpoint"] = rng.integers(0, 3, count)
    records["error"] = rng.integers(0, len(ErrorKind), count) * rng.integers(0, 2, count)
    records["flags"] = rng.integers(0, 16, count)
    return Samples(records, ["a", "b", "a"])


VIEWS = {
    "measured": lambda samples: samples.measured,
    "warmup": lambda samples: samples.warmup,
    "succeeded": lambda samples: samples.measured.succeeded,
    "failed": lambda samples: samples.measured.failed,
    "iteration_starts": lambda samples: samples.iteration_starts,
    "one endpoint": lambda samples: samples.measured.endpoint("a").succeeded,
}


@pytest.mark.parametrize("view", VIEWS)
@given(st.integers(0, 100), st.integers(0, 60))
def test_a_large_view_equals_a_copy(view: str, seed: int, count: int) -> None:
    samples = _drawn(seed, count)
    whole = VIEWS[view](samples)
    with as_if_long(3):
        part = VIEWS[view](samples)
        assert len(part) == len(whole) == sum(map(len, part.blocks()))
        assert part.records.tobytes() == whole.records.tobytes()
        assert part.records.dtype == SAMPLE_DTYPE
        for name in ("latency_ns", "service_ns", "lag_ns"):
            assert np.array_equal(getattr(part, name), getattr(whole, name))
            assert [*np.concatenate([[], *part.in_blocks(name)])] == [*getattr(whole, name)]
        assert np.array_equal(part.column("bytes_in"), whole.column("bytes_in"))
        assert (part.errors, part.error_count) == (whole.errors, whole.error_count)
        assert part.in_order == whole.in_order == bool(np.all(np.diff(whole.column("seq")) >= 0))
        assert part.done_by(500) == whole.done_by(500) == (whole.column("done_ns") <= 500).sum()
        assert part.where(slice(1, 4)).records.tobytes() == whole.records[1:4].tobytes()
        copied = pickle.loads(pickle.dumps(part))
        assert copied.records.tobytes() == whole.records.tobytes()
        assert copied.endpoints == whole.endpoints
