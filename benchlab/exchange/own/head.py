"""What a run is besides its samples, as JSON in an exported file."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from benchlab.errors import InputError
from benchlab.exchange.parsing import WRONG_CONTENT
from benchlab.plan.plan import Plan
from benchlab.plan.public import public_plan
from benchlab.runs.health import Health
from benchlab.runs.run import Run
from benchlab.samples.connections import CONNECTION_DTYPE, Connections
from benchlab.samples.examples import Example
from benchlab.samples.samples import ErrorKind, Samples
from benchlab.units import utc_from_ns

__all__ = ["decode_head", "encode_head"]

_FORMAT = 1
_PARTS_OF_ENVIRONMENT = ("calibration", "imported")
_WRONG_HEAD = (*WRONG_CONTENT, OSError, zlib.error)  # OSError: a time the system cannot count


def encode_head(run: Run, sample_count: int) -> str:
    """One line of JSON. Credentials in the plan are hidden, as in a store."""
    return json.dumps(
        {
            "format": _FORMAT,
            "run_id": run.id,
            "started_at": run.started_at.isoformat(),
            "started_at_ns": run.started_at_ns,
            "stopped_ns": run.stopped_ns,
            "stop_reason": run.stop_reason,
            "sample_count": sample_count,
            "endpoints": run.plan.endpoint_names,
            "error_kinds": {str(int(kind)): kind.label for kind in ErrorKind},
            "plan": public_plan(run.plan.to_dict()),
            "environment": dict(run.environment),
            "health": run.health.to_dict(),
            "connections": _packed(run.connections),
            "examples": [example.to_dict() for example in run.examples],
        }
    )


def _packed(connections: Connections) -> dict[str, Any]:
    """Their records as they are in memory: zlib, then base64."""
    packed = zlib.compress(np.ascontiguousarray(connections.records).tobytes())
    return {"columns": CONNECTION_DTYPE.descr, "zlib_base64": base64.b64encode(packed).decode()}


def _unpacked(data: Mapping[str, Any]) -> Connections:
    if [tuple(column) for column in data["columns"]] != CONNECTION_DTYPE.descr:
        raise ValueError(f"connections have the columns {data['columns']}")
    content = zlib.decompress(base64.b64decode(data["zlib_base64"]))
    return Connections(np.frombuffer(content, dtype=CONNECTION_DTYPE))


def decode_head(text: str | bytes, where: str) -> tuple[Run, int]:
    """The run that `encode_head` described, without samples, and how many it has.

    Raises:
        InputError: the text is damaged, or of a newer benchlab.
    """
    try:
        return _decoded(json.loads(text))
    except InputError as exc:
        raise exc.within(where) from exc
    except _WRONG_HEAD as exc:
        raise InputError(
            f"{where}: its description of the run is damaged ({exc}): export it again"
        ) from exc


def _environment(data: Mapping[str, Any]) -> dict[str, Any]:
    for name in _PARTS_OF_ENVIRONMENT:
        if not isinstance(data.get(name, {}), dict):
            raise TypeError(f"its environment has {name}={data[name]!r}")
    return dict(data)


def _decoded(data: Mapping[str, Any]) -> tuple[Run, int]:
    if data["format"] != _FORMAT:
        raise InputError(
            f"it has format {data['format']!r}, this benchlab reads {_FORMAT}:"
            " upgrade with pip install --upgrade benchlab"
        )
    started_at_ns = int(data["started_at_ns"])
    plan = Plan.from_dict(data["plan"])
    run = Run(
        id=data["run_id"],
        plan=plan,
        started_at=utc_from_ns(started_at_ns),
        started_at_ns=started_at_ns,
        samples=Samples.empty(plan.endpoint_names),
        health=Health.from_dict(data["health"]),
        environment=_environment(data["environment"]),
        connections=_unpacked(data["connections"]),
        examples=tuple(Example.from_dict(item) for item in data["examples"]),
        stopped_ns=None if data["stopped_ns"] is None else int(data["stopped_ns"]),
        stop_reason=str(data["stop_reason"]),
    )
    return run, int(data["sample_count"])
