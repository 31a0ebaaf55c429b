"""Select stored runs by text: ids, a name, tags."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from benchlab.errors import InputError, RunNotFoundError
from benchlab.runs.experiment import EXPERIMENT_TAG
from benchlab.store import Store
from benchlab.text import plural

__all__ = ["MOST_RUNS", "SELECTION_HELP", "Selection", "is_by_name", "select_ids"]

MOST_RUNS = 100
"""A name or tags select so many runs at most, the latest."""

SELECTION_HELP = (
    "write the id of a run, its first digits, latest, several of these joined by commas,"
    " name=NAME or tag:KEY=VALUE"
)

_CONDITION = re.compile(r"name=|tag:[^=,]+=")
_BETWEEN = re.compile(r",(?=name=|tag:[^=,]+=)")
_FORM = re.compile(r"(?:tag:(?P<tag>[^=,]+)|name)=(?P<value>.*)", re.DOTALL)


class Selection(NamedTuple):
    """The ids of the selected runs, oldest first if by name; and what was left out of them."""

    run_ids: tuple[str, ...]
    notes: tuple[str, ...] = ()


def is_by_name(text: str) -> bool:
    """Whether ``text`` selects by name or tags, and not by ids.

    >>> is_by_name("name=nightly"), is_by_name("tag:branch=main"), is_by_name("latest")
    (True, True, False)
    """
    return _CONDITION.match(text) is not None


def select_ids(store: Store, text: str) -> Selection:
    """The stored runs that ``text`` selects; the store resolves ids when it loads them.

    Conditions joined by commas all hold: ``name=nightly,tag:branch=main``. Runs that are invalid or
    were interrupted, and those that belong to an experiment, are left out of a selection by name.

    Raises:
        InputError: the text cannot be read, or no run meets the conditions.
    """
    if not is_by_name(text):
        ids = tuple(part.strip() for part in text.split(","))
        if not all(ids):
            raise InputError("names no run", field="runs", value=text, remedy=SELECTION_HELP)
        return Selection(ids)
    name, tags = _conditions(text)
    rows = store.rows(name=name, tags=tags)
    if EXPERIMENT_TAG not in tags:
        rows = [row for row in rows if EXPERIMENT_TAG not in row["tags"]]
    fit = [row for row in rows if row["verdict"] in ("valid", "imported")]
    if not fit:
        also = f", except {plural(len(rows), 'run')} without a valid result" if rows else ""
        raise RunNotFoundError(
            f"no stored run meets {text!r}{also}", remedy="benchlab history lists the stored runs"
        )
    notes = [_left_out(row) for row in rows if row not in fit]
    if len(fit) > MOST_RUNS:
        notes.append(f"{text} selects {len(fit):,} runs: the latest {MOST_RUNS} are used")
    latest = [row["run_id"] for row in fit[:MOST_RUNS]]
    return Selection(tuple(reversed(latest)), tuple(notes))


def _conditions(text: str) -> tuple[str | None, dict[str, str]]:
    name: str | None = None
    tags: dict[str, str] = {}
    for part in _BETWEEN.split(text):
        form = _FORM.fullmatch(part)
        if form is None:  # cannot be: the text begins with a condition, and is split before others
            raise InputError("cannot be read", field="runs", value=part, remedy=SELECTION_HELP)
        if form["tag"] is None:
            name = form["value"]
        else:
            tags[form["tag"]] = form["value"]
    return name, tags


def _left_out(row: dict[str, Any]) -> str:
    return f"left out: run {row['run_id']} is {row['verdict']}: {row['reason']}"
