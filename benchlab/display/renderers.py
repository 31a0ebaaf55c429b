"""Which renderer shows a value in a notebook: one line for each type, and one for all results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

from benchlab.display.card import run_card
from benchlab.display.markdown import result_markdown, run_markdown
from benchlab.display.result_card import result_card
from benchlab.display.result_terminal import result_text
from benchlab.display.result_view import ResultView
from benchlab.display.results.registry import view_of
from benchlab.display.values import (
    checks,
    fault,
    feed,
    floor,
    histogram,
    host,
    imported_summary,
    load,
    objective,
    plan,
    policy,
    recording,
    request,
    run,
    samples,
    scenario,
    store,
    stream,
    summary,
    trace,
    transport,
)
from benchlab.displayed import Renderer, Renderers, Result
from benchlab.plan.checks import Check
from benchlab.plan.faults import Fault, FaultSchedule
from benchlab.plan.feed import Feed
from benchlab.plan.objectives import Objective
from benchlab.plan.plan import Plan
from benchlab.plan.policies import Breaker, Hedge, Retry
from benchlab.plan.recording import Recording
from benchlab.plan.request import Request
from benchlab.plan.scenario import Scenario
from benchlab.plan.shapes.base import LoadShape
from benchlab.plan.stream import Stream
from benchlab.plan.transport import Transport
from benchlab.runs.fault_record import FaultRecord
from benchlab.runs.floor import Floor
from benchlab.runs.host_record import HostRecord
from benchlab.runs.imported_summary import ImportedSummary
from benchlab.runs.run import Run
from benchlab.runs.trace import Trace
from benchlab.samples.histogram import LatencyHistogram
from benchlab.samples.samples import Samples
from benchlab.samples.summary import Summary
from benchlab.store import Store

__all__ = ["RENDERERS"]

_VIEWS: Mapping[type, Callable[[Any], ResultView]] = {
    **dict.fromkeys(get_args(Check), checks.view),
    Fault: fault.view,
    FaultRecord: fault.record_view,
    FaultSchedule: fault.schedule_view,
    Feed: feed.view,
    Floor: floor.view,
    HostRecord: host.view,
    ImportedSummary: imported_summary.view,
    LatencyHistogram: histogram.view,
    LoadShape: load.view,
    Objective: objective.view,
    Plan: plan.view,
    Recording: recording.view,
    Request: request.view,
    Result: view_of,
    Samples: samples.view,
    Scenario: scenario.view,
    Stream: stream.view,
    Summary: summary.view,
    Trace: trace.view,
    Transport: transport.view,
    Retry: policy.view,
    Hedge: policy.view,
    Breaker: policy.view,
}


def _itself(value: Run) -> Run:
    return value


RENDERERS: Renderers = {
    **{
        kind: Renderer(view, result_card, result_markdown, result_text)
        for kind, view in _VIEWS.items()
    },
    Store: Renderer(store.view, result_card, result_markdown, store.text),
    Run: Renderer(_itself, run_card, run_markdown, run.text),
}
