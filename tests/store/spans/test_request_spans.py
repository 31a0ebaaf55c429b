"""The spans of each request, as arrays on the clock of the samples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from benchlab.errors import InputError, RunNotFoundError
from benchlab.runs.run import Run
from benchlab.store import Store
from benchlab.store.spans import request_spans
from tests.store.conftest import lasting_store
from tests.store.spans.reference_path import Node
from tests.store.spans.test_attribution import add_traces

__all__ = ["lasting_store"]

MakeRun = Callable[..., Run]


@pytest.fixture
def store(lasting_store: Store) -> Store:
    """A store that may hold other runs, too."""
    return lasting_store


def test_spans_of_requests_are_on_the_clock_of_the_samples(store: Store, make_run: MakeRun) -> None:
    run = make_run(100)
    store.save(run)
    assert store.request_spans(run.id) is None
    measured = run.measured.column("seq").tolist()
    first, second, third = measured[3], measured[20], measured[21]
    handler = Node("00", "client", 1_000, 900_000, "Server")
    query = Node("01", "00", 2_000, 500_000, "Client")
    below = Node("02", "01", 3_000, 400_000, "Server")
    again = Node("03", "00", 500_000, 600_000, "Client", name="span 01")
    add_traces(store, run, {first: [below, handler, query, again, again], third: [handler] * 5})
    add_traces(store, run, {second: [query]})  # its SERVER span was lost
    add_traces(store, run, {0: [handler]})  # of the warm-up

    found = store.request_spans(run.id)
    assert found is not None
    assert found.seq.tolist() == [first, third]
    sent_ns = run.samples.records["sent_ns"][found.seq]
    assert (found.start_ns - sent_ns).tolist() == [1_000, 1_000]
    assert found.server_ns.tolist() == [899_000, 899_000]
    assert (found.instances, found.instance.tolist()) == (("one",), [0, 0])
    assert [(child.service, child.name) for child in found.children] == [
        ("service Client", "span 01"),
        ("service Server", "span 02"),
    ]
    of_query, of_server = found.children
    assert of_query.index.tolist() == [0, 0]
    assert (of_query.start_ns - sent_ns[of_query.index]).tolist() == [2_000, 500_000]
    assert of_query.duration_ns.tolist() == [498_000, 100_000]
    assert (of_server.index.tolist(), of_server.duration_ns.tolist()) == ([0], [397_000])
    assert (found.every, len(found), len(of_query)) == (1, 2, 2)


def test_the_instance_of_a_request_goes_before_that_of_its_process(
    store: Store, make_run: MakeRun
) -> None:
    run = make_run(100)
    store.save(run)
    first, second = run.measured.column("seq").tolist()[:2]
    spans = [Node("00", "client", 1_000, 900_000, "Server")]
    instances = {first: "two", second: ""}
    add_traces(store, run, dict.fromkeys(instances, spans), instances, "service.instance.id")
    found = store.request_spans(run.id)
    assert found is not None
    assert [found.instances[at] for at in found.instance] == ["two", "one"]


def test_a_clock_that_contradicts_the_samples_is_corrected(store: Store, make_run: MakeRun) -> None:
    run = make_run(100)
    store.save(run)
    ahead_ns = 3_000_000_000
    spans = [Node("00", "client", ahead_ns + 50_000, ahead_ns + 150_000, "Server")]
    add_traces(store, run, dict.fromkeys(range(100), spans))
    found = store.request_spans(run.id)
    assert found is not None
    sent_ns = run.samples.records["sent_ns"][found.seq]
    done_ns = run.samples.records["done_ns"][found.seq]
    assert np.all(found.start_ns >= sent_ns - 50_000_000)
    assert np.all(found.start_ns + found.server_ns <= done_ns + 50_000_000)
    assert len(found) == len(run.measured)


def test_of_many_spans_the_whole_tail_is_read(
    store: Store, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(2_000)
    store.save(run)
    spans = [Node("00", "client", 1_000, 900_000, "Server"), Node("01", "00", 2_000, 3_000, "x")]
    add_traces(store, run, dict.fromkeys(range(2000), spans))
    monkeypatch.setattr(request_spans, "_MOST_SPANS", 1_000)
    found = store.request_spans(run.id)
    assert found is not None
    assert found.every == 4
    measured = run.measured
    slow = measured.column("seq")[measured.latency_ns > found.whole_above_ns]
    assert len(slow) == pytest.approx(0.01 * len(measured), abs=3)
    assert set(slow.tolist()) <= set(found.seq.tolist())
    rest = len(found) - len(slow)
    assert 0.2 * len(measured) < rest < 0.3 * len(measured)
    assert np.all(np.diff(found.seq) > 0)


def test_of_very_many_names_those_that_took_longest_are_kept(
    store: Store, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(20)
    store.save(run)
    seqs = run.measured.column("seq").tolist()
    root = Node("00", "client", 1_000, 900_000, "Server")
    add_traces(
        store,
        run,
        {
            seq: [root, Node("01", "00", 0, 1_000 * (seq + 1), "Internal", name=f"item {seq:02}")]
            for seq in seqs
        },
    )
    monkeypatch.setattr(request_spans, "_MOST_NAMES", 3)
    found = store.request_spans(run.id)
    assert found is not None
    assert [child.name for child in found.children] == [f"item {seq:02}" for seq in seqs[-3:]]


def test_spans_of_one_endpoint(store: Store, make_run: MakeRun) -> None:
    run = make_run(60)
    name = run.plan.endpoint_names[1]
    store.save(run)
    spans = [Node("00", "client", 1_000, 900_000, "Server")]
    add_traces(store, run, dict.fromkeys(range(60), spans))
    found = store.request_spans(run.id, name)
    assert found is not None
    assert found.seq.tolist() == run.measured_of(name).column("seq").tolist()
    with pytest.raises(InputError, match="'c' is unknown"):
        store.request_spans(run.id, "c")
    with pytest.raises(RunNotFoundError):
        store.request_spans("nope")
