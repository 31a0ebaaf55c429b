"""The critical path in SQL: CRISP's answers, and a plain reference on random trees."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from benchlab.store import Store
from benchlab.store.spans.critical_path import PATH, ROOT, in_layers
from tests.store.conftest import lasting_store
from tests.store.spans.reference_path import Node, own_times

__all__ = ["lasting_store"]

_KINDS = {"Server": 1, "Client": 2}
_FIELDS = {
    "starts": "Int64",
    "durations": "Int64",
    "ids": "UInt64",
    "parents": "UInt64",
    "names": "UInt64",
    "kinds": "UInt8",
}
_ARRAYS = f"""
SELECT
    {", ".join(f"trace.{at} AS {name}" for at, name in enumerate(_FIELDS, 1))},
    toUInt64(999999) AS client_id
FROM (
    SELECT arrayJoin(arrayZip(
        {", ".join(f"{{{name}:Array(Array({kind}))}}" for name, kind in _FIELDS.items())}
    )) AS trace
)
"""  # noqa: S608  # composed of constants
_LAYERS = [f"{ROOT} AS root", "durations[root] AS within_ns", *PATH]
_SQL = f"""
SELECT path_names, path_ns, within_ns - arraySum(path_ns)
FROM ({in_layers(_ARRAYS, _LAYERS)})
"""  # noqa: S608  # composed of constants


def in_sql(store: Store, traces: Sequence[Sequence[Node]]) -> list[dict[str, int]]:
    """Own times of the spans on the path of each trace by id, those of 0 ns left out."""
    columns: dict[str, list[list[int]]] = {name: [] for name in _FIELDS}
    for spans in traces:
        numbers = number_of(spans)
        columns["starts"].append([span.start for span in spans])
        columns["durations"].append([span.end - span.start for span in spans])
        columns["ids"].append([numbers[span.id] for span in spans])
        columns["parents"].append([numbers.get(span.parent, 10**6) for span in spans])
        columns["names"].append([numbers[span.id] for span in spans])
        columns["kinds"].append([_KINDS.get(span.kind, 0) for span in spans])
    with store.connect() as client:
        rows = client.query(_SQL, parameters=columns).result_rows
    found = []
    for spans, (names, own, root_ns) in zip(traces, rows, strict=True):
        by_number = {number: id for id, number in number_of(spans).items()}
        times: dict[str, int] = {root_of(spans).id: root_ns}
        for number, own_ns in zip(names, own, strict=True):
            times[by_number[number]] = times.get(by_number[number], 0) + own_ns
        found.append({id: own_ns for id, own_ns in times.items() if own_ns})
    return found


def number_of(spans: Sequence[Node]) -> dict[str, int]:
    return {id: at for at, id in enumerate(dict.fromkeys(span.id for span in spans), 1)}


def root_of(spans: Sequence[Node]) -> Node:
    """The SERVER span without a parent in the trace; the earliest of several."""
    known = {span.id for span in spans}
    servers = [span for span in spans if span.kind == "Server"]
    numbers = number_of(spans)
    return min(servers, key=lambda span: (span.parent in known, span.start, numbers[span.id]))


def root(end: int) -> Node:
    return Node("A", "", 0, end, "Server")


# The graphs and answers of tests/test_graph.py of uber-research/CRISP (main in 2026-11).
CRISP = {
    # sampleGraph, test_findCriticalPath: A, B, D. C overlaps D, which finishes later.
    "overlapping": (
        [root(100), Node("B", "A", 10, 70), Node("C", "B", 25, 45), Node("D", "B", 30, 50)],
        {"A": 40, "B": 40, "D": 20},
    ),
    # sampleGraph2 and 3, test_metrics1 and 2: A, F, I, H, G, B, E, D, C; X and Y are parallel.
    "serial and parallel": (
        [
            root(700),
            Node("B", "A", 50, 350),
            *(Node(id, "B", at, at + 50) for id, at in (("C", 100), ("D", 200), ("E", 300))),
            Node("F", "A", 400, 700),
            *(Node(id, "F", at, at + 50) for id, at in (("G", 450), ("H", 550), ("I", 650))),
            Node("X", "A", 100, 200),
            Node("Y", "X", 150, 200),
        ],
        {"A": 100, "B": 150, "F": 150} | dict.fromkeys("CDEGHI", 50),
    ),
    # timeskew_graph, test_timeskewMetrics: 50, 20 and 30.
    "another host's clock": (
        [root(100), Node("B", "A", 10, 60, "Client"), Node("C", "B", 1000, 1030, "Server")],
        {"A": 50, "B": 20, "C": 30},
    ),
    # mild_overlap_graph, test_overlapedSerialCalls: A, C, B, with 0, 505 and 500, which is 1,005 of
    # 1,000. Here B is cut by the 5 that it overlaps.
    "overlap below 1 %": (
        [root(1000), Node("B", "A", 0, 500), Node("C", "A", 495, 1000)],
        {"C": 505, "B": 495},
    ),
    # excludeGraph without its exclusion is sampleGraph; root_error_graph has one child.
    "one child": ([root(100), Node("B", "A", 70, 100)], {"A": 70, "B": 30}),
}


def test_crisp_finds_the_same_paths(lasting_store: Store) -> None:
    assert in_sql(lasting_store, [spans for spans, _ in CRISP.values()]) == [
        own for _, own in CRISP.values()
    ]


HOSTILE = {
    "alone": ([root(10)], {"A": 10}),
    "of no length": ([root(0), Node("B", "A", 0, 5)], {}),
    "child beyond its parent": ([root(10), Node("B", "A", -5, 15)], {"B": 10}),
    "child outside": ([root(10), Node("B", "A", 20, 30)], {"A": 10}),
    "missing parent": ([root(10), Node("C", "lost", 2, 5)], {"A": 7, "C": 3}),
    "its own parent": ([root(10), Node("B", "B", 2, 5)], {"A": 7, "B": 3}),
    "cycle": ([root(10), Node("B", "C", 2, 5), Node("C", "B", 2, 5)], {"A": 10}),
    "copy": (
        [root(10), *[Node("B", "A", 2, 5)] * 2, Node("C", "B", 3, 4)],
        {"A": 7, "B": 2, "C": 1},
    ),
    "copy of the root": ([root(10), root(10), Node("B", "A", 2, 5)], {"A": 7, "B": 3}),
    "child of a cut parent": (
        [root(10), Node("B", "A", 5, 20), Node("C", "B", 8, 30)],
        {"A": 5, "B": 3, "C": 2},
    ),
    "equal times": ([root(10), Node("B", "A", 0, 10), Node("C", "B", 0, 10)], {"C": 10}),
    "chain of services": (
        [
            Node("A", "", 0, 100, "Server"),
            Node("B", "A", 10, 90, "Client"),
            Node("C", "B", 20, 80, "Server"),
            Node("D", "C", 30, 60),
        ],
        {"A": 20, "B": 20, "C": 30, "D": 30},
    ),
    "chain in which the second clock is early": (
        [
            Node("C", "B", -5_000, -4_940, "Server"),
            Node("D", "C", -4_990, -4_960),
            Node("A", "", 0, 100, "Server"),
            Node("B", "A", 10, 90, "Client"),
        ],
        {"A": 20, "B": 20, "C": 30, "D": 30},
    ),
}


def test_hostile_traces_add_up_to_the_server_span(lasting_store: Store) -> None:
    found = in_sql(lasting_store, [spans for spans, _ in HOSTILE.values()])
    assert dict(zip(HOSTILE, found, strict=True)) == {
        case: own for case, (_, own) in HOSTILE.items()
    }


def drawn(rng: np.random.Generator) -> list[Node]:
    """A random tree: mostly plausible, with coarse clocks, so that many times are equal."""
    spans = [Node("0", "", 0, int(rng.integers(0, 400)), "Server")]
    for number in range(1, int(rng.integers(1, 9))):
        parent = spans[int(rng.integers(0, len(spans)))]
        start, end = sorted(rng.integers(parent.start - 5, parent.end + 6, 2).tolist())
        above = parent.id if rng.random() < 0.9 else "lost"
        kind = str(rng.choice(["Internal", "Client", "Server"], p=[0.5, 0.3, 0.2]))
        if rng.random() < 0.1:
            start, end = start + 1_000, end + 1_000
        spans.append(Node(str(number), above, start, end, kind))
        if rng.random() < 0.05:
            spans.append(spans[-1])
    return spans


@pytest.mark.parametrize("lasting_store", ["embedded"], indirect=True)
@pytest.mark.parametrize("seed", [20])
def test_random_trees_as_by_the_reference(lasting_store: Store, seed: int) -> None:
    rng = np.random.default_rng(seed)
    traces = [drawn(rng) for _ in range(1_500)]
    found = in_sql(lasting_store, traces)
    for spans, own in zip(traces, found, strict=True):
        first = root_of(spans)
        within_ns = first.end - first.start
        expected = own_times(spans, first, within_ns, number_of(spans))
        assert own == {id: own_ns for id, own_ns in expected.items() if own_ns}, spans
        assert sum(own.values()) == within_ns
        assert min(own.values(), default=0) >= 0
