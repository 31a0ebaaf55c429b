"""Events that a notebook reports to the process that runs it headless.

They are lines of JSON in the file that ``BENCHLAB_NOTEBOOK_EVENTS`` names; without the variable
nothing is written. An event has the ``pid`` of the kernel and the ``progress`` of a run, or
``report`` and the ``run_id`` or ``experiment_id`` it is of. The process of a point of a sweep
passes them on to the sweep in another such file.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

__all__ = ["VARIABLE", "read", "write"]

VARIABLE = "BENCHLAB_NOTEBOOK_EVENTS"


def write(event: dict[str, Any], file: Path | None = None) -> None:
    """Append ``event``, to ``file`` if it is given.

    A failed write is ignored: it must not fail a measurement.
    """
    path = file or os.environ.get(VARIABLE)
    if path:
        with contextlib.suppress(OSError), Path(path).open("a", encoding="utf-8") as opened:
            opened.write(json.dumps(event) + "\n")


def read(path: Path, start: int = 0) -> tuple[list[dict[str, Any]], int]:
    """Complete events from byte ``start`` on, and the offset of the next one."""
    if not path.exists():
        return [], start
    with path.open("rb") as file:
        file.seek(start)
        whole, newline, _ = file.read().rpartition(b"\n")
    return [json.loads(line) for line in whole.splitlines()], start + len(whole) + len(newline)
