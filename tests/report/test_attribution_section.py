"""The section of a run's report about where its latency comes from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchlab.report.sections.attribution import attribution
from benchlab.runs.latency_parts import LatencyParts
from benchlab.runs.server_side import ServerSide
from tests.analysis.test_attribution import counted
from tests.runs.synthetic import make_run


def test_a_traced_run_says_where_its_latency_comes_from() -> None:
    section = attribution(make_run(), ServerSide(parts=counted()))
    assert section is not None
    html = section.render()
    assert "<h2>Where the latency comes from</h2>" in html
    assert "of their time waiting before the handler starts" in html
    assert "<svg" in html


def without_spans() -> LatencyParts:
    parts = counted()
    return replace(parts, classes=tuple(replace(each, span_count=0) for each in parts.classes))


@pytest.mark.parametrize("parts", [None, without_spans()], ids=["not traced", "all spans lost"])
def test_without_spans_there_is_no_section(parts: LatencyParts | None) -> None:
    assert attribution(make_run(), ServerSide(parts=parts)) is None
