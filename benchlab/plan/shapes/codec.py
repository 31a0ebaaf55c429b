"""A load shape as a dict, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields
from typing import Any

from benchlab.errors import InputError
from benchlab.plan.shapes.closed_loop import ClosedLoop
from benchlab.plan.shapes.constant_rate import ConstantRate
from benchlab.plan.shapes.imported import Imported
from benchlab.plan.shapes.poisson_rate import PoissonRate
from benchlab.plan.shapes.replay import Replay
from benchlab.plan.shapes.spike import Spike
from benchlab.plan.shapes.stages import Stages
from benchlab.plan.shapes.steps import Steps

__all__ = ["Load", "OpenLoad", "load_from_dict", "load_to_dict"]

OpenLoad = ConstantRate | PoissonRate | Stages | Steps | Spike | Replay
Load = ClosedLoop | OpenLoad

_KINDS: dict[str, type[Load]] = {
    shape.kind: shape
    for shape in (ClosedLoop, ConstantRate, PoissonRate, Stages, Steps, Spike, Replay, Imported)
}


def load_to_dict(load: Load) -> dict[str, Any]:
    """A JSON-ready dict with the shape's name under ``kind``."""
    return {"kind": load.kind, **asdict(load)}


def load_from_dict(data: Mapping[str, Any]) -> Load:
    """The load shape that `load_to_dict` wrote.

    Raises:
        InputError: an unknown ``kind``, an unknown or missing field, or a value that cannot be
            used; the message names it and what there is.
    """
    if not isinstance(data, Mapping):
        raise InputError(
            f"must be a table with a kind, one of {_listed(_KINDS)}", field="load", value=data
        )
    values = dict(data)
    kind = values.pop("kind", None)
    if kind is None:
        raise InputError("the load has none", field="kind", remedy=f"use one of {_listed(_KINDS)}")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise InputError(
            "is unknown", field="kind", value=kind, remedy=f"use one of {_listed(_KINDS)}"
        )
    shape = _KINDS[kind]
    known = [item.name for item in fields(shape)]
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise InputError(
            f"load {kind} has no such field",
            field=unknown[0],
            remedy=f"known are {_listed(known)}",
        )
    required = [item.name for item in fields(shape) if item.default is MISSING]
    missing = [name for name in required if name not in values]
    if missing:
        raise InputError(f"load {kind} lacks {_listed(missing)}", field=missing[0])
    return shape(**values)


def _listed(names: Any) -> str:
    return ", ".join(names)
