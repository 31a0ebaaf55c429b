"""All load shapes: to add one, write its file and put it into `SHAPES`.

The dict form, TOML, text forms, options of the command line and messages follow from here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from benchlab.errors import InputError
from benchlab.plan.shapes.base import LoadShape
from benchlab.plan.shapes.closed_loop import ClosedLoop, parse_think_time
from benchlab.plan.shapes.fixed_rate import ConstantRate, PoissonRate
from benchlab.plan.shapes.imported import Imported
from benchlab.plan.shapes.replay import Replay
from benchlab.plan.shapes.varying_rate import Spike, Stages, Steps
from benchlab.plan.validation import ARRIVALS, check_choice

__all__ = [
    "KINDS",
    "RUNNABLE",
    "SHAPES",
    "TEXT_SHAPES",
    "load_from_dict",
    "load_from_options",
    "load_to_dict",
]

SHAPES: tuple[type[LoadShape], ...] = (
    ClosedLoop,
    ConstantRate,
    PoissonRate,
    Stages,
    Steps,
    Spike,
    Replay,
    Imported,
)

KINDS: dict[str, type[LoadShape]] = {shape.kind: shape for shape in SHAPES}

RUNNABLE: dict[str, type[LoadShape]] = {
    kind: shape for kind, shape in KINDS.items() if not shape.is_imported
}
"""The shapes that can be run, by kind: all but that of an imported run."""

TEXT_SHAPES: dict[str, type[LoadShape]] = {
    kind: shape for kind, shape in KINDS.items() if shape.metavar
}
"""The shapes with a text form, by kind."""


def load_to_dict(load: LoadShape) -> dict[str, Any]:
    """A JSON-ready dict of the shape's fields, with its name under ``kind``.

    >>> load_to_dict(ConstantRate(500))
    {'kind': 'constant_rate', 'rate_rps': 500}
    """
    names = [item.name for item in attrs.fields(type(load))]
    return {"kind": load.kind, **{name: getattr(load, name) for name in names}}


def load_from_dict(data: Mapping[str, Any]) -> LoadShape:
    """The load shape that `load_to_dict` wrote.

    Raises:
        InputError: an unknown ``kind``, an unknown or missing field, or a value that cannot be
            used; the message names it and what there is.
    """
    if not isinstance(data, Mapping):
        raise InputError(
            f"must be a table with a kind, one of {_listed(RUNNABLE)}", field="load", value=data
        )
    values = dict(data)
    kind = values.pop("kind", None)
    if kind is None:
        raise InputError(
            "the load has none", field="kind", remedy=f"use one of {_listed(RUNNABLE)}"
        )
    if not isinstance(kind, str) or kind not in KINDS:
        raise InputError(
            "is unknown", field="kind", value=kind, remedy=f"use one of {_listed(RUNNABLE)}"
        )
    shape = KINDS[kind]
    fields = attrs.fields(shape)
    known = [item.name for item in fields]
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise InputError(
            f"load {kind} has no such field",
            field=unknown[0],
            remedy=f"known are {_listed(known)}",
        )
    required = [item.name for item in fields if item.default is attrs.NOTHING]
    missing = [name for name in required if name not in values]
    if missing:
        raise InputError(f"load {kind} lacks {_listed(missing)}", field=missing[0])
    return shape(**values)


def load_from_options(
    rate_rps: float,
    arrivals: str = "constant",
    connections: int = 64,
    shape: str = "",
    think_time: str = "",
) -> LoadShape:
    """The load of a ``shape``, an open loop at ``rate_rps``, or a closed one without either.

    ``shape`` is a kind with a text form and its text, such as ``stages 30s:500,1m:500``.

    Raises:
        InputError: any value that cannot be used.

    >>> load_from_options(0, connections=8, think_time="100ms").describe()
    'closed loop of 8 connections, each pausing 100 ms'
    """
    check_choice("arrivals", arrivals, ARRIVALS)
    if shape:
        kind, _, text = shape.strip().partition(" ")
        known = {name: one for name, one in TEXT_SHAPES.items() if not one.file_field}
        if kind not in known:
            raise InputError(
                "is unknown",
                field="shape",
                value=shape,
                remedy=f"use {_listed(known)}, such as 'stages 30s:500'",
            )
        try:
            return known[kind].parse(text.strip(), arrivals)
        except InputError as exc:
            raise exc.of("shape") from exc
    if rate_rps == 0:
        return ClosedLoop(connections, *(parse_think_time(think_time) if think_time else ()))
    return PoissonRate(rate_rps) if arrivals == "poisson" else ConstantRate(rate_rps)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
