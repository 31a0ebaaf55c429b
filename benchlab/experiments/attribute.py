"""Where the latency of a run comes from: read what the store has of it, and draw conclusions."""

from __future__ import annotations

from benchlab.analysis.attribution import Attribution, attribution_of
from benchlab.analysis.client_parts import client_parts
from benchlab.runs.origin import origin_of
from benchlab.runs.run import Run, check_run
from benchlab.store import Store

__all__ = ["attribute"]


def attribute(
    run: Run | str,
    *,
    endpoint: str | None = None,
    force: bool = False,
    store: Store | None = None,
) -> Attribution:
    """Where the latency of a run's requests comes from, by bands of percentiles.

    ``run`` is a run or the id of a stored one, its first digits, or ``"latest"``. A run that is in
    ``store``, by default that of ``BENCHLAB_DSN``, is joined with its spans; of another one, only
    the parts that the client measured are known. ``endpoint`` takes the requests of that name.

    Raises:
        InvalidRunError: the run is not valid, unless ``force``.
        InputError: the run has no such endpoint.
        RunNotFoundError: no run, or more than one, fits.
    """
    store = store or Store()
    if isinstance(run, str):
        with store.connect():
            parts = store.latency_parts(run, endpoint)
            origin = origin_of(store.stored([parts.run_id]))
        return attribution_of(parts, force=force, origin=origin)
    check_run(run)
    origin = origin_of([run])
    with store.connect():
        if store.has(run.id):
            parts = store.latency_parts(run.id, endpoint)
            return attribution_of(parts, force=force, origin=origin)
    return attribution_of(client_parts(run, endpoint, force=force), force=force, origin=origin)
