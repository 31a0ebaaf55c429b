from __future__ import annotations

import numpy as np

from benchlab.analysis.phases import phases
from benchlab.samples.connections import CONNECTION_DTYPE, Connections
from benchlab.samples.samples import SAMPLE_DTYPE, Flag, Samples

MS = 1_000_000


def samples_of(*rows: tuple[int, int, int, int, int]) -> Samples:
    """Samples of (seq, sent, first byte, done, flags), times in ms."""
    records = np.zeros(len(rows), dtype=SAMPLE_DTYPE)
    for record, (seq, sent, first, done, flags) in zip(records, rows, strict=True):
        record["seq"], record["flags"] = seq, flags
        record["intended_ns"] = record["sent_ns"] = sent * MS
        record["first_byte_ns"], record["done_ns"] = first * MS, done * MS
    return Samples(records)


def connections_of(*rows: tuple[int, int, int, int, int]) -> Connections:
    """Connections of (seq, dns, connect, tls, error), times in ms."""
    records = np.zeros(len(rows), dtype=CONNECTION_DTYPE)
    for record, (seq, dns, connect, tls, error) in zip(records, rows, strict=True):
        record["seq"], record["error"] = seq, error
        record["dns_ns"], record["connect_ns"], record["tls_ns"] = (
            dns * MS,
            connect * MS,
            tls * MS,
        )
    return Connections(records)


def test_the_phases_of_a_new_connection_come_before_its_first_byte() -> None:
    found = phases(
        samples_of((0, 0, 20, 25, Flag.NEW_CONNECTION), (1, 30, 33, 34, 0), (2, 40, 41, 42, 0)),
        connections_of((-1, 9, 9, 9, 0), (0, 1, 2, 5, 0), (7, 9, 9, 9, 1)),
    )
    rows = {(row.connection, row.phase): row for row in found.itertuples()}
    assert list(rows) == [
        ("new", "name look-up"),
        ("new", "connect"),
        ("new", "TLS handshake"),
        ("new", "first byte"),
        ("new", "body"),
        ("reused", "first byte"),
        ("reused", "body"),
    ]
    new = {phase: row.max_ms for (kind, phase), row in rows.items() if kind == "new"}
    assert new == {"name look-up": 1, "connect": 2, "TLS handshake": 5, "first byte": 12, "body": 5}
    reused = found[(found["connection"] == "reused") & (found["phase"] == "first byte")]
    assert reused[["count", "max_ms"]].to_numpy().tolist() == [[2, 3]]


def test_phases_that_took_no_time_and_requests_without_a_response_are_left_out() -> None:
    found = phases(
        samples_of((0, 0, 5, 5, Flag.NEW_CONNECTION), (1, 10, 0, 20, Flag.NEW_CONNECTION)),
        connections_of((0, 0, 2, 0, 0), (1, 0, 3, 0, 0)),
    )
    assert found[["phase", "count", "max_ms"]].to_numpy().tolist() == [
        ["connect", 1, 2.0],
        ["first byte", 1, 3.0],
    ]


def test_nothing_measured_has_no_phases() -> None:
    assert phases(Samples.empty(), Connections()).empty
