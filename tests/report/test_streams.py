"""Streams in the report of a run."""

from __future__ import annotations

from benchlab.display.run_view import view
from benchlab.report.sections.streams import streams
from benchlab.report.tables import csv_tables
from tests.report.test_page import text_of
from tests.runs.streaming import streaming_run
from tests.runs.synthetic import make_run


def test_a_section_with_times_rates_and_stalls() -> None:
    run = streaming_run()
    section = streams(run, view(run))
    assert section is not None
    shown = text_of(section)
    for text in ("200 with 4,000 events", "first event", "gaps", "A stall is a gap above 1 s"):
        assert text in shown


def test_a_run_without_streams_has_none() -> None:
    run = make_run(count=10)
    assert streams(run, view(run)) is None
    assert "streams.csv" not in csv_tables(run)


def test_a_row_for_each_stream() -> None:
    table = csv_tables(streaming_run())["streams.csv"]
    assert len(table) == 200
    assert {"first_event_ns", "events", "stalls", "gap_p99_ns"} <= set(table)
