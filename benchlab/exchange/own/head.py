"""Run metadata as JSON in an exported file."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from benchlab.errors import WRONG_CONTENT, InputError
from benchlab.runs.head import RunHead
from benchlab.runs.run import Run
from benchlab.samples.connections import CONNECTION_DTYPE, Connections
from benchlab.samples.samples import ErrorKind, Samples

__all__ = ["decode_head", "encode_head"]

_FORMAT = 1
_WRONG_HEAD = (*WRONG_CONTENT, zlib.error)


def encode_head(run: Run, sample_count: int) -> str:
    """Encode a run without its samples as one line of JSON. Credentials in the plan are hidden."""
    return json.dumps(
        {
            "format": _FORMAT,
            **run.to_metadata(),
            "started_at": run.started_at.isoformat(),
            "sample_count": sample_count,
            "endpoints": run.plan.endpoint_names,
            "error_kinds": {str(int(kind)): kind.label for kind in ErrorKind},
            "connections": _packed(run.connections),
        }
    )


def _packed(connections: Connections) -> dict[str, Any]:
    """The records as bytes, compressed with zlib and encoded as base64."""
    packed = zlib.compress(np.ascontiguousarray(connections.records).tobytes())
    return {"columns": CONNECTION_DTYPE.descr, "zlib_base64": base64.b64encode(packed).decode()}


def _unpacked(data: Mapping[str, Any]) -> Connections:
    if [tuple(column) for column in data["columns"]] != CONNECTION_DTYPE.descr:
        raise ValueError(f"connections have the columns {data['columns']}")
    content = zlib.decompress(base64.b64decode(data["zlib_base64"]))
    return Connections(np.frombuffer(content, dtype=CONNECTION_DTYPE))


def decode_head(text: str | bytes, where: str) -> tuple[Run, int]:
    """Decode what `encode_head` returned: the run without its samples, and their number.

    Raises:
        InputError: the text is damaged, or was written by a newer benchlab.
    """
    try:
        return _decoded(json.loads(text))
    except InputError as exc:
        raise exc.within(where) from exc
    except _WRONG_HEAD as exc:
        raise InputError(
            f"{where}: the metadata of the run is damaged ({exc}): export it again"
        ) from exc


def _decoded(data: Mapping[str, Any]) -> tuple[Run, int]:
    if data["format"] != _FORMAT:
        raise InputError(
            f"it has format {data['format']!r}, but this benchlab reads {_FORMAT} only:"
            " upgrade with pip install --upgrade benchlab"
        )
    head = RunHead.from_metadata(data)
    samples = Samples.empty(head.plan.endpoint_names)
    return Run.from_head(head, samples, _unpacked(data["connections"])), int(data["sample_count"])
