"""The figure of streams."""

from __future__ import annotations

from benchlab import plots
from tests.plots.test_figures import texts
from tests.runs.streaming import streaming_run
from tests.runs.synthetic import make_run


def test_first_event_and_gaps() -> None:
    shown = texts(plots.streams(streaming_run(), endpoint="chat"))
    for text in ("to the first byte", "to the first event", "gaps between events", "4,000 events"):
        assert text in shown


def test_runs_without_streams() -> None:
    assert "no streams" in texts(plots.streams(make_run(count=200)))
    assert "no samples" in texts(plots.streams(make_run(count=0)))
