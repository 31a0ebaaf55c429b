"""The end of a notebook: its result, also one that is stored already, and the report of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchlab.displayed import Result
from benchlab.errors import InputError, RunNotFoundError
from benchlab.notebook import events
from benchlab.runs.experiment import EXPERIMENT_TAG
from benchlab.runs.run import Run, check_run
from benchlab.store import Store

__all__ = ["finish", "stored_result"]


def finish(
    store: Store,
    result: Run | Result,
    directory: str = "",
    extra: Mapping[str, Any] | None = None,
) -> Path:
    """Write the report of a result; returns the path of the page.

    The page of a run has the service's side, as far as ``store`` has it, and the sections
    ``extra``: see `benchlab.write_report`. ``directory`` empty: a directory in ``reports`` below
    the working directory, named after the run, the experiment, or the kind of result.
    """
    from benchlab.report import write_report  # with matplotlib: only the kernel needs it

    if not isinstance(result, Result):
        check_run(result)
    place = Path(directory) if directory else Path("reports") / _name_of(result)
    if isinstance(result, Run):
        page = write_report(result, place, server=store.server_side(result.id), extra=extra)
    else:
        page = write_report(result, place)
    events.write({"report": str(page.absolute()), **_ids_of(result)})
    return page


def stored_result(store: Store, run_ids: Sequence[str]) -> Result:
    """The result of a stored experiment: of the one called so, or that such runs belong to.

    ``run_ids`` has the id of the experiment, or those of its runs, of which one is enough.

    Raises:
        InputError: no id is given, or the run is not part of an experiment.
        RunNotFoundError: there is neither such an experiment nor such a run.
    """
    from benchlab.experiments.stored import stored_result as result_of
    from benchlab.experiments.unfinished import find_experiment

    if not run_ids:
        raise InputError("names no run", field="run_ids", remedy="give the id of an experiment")
    with store.connect():
        try:
            experiment = find_experiment(store, run_ids[0])
        except RunNotFoundError:
            (run,) = store.stored(run_ids[:1])
            experiment_id = dict(run.plan.tags).get(EXPERIMENT_TAG)
            if experiment_id is None:
                raise InputError(
                    "is not a run of an experiment",
                    field="run_ids",
                    value=run.id,
                    remedy="give the id of an experiment: benchlab history lists them",
                ) from None
            experiment = find_experiment(store, experiment_id)
        return result_of(store, experiment)


def _ids_of(result: Run | Result) -> dict[str, str]:
    """The run or the experiment that the result is of, as events name them."""
    if isinstance(result, Run):
        return {"run_id": result.id}
    known = {name: getattr(result, name, "") for name in ("experiment_id", "run_id")}
    return {name: value for name, value in known.items() if value}


def _name_of(result: Run | Result) -> str:
    if isinstance(result, Run):
        return result.id
    kind, ids = type(result).__name__.lower(), _ids_of(result)
    if "experiment_id" in ids:
        return ids["experiment_id"]
    named = re.sub(r"[^\w.-]+", "-", getattr(result, "name", "")).strip("-.")
    of = ids.get("run_id") or named or next(iter(getattr(result, "runs", ())), "")
    return f"{kind}-{of}" if of else kind
