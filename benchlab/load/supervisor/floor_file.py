"""The noise floor of this host on disk: ``<data dir>/calibration.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchlab.decoding import decode_file
from benchlab.errors import DamagedError, RunError
from benchlab.paths import data_dir
from benchlab.runs.floor import NOT_CALIBRATED, Floor, mismatch
from benchlab.spool.storage import replace_text

__all__ = ["attach_floor", "floor_path", "read_floor", "write_floor"]


def floor_path() -> Path:
    """The path of the stored calibration of this host."""
    return data_dir() / "calibration.json"


def read_floor() -> Floor | None:
    """The stored floor, or None.

    Raises:
        RunError: the file cannot be read.
        DamagedError: it holds something else.
    """
    path = floor_path()
    try:
        return decode_file(path, Floor)
    except FileNotFoundError:
        return None
    except DamagedError as exc:
        raise exc.advising("run benchlab calibrate") from exc
    except OSError as exc:
        raise RunError(
            f"the calibration in {path} cannot be read ({exc.strerror}): run benchlab calibrate"
        ) from exc


def write_floor(floor: Floor) -> Path:
    """Store ``floor``, replacing an earlier one; returns the file's path.

    Raises:
        RunError: the data directory cannot be written.
    """
    path = floor_path()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_text(path, json.dumps(floor.to_dict(), indent=1))
    except OSError as exc:
        raise RunError(
            f"cannot write the calibration to {path} ({exc.strerror}):"
            " set BENCHLAB_DATA_DIR to a directory that you can write"
        ) from exc
    return path


def attach_floor(environment: Mapping[str, Any]) -> dict[str, Any]:
    """The ``calibration`` of a run in ``environment``: the floor, or a note why it has none."""
    try:
        floor = read_floor()
    except (DamagedError, RunError) as exc:
        return {"note": str(exc)}
    note = NOT_CALIBRATED if floor is None else mismatch(floor, environment)
    return {"note": note} if floor is None or note else {"floor": floor.to_dict()}
