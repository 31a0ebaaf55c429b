from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchlab.exchange.parsing import parse_rfc3339_ns
from benchlab.exchange.tools import collect
from benchlab.exchange.tools.collect import Collector
from benchlab.plan.shapes import Imported

HITS = st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 3_000)), min_size=1, max_size=60)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(hits=HITS, start_ns=st.integers(1, 2**60))
def test_requests_in_any_order_make_the_same_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hits: list[tuple[int, int]], start_ns: int
) -> None:
    monkeypatch.setattr(collect, "BLOCK_RECORDS", 7)
    path = tmp_path / "file"
    path.write_text("content")
    with closing(Collector("http://127.0.0.1/")) as collector:
        for sent_ns, took_ns in hits:
            at_ns, number = start_ns + sent_ns, collector.endpoint("GET", "")
            collector.add(at_ns, 0, at_ns + took_ns, status=200, endpoint=number)
        run = collector.run(path, "form", "tool", missing=())
    records = run.samples.records
    first = min(sent for sent, _ in hits)
    assert run.started_at_ns == start_ns + first
    assert list(records["seq"]) == list(range(len(hits)))
    found = zip(records["sent_ns"] + first, records["done_ns"] - records["sent_ns"], strict=True)
    assert sorted((int(sent), int(took)) for sent, took in found) == sorted(hits)
    assert np.all(np.diff(records["sent_ns"]) >= 0)
    assert isinstance(run.plan.load, Imported)
    open_at = [sum(sent <= at < sent + took for sent, took in hits) for at, _ in hits]
    assert run.plan.load.connections == max(*open_at, 1)
    assert run.summary.count == len(hits)
    assert run.window_ns == (0, max(int(records["done_ns"].max()), 1))


@given(
    moment=st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)),
    nanosecond=st.integers(0, 999),
    zone_min=st.integers(-14 * 60, 14 * 60),
)
def test_times_are_parsed_to_the_nanosecond(
    moment: datetime, nanosecond: int, zone_min: int
) -> None:
    local = moment.replace(tzinfo=timezone(timedelta(minutes=zone_min)))
    whole = int((local.replace(microsecond=0) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
    zone = local.strftime("%z")
    fraction_ns = moment.microsecond * 1000 + nanosecond
    text = f"{moment:%Y-%m-%dT%H:%M:%S}.{fraction_ns:09d}{zone[:3]}:{zone[3:]}"
    assert parse_rfc3339_ns(text) == whole * 10**9 + fraction_ns


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-01T00:00:01Z", 10**9),
        ("1970-01-01T00:00:00.5Z", 5 * 10**8),
        ("1970-01-01T01:00:00.000000001+01:00", 1),
    ],
)
def test_times_as_tools_write_them_are_parsed(text: str, ns: int) -> None:
    assert parse_rfc3339_ns(text) == ns


@pytest.mark.parametrize("text", ["", "today", "1970-01-01T00:00:00.1x", "1970-13-01T00:00:00Z"])
def test_invalid_times_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_rfc3339_ns(text)
