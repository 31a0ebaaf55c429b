"""A baseline as a file: what later runs are compared with, on this machine or another."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict

from benchlab.analysis.run_statistics import RunStatistics
from benchlab.decoding import Count, decode_file, naming_field
from benchlab.errors import DamagedError, InputError, OutputError
from benchlab.spool.storage import replace_text

__all__ = ["read_baseline", "write_baseline"]

_KIND = "benchlab baseline"
_VERSION = 1


class _File(TypedDict):
    kind: str
    version: Count
    runs: list[dict[str, Any]]


def write_baseline(path: Path | str, runs: Sequence[RunStatistics]) -> None:
    """Write what a comparison needs of ``runs``: metrics, plans without credentials, hosts.

    Raises:
        OutputError: the file cannot be written.
    """
    data = {"kind": _KIND, "version": _VERSION, "runs": [run.to_dict() for run in runs]}
    try:
        replace_text(Path(path), f"{json.dumps(data, indent=1)}\n")
    except OSError as exc:
        raise OutputError(f"cannot write {path} ({exc.strerror})") from exc


def read_baseline(path: Path | str) -> list[RunStatistics]:
    """The runs that `write_baseline` wrote.

    Raises:
        InputError: there is no such file, or a newer benchlab wrote it.
        DamagedError: the file is something else, or damaged.
    """
    path = Path(path)
    try:
        data = decode_file(path, _File)
    except OSError as exc:
        raise InputError(f"cannot read the baseline {path} ({exc.strerror})") from exc
    if data["kind"] != _KIND:
        raise DamagedError("is not a baseline", field="kind", value=data["kind"], where=str(path))
    if data["version"] != _VERSION:
        raise InputError(
            f"{path} has version {data['version']}, and this benchlab reads {_VERSION}",
            remedy="upgrade benchlab, or set the baseline again",
        )
    runs = []
    for index, item in enumerate(data["runs"]):
        with naming_field(f"runs[{index}]", str(path)):
            runs.append(RunStatistics.from_dict(item))
    if not runs:
        raise InputError(f"the baseline {path} has no runs")
    return runs
