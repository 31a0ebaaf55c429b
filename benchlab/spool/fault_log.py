"""What happened to the faults of a run, as it happened: an event per line of ``faults.jsonl``.

A fault that began and has no end was not lifted, as far as is known.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Literal

import msgspec

from benchlab.decoding import Count, Integer, decode_lines
from benchlab.errors import DamagedError
from benchlab.plan.faults import FaultSchedule
from benchlab.runs.fault_record import FaultRecord
from benchlab.spool.storage import open_private

__all__ = ["FaultLog", "read_fault_log"]


class _Event(msgspec.Struct):
    number: Count
    event: Literal["began", "ended", "failed"]
    run_ns: Integer
    error: str = ""


class FaultLog:
    """Appends to the file ``path``; each event is one write, so that several processes may."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def began(self, number: int, run_ns: int) -> None:
        """Fault ``number`` of the plan is on since ``run_ns`` after the run's start."""
        self._append(_Event(number, "began", run_ns))

    def ended(self, number: int, run_ns: int) -> None:
        """Fault ``number`` is off since ``run_ns``."""
        self._append(_Event(number, "ended", run_ns))

    def failed(self, number: int, run_ns: int, error: str) -> None:
        """Fault ``number`` could not be set, kept or lifted at ``run_ns``."""
        self._append(_Event(number, "failed", run_ns, error))

    def _append(self, event: _Event) -> None:
        descriptor = open_private(self._path, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(descriptor, msgspec.json.encode(event) + b"\n")
        finally:
            os.close(descriptor)


def read_fault_log(path: Path, faults: FaultSchedule) -> tuple[FaultRecord, ...]:
    """What the log in ``path`` says of ``faults``, in the order in which they began.

    Raises:
        DamagedError: a line holds something else, or a fault that is none of ``faults``.
    """
    if not path.exists():
        return ()
    records: dict[int, FaultRecord] = {}
    for event in decode_lines(path, _Event):
        if event.number >= len(faults):
            raise DamagedError(
                f"is above {len(faults) - 1}, the highest known",
                field="number",
                value=event.number,
                where=str(path),
            )
        fault = faults[event.number]
        usual = FaultRecord(event.number, str(fault), fault.kind, began_ns=event.run_ns)
        record = records.setdefault(event.number, usual)
        if event.event == "ended":
            record = replace(record, ended_ns=event.run_ns)
        elif event.event == "failed":
            record = replace(record, error=record.error or event.error)
        records[event.number] = record
    return tuple(sorted(records.values(), key=lambda record: (record.began_ns, record.number)))
