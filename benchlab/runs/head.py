"""Run metadata: everything a run is besides its samples and connections.

A spool, a store and an exported file each frame it in their own way and share its one encoding,
`RunHead.to_metadata` and `RunHead.from_metadata`: a new field of a run is one line of `RunHead`
and one of `_Metadata`.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, TypedDict

import msgspec
from msgspec import Meta

from benchlab.decoding import Count, Integer, convert, naming_field
from benchlab.errors import InputError
from benchlab.plan.plan import Plan
from benchlab.plan.redacted import redacted_plan, without_code
from benchlab.runs.fault_record import FaultRecord
from benchlab.runs.health import Health
from benchlab.runs.host_record import HostRecord
from benchlab.samples.examples import Example
from benchlab.units import utc_from_ns

__all__ = ["RunHead", "new_run_id"]

_ID = re.compile(r"[0-9a-f]{16}")


def new_run_id() -> str:
    """16 hex digits: milliseconds since 1970, then 16 random bits. Later runs sort later."""
    return f"{time.time_ns() // 1_000_000:012x}{os.urandom(2).hex()}"


class _Calibration(TypedDict, total=False):
    floor: dict[str, Any]
    note: str


class _Imported(TypedDict, total=False):
    format: str
    file: str
    not_in_the_file: list[str]
    notes: list[str]
    errors: dict[str, Count]


class Environment(TypedDict, total=False):
    """What is known of the machine and the software of a run; there may be more, for display."""

    host: str | None
    cpu_model: str | None
    cpu_count: Count | None
    cpu_usable: Count | None
    cpu_quota: float | None
    cpu_governor: str | None
    virtualization: str | None
    memory_bytes: Count | None
    load_average_before: Annotated[list[float], Meta(min_length=1)] | None
    clock_source: str | None
    kernel: str | None
    python: str | None
    packages: dict[str, str | None] | None
    git_commit: str | None
    git_dirty: bool | None
    calibration: _Calibration | None
    imported: _Imported


@dataclass(frozen=True)
class RunHead:
    """A run without what it measured.

    ``started_at_ns`` is the wall clock at time 0 of the samples, in whole ns since 1970.
    ``stopped_ns`` is set when the run was stopped early, as time from its start; ``stop_reason``
    says why if that was by the plan's ``abort_on``, or by a fault. ``examples`` are the first
    failed requests of each kind, in order of ``seq``. ``faults`` are the plan's as they really
    were, in the order in which they began. ``hosts`` are those of a cluster that made the load;
    there are none if all of it was made on the parent's machine.

    ``id`` is used in names of files and is half of each trace id, also for an imported run.

    Raises:
        InputError: an ``id`` that is not 16 lower-case hex digits.
    """

    id: str
    plan: Plan
    started_at_ns: Integer
    environment: Mapping[str, Any] = field(default_factory=dict)
    health: Health = field(default_factory=Health)
    examples: tuple[Example, ...] = ()
    stopped_ns: Count | None = None
    stop_reason: str = ""
    faults: tuple[FaultRecord, ...] = ()
    hosts: tuple[HostRecord, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.id, str) or not _ID.fullmatch(self.id):
            raise InputError(f"{self.id!r} is not a run id: it must be 16 hex digits in lower case")

    @cached_property
    def started_at(self) -> datetime:
        """The wall clock at time 0 of the samples: aware, UTC, cut to whole microseconds."""
        return utc_from_ns(self.started_at_ns)

    @property
    def fault_error(self) -> str:
        """The first fault that could not be set, kept or lifted, and why; empty if none."""
        failed = (f"{item.fault} {item.error}" for item in self.faults if item.error)
        return next(failed, "")

    def to_metadata(self) -> dict[str, Any]:
        """A JSON-ready dict of every field; credentials in the plan are hidden."""
        return {
            **{item.name: getattr(self, item.name) for item in fields(RunHead)},
            "plan": redacted_plan(self.plan.to_dict()),
            "environment": dict(self.environment),
            "health": self.health.to_dict(),
            "examples": [example.to_dict() for example in self.examples],
            "faults": [record.to_dict() for record in self.faults],
            "hosts": [record.to_dict() for record in self.hosts],
        }

    @staticmethod
    def from_metadata(data: Mapping[str, Any], where: str = "") -> RunHead:
        """The head that `to_metadata` wrote. Other keys are ignored; optional ones may be absent.

        The code of a scenario is left out: whoever wrote the data may not be who runs it.

        Raises:
            DamagedError: a field is missing, of another type or cannot be used. The message names
                it, and ``where`` the data are from.
        """
        found = convert(data, _Metadata, where=where)
        values = {item.name: getattr(found, item.name) for item in fields(RunHead)}
        convert({"environment": found.environment}, _WithEnvironment, where=where)
        with naming_field("plan", where):
            values["plan"] = without_code(Plan.from_dict(found.plan))
        with naming_field("", where):
            return RunHead(**values)


class _Metadata(msgspec.Struct):
    """`RunHead` as JSON: its plan is a dict."""

    id: str
    plan: dict[str, Any]
    started_at_ns: Integer
    environment: dict[str, Any] = {}
    health: Health = Health()
    examples: tuple[Example, ...] = ()
    stopped_ns: Count | None = None
    stop_reason: str = ""
    faults: tuple[FaultRecord, ...] = ()
    hosts: tuple[HostRecord, ...] = ()


class _WithEnvironment(TypedDict):
    environment: Environment
