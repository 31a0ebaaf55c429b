"""Run metadata as JSON in an exported file."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchlab.decoding import Count, convert, decode, naming_field
from benchlab.errors import DamagedError
from benchlab.runs.head import RunHead
from benchlab.runs.run import Run
from benchlab.samples.connections import CONNECTION_DTYPE, Connections
from benchlab.samples.samples import ErrorKind, Samples
from benchlab.samples.streams import (
    EVENT_DTYPE,
    GAP_DTYPE,
    PLAIN_STREAM_DTYPE,
    Events,
    Streams,
    join_gaps,
    split_gaps,
)
from benchlab.samples.tries import TRY_DTYPE, Tries, TryReason

__all__ = ["decode_head", "encode_head"]

_FORMAT = 1
_LEAST_UNPACKED_BYTES = 1 << 20
_MOST_RATIO = 50  # zlib's own limit is 1,032; measured times are random, and pack to a fifth
_CODE_DROPPED = (
    "the code of the scenario was in the file and has been dropped: it would have been run with the"
    " plan"
)


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
            "connections": _packed(run.connections.records),
            **({"tries": _packed(run.tries.records)} if len(run.tries) else {}),
            **_packed_streams(run),
        }
    )


def _packed_streams(run: Run) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if len(run.streams):
        plain, buckets = split_gaps(run.streams.records)
        found["streams"] = {"records": _packed(plain), "gaps": _packed(buckets)}
    if len(run.events):
        found["events"] = _packed(run.events.records)
    return found


def _packed(records: NDArray[np.void]) -> dict[str, Any]:
    """The records as bytes, compressed with zlib and encoded as base64."""
    packed = zlib.compress(np.ascontiguousarray(records).tobytes())
    return {"columns": records.dtype.descr, "zlib_base64": base64.b64encode(packed).decode()}


class _Packed(msgspec.Struct):
    columns: list[tuple[str, str]]
    zlib_base64: str


class _PackedStreams(msgspec.Struct):
    records: _Packed
    gaps: _Packed


class _Head(msgspec.Struct):
    """What an exported file holds besides the metadata of its run."""

    format: int
    sample_count: Count
    connections: _Packed
    tries: _Packed | None = None
    streams: _PackedStreams | None = None
    events: _Packed | None = None


def decode_head(text: str | bytes, where: str) -> tuple[Run, int]:
    """Decode what `encode_head` returned: the run without its samples, and their number.

    The code of a scenario is left out, since whoever wrote it into the file wants it to be run
    here; the run's warnings say so.

    Raises:
        DamagedError: the text is damaged, or was written by another version of benchlab.
    """
    try:
        return _decode_head(text, where)
    except DamagedError as exc:
        raise exc.advising("export it again") from exc


def _decode_head(text: str | bytes, where: str) -> tuple[Run, int]:
    data = decode(text, dict[str, Any], where=f"{where}: the metadata of the run")
    if data.get("format") != _FORMAT:
        raise DamagedError(
            f"is unknown: this benchlab reads {_FORMAT} only",
            field="format",
            value=data.get("format"),
            remedy="upgrade with pip install --upgrade benchlab",
            where=where,
        )
    own = convert(data, _Head, where=where)
    head = RunHead.from_metadata(data, where)
    if (data["plan"].get("scenario") or {}).get("code"):
        head = replace(head, environment=_with_note(head.environment, _CODE_DROPPED))
    samples = Samples.empty(head.plan.endpoint_names)
    with naming_field("connections", where):
        connections = _connections(own.connections)
    with naming_field("tries", where):
        tries = None if own.tries is None else _tries(own.tries)
    with naming_field("streams", where):
        streams = None if own.streams is None else _streams(own.streams)
    with naming_field("events", where):
        events = None if own.events is None else Events(_unpacked(own.events, EVENT_DTYPE))
    return Run.from_head(head, samples, connections, tries, streams, events), own.sample_count


def _with_note(environment: Mapping[str, Any], note: str) -> dict[str, Any]:
    imported = environment.get("imported", {})
    return {
        **environment,
        "imported": {**imported, "notes": [*imported.get("notes", ()), note]},
    }


def _connections(data: _Packed) -> Connections:
    records = _unpacked(data, CONNECTION_DTYPE)
    if (highest := int(records["error"].max(initial=0))) >= len(ErrorKind):
        raise ValueError(f"one has error {highest}, but the highest known is {len(ErrorKind) - 1}")
    return Connections(records)


def _tries(data: _Packed) -> Tries:
    records = _unpacked(data, TRY_DTYPE)
    unknown = np.setdiff1d(records["reason"], list(TryReason))
    if len(unknown):
        raise ValueError(f"one has reason {unknown[0]}, which is unknown")
    return Tries(records)


def _streams(data: _PackedStreams) -> Streams:
    plain = _unpacked(data.records, PLAIN_STREAM_DTYPE)
    return Streams(join_gaps(plain, _unpacked(data.gaps, GAP_DTYPE)))


def _unpacked(data: _Packed, dtype: np.dtype[np.void]) -> NDArray[np.void]:
    if data.columns != dtype.descr:
        raise ValueError(f"they have the columns {data.columns}")
    packed = base64.b64decode(data.zlib_base64, validate=True)
    limit = _LEAST_UNPACKED_BYTES + _MOST_RATIO * len(packed)
    unpacker = zlib.decompressobj()
    content = unpacker.decompress(packed, limit)
    if unpacker.unconsumed_tail:
        raise ValueError(f"{len(packed):,} bytes unpack to more than {limit:,}")
    if not unpacker.eof:
        raise ValueError("they are cut off")
    return np.frombuffer(content, dtype=dtype)
