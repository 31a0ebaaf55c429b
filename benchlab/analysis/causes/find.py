"""Find the causes of a run's tail, and rank them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchlab.analysis.causes.cause import Cause

if TYPE_CHECKING:
    from benchlab.runs.request_spans import RequestSpans
    from benchlab.runs.run import Run

__all__ = ["find_causes"]


def find_causes(run: Run, spans: RequestSpans | None = None) -> tuple[Cause, ...]:
    """The causes of the tail of ``run``, the one that accounts for most of it first.

    Empty if nothing was found: the latency is the service's own, unimodal and steady. ``spans``
    are those of its traced requests, all or a part of them.
    """
    return ()
