"""The spans of each request of a run, as arrays on the clock of its samples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchlab.runs.latency_parts import CLASS_RATIOS
from benchlab.runs.request_spans import ChildSpans, RequestSpans
from benchlab.store.spans.attribution import (
    MEASURED,
    SPAN_ARRAYS,
    SPANS_OF_THE_RUN,
    chunks_of,
    names_of,
    parameters_of,
)
from benchlab.store.spans.critical_path import ROOT, in_layers
from benchlab.store.spans.spans import int_columns

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

__all__ = ["request_spans"]

_MOST_SPANS = 4_000_000
"""Spans that are read: 28 bytes each once they are, and twice that while they are read."""

_MOST_NAMES = 200
"""Kinds of child spans: those that took the most time. More are names that contain ids."""

# Of the request rather than of the process, where one process plays several instances.
_INSTANCE = """
    coalesce(
        nullIf(SpanAttributes['service.instance.id'], ''),
        ResourceAttributes['service.instance.id']
    )
"""

_TRACES = f"""
    SELECT {SPAN_ARRAYS}, groupArray(cityHash64({_INSTANCE})) AS instances
    {SPANS_OF_THE_RUN} AND seq IN (
        SELECT seq {MEASURED} AND seq BETWEEN {{first_seq:Int64}} AND {{last_seq:Int64}}
            AND (
                {{drawn_every:UInt64}} = 1
                OR lag_ns + service_ns > {{whole_above_ns:Int64}}
                OR cityHash64(seq) % {{drawn_every:UInt64}} = 0
            )
    )
    GROUP BY seq
"""

# A span that is there twice counts once.
_ROWS = f"""
SELECT
    seq,
    at = root,
    starts[at] - {{offset_ns:Int64}} - {{from_ns:Int64}},
    durations[at],
    reinterpretAsInt64(if(at = root, instances[at], names[at]))
FROM ({
    in_layers(
        _TRACES,
        ["cityHash64(lower(leftPad(hex(seq + 1), 16, '0'))) AS client_id", f"{ROOT} AS root"],
    )
})
ARRAY JOIN arrayEnumerate(ids) AS at
WHERE root > 0 AND (at = root OR (ids[at] != ids[root] AND indexOf(ids, ids[at]) = at))
"""  # noqa: S608  # composed of constants

_INSTANCES = f"""
SELECT DISTINCT {_INSTANCE} AS instance, reinterpretAsInt64(cityHash64(instance))
{SPANS_OF_THE_RUN} AND SpanKind = 'Server'
ORDER BY instance
"""  # composed of constants

_COUNT = f"SELECT count() {SPANS_OF_THE_RUN}"


def request_spans(client: Client, run_id: str, endpoint: str | None = None) -> RequestSpans | None:
    """The spans of the measured requests of a run, of one endpoint or of all.

    The SERVER span of a request is the one that the client called, as in `latency_parts`, and the
    clock offset is applied where that applies it.

    Raises:
        InputError: the run has no such endpoint.
        RunNotFoundError: no run, or more than one, fits.
    """
    parameters, _, thresholds = parameters_of(client, run_id, endpoint)
    if not parameters.get("traced_below"):
        return None
    ((count,),) = client.query(_COUNT, parameters=parameters).result_rows
    every = max(1, -(-count // _MOST_SPANS))
    whole_above_ns = thresholds[CLASS_RATIOS.index(0.99)] if every > 1 else 0
    parameters |= {"drawn_every": every, "whole_above_ns": whole_above_ns}
    rows = np.concatenate(
        [int_columns(client, _ROWS, chunk, 5) for chunk in chunks_of(parameters)], axis=1
    )
    is_root = rows[1] != 0
    seq, start_ns, server_ns, code = _in_order(rows[:, is_root])
    known = [row for row in client.query(_INSTANCES, parameters=parameters).result_rows if row[0]]
    number = {instance_code: at for at, (_, instance_code) in enumerate(known)}
    codes, which = np.unique(code, return_inverse=True)
    numbers = np.array([number.get(each, -1) for each in codes.tolist()], dtype=np.int32)
    names = {_signed(of): name for of, name in names_of(client, parameters).items()}
    return RequestSpans(
        seq=seq,
        start_ns=start_ns,
        server_ns=server_ns,
        instance=numbers[which],
        instances=tuple(str(instance) for instance, _ in known),
        children=tuple(_children(rows[:, ~is_root], seq, names)),
        every=every,
        whole_above_ns=whole_above_ns,
    )


def _signed(code: int) -> int:
    """A code of 64 bits without a sign, as a column of int64 has it."""
    return code - 2**64 if code >= 2**63 else code


def _in_order(rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    """``seq``, start, duration and code of the rows, in order of ``seq``."""
    seq, _, start_ns, duration_ns, code = rows[:, np.argsort(rows[0], kind="stable")]
    return seq.copy(), start_ns.copy(), duration_ns.copy(), code


def _children(
    rows: NDArray[np.int64], of: NDArray[np.int64], names: dict[int, tuple[str, str]]
) -> Iterator[ChildSpans]:
    """The child spans by name, in the order of their names, those of a name in that of requests."""
    rows = rows[:, np.lexsort((rows[2], rows[0], rows[4]))]
    seq, _, start_ns, duration_ns, code = rows
    codes, begins, counts = np.unique(code, return_index=True, return_counts=True)
    held = [
        (names[each], slice(begin, begin + count))
        for each, begin, count in zip(codes.tolist(), begins, counts, strict=True)
        if each in names
    ]
    held.sort(key=lambda each: -int(duration_ns[each[1]].sum()))
    for (service, name), part in sorted(held[:_MOST_NAMES], key=lambda each: each[0]):
        yield ChildSpans(
            name=name,
            service=service,
            index=np.searchsorted(of, seq[part]).astype(np.int32),
            start_ns=start_ns[part].copy(),
            duration_ns=duration_ns[part].copy(),
        )
