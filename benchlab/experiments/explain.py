"""What made a run slow: read it and its spans from the store, and draw conclusions."""

from __future__ import annotations

from benchlab.analysis.explanation import Explanation, explanation_of
from benchlab.runs.run import Run, check_run
from benchlab.store import Store

__all__ = ["explain"]


def explain(
    run: Run | str,
    *,
    endpoint: str | None = None,
    force: bool = False,
    store: Store | None = None,
) -> Explanation:
    """What made a run slow: causes with their evidence, their share of the tail, what to try.

    ``run`` is a run or the id of a stored one, its first digits, or ``"latest"``. A run that asked
    for traces and is in ``store``, by default that of ``BENCHLAB_DSN``, is joined with its spans;
    of another one, only what the client measured is known. ``endpoint`` takes the requests of that
    name.

    A run that is not valid is explained if its load generator, or errors, are the cause.

    Raises:
        InvalidRunError: the run is not valid for another reason, unless ``force``.
        InputError: the run has no such endpoint.
        RunNotFoundError: no run, or more than one, fits.
    """
    store = store or Store()
    if isinstance(run, str):
        with store.connect():
            run = store.load(run)
            spans = store.request_spans(run.id, endpoint) if run.plan.trace_ratio else None
        return explanation_of(run, spans, endpoint=endpoint, force=force)
    check_run(run)
    spans = None
    if run.plan.trace_ratio:
        with store.connect():
            if store.has(run.id):
                spans = store.request_spans(run.id, endpoint)
    return explanation_of(run, spans, endpoint=endpoint, force=force)
