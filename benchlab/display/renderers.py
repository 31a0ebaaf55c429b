"""Which renderer shows a value in a notebook: one line for each type."""

from __future__ import annotations

from benchlab.display.card import run_card
from benchlab.display.trace import trace_html
from benchlab.displayed import Renderers
from benchlab.runs.run import Run
from benchlab.runs.trace import Trace

__all__ = ["RENDERERS"]

RENDERERS: Renderers = {
    Run: run_card,
    Trace: trace_html,
}
