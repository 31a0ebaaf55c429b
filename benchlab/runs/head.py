"""Run metadata: everything a run is besides its samples and connections.

A spool, a store and an exported file each frame it in their own way and share its one encoding,
`RunHead.to_metadata` and `RunHead.from_metadata`: a new field of a run is one line of `RunHead`.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import cached_property
from typing import Any

from benchlab.errors import WRONG_CONTENT, InputError
from benchlab.plan.plan import Plan
from benchlab.plan.redacted import redacted_plan
from benchlab.runs.health import Health
from benchlab.samples.examples import Example
from benchlab.text import one_line
from benchlab.units import utc_from_ns

__all__ = ["RunHead", "new_run_id"]

_ID = re.compile(r"[0-9a-f]{16}")
_PARTS_OF_ENVIRONMENT = ("calibration", "imported")


def new_run_id() -> str:
    """16 hex digits: milliseconds since 1970, then 16 random bits. Later runs sort later."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(2)}"


def _is(kind: type | tuple[type, ...], name: str) -> Callable[[Any], Any]:
    """Make a reader of values that are the same in JSON; messages call their type ``name``."""

    def read(value: Any) -> Any:
        if not isinstance(value, kind) or isinstance(value, bool):
            raise TypeError(f"it must be {name}")
        return value

    return read


def _environment(value: Any) -> dict[str, Any]:
    found: dict[str, Any] = _is(dict, "an object")(value)
    for name in _PARTS_OF_ENVIRONMENT:
        if not isinstance(found.get(name, {}), dict):
            raise TypeError(f"{name} in it must be an object")
    return found


def _json(
    read: Callable[[Any], Any], write: Callable[[Any], Any] = lambda value: value
) -> dict[str, Any]:
    """How a field is read from JSON, and written to it."""
    return {"read": read, "write": write}


@dataclass(frozen=True)
class RunHead:
    """A run without what it measured.

    ``started_at_ns`` is the wall clock at time 0 of the samples, in whole ns since 1970.
    ``stopped_ns`` is set when the run was stopped early, as time from its start; ``stop_reason``
    says why if that was by the plan's ``abort_on``. ``examples`` are the first failed requests of
    each kind, in order of ``seq``.

    ``id`` is used in names of files and is half of each trace id, also for an imported run.

    Raises:
        InputError: an ``id`` that is not 16 lower-case hex digits.
    """

    id: str = field(metadata=_json(lambda value: value))  # checked below
    plan: Plan = field(metadata=_json(Plan.from_dict, lambda plan: redacted_plan(plan.to_dict())))
    started_at_ns: int = field(metadata=_json(_is(int, "an integer")))
    environment: Mapping[str, Any] = field(default_factory=dict, metadata=_json(_environment, dict))
    health: Health = field(default_factory=Health, metadata=_json(Health.from_dict, Health.to_dict))
    examples: tuple[Example, ...] = field(
        default=(),
        metadata=_json(
            lambda items: tuple(Example.from_dict(item) for item in items),
            lambda examples: [example.to_dict() for example in examples],
        ),
    )
    stopped_ns: int | None = field(
        default=None, metadata=_json(_is((int, type(None)), "an integer or null"))
    )
    stop_reason: str = field(default="", metadata=_json(_is(str, "a string")))

    def __post_init__(self) -> None:
        if not isinstance(self.id, str) or not _ID.fullmatch(self.id):
            raise InputError(f"{self.id!r} is not a run id: it must be 16 hex digits in lower case")

    @cached_property
    def started_at(self) -> datetime:
        """The wall clock at time 0 of the samples: aware, UTC, cut to whole microseconds."""
        return utc_from_ns(self.started_at_ns)

    def to_metadata(self) -> dict[str, Any]:
        """A JSON-ready dict of every field; credentials in the plan are hidden."""
        return {item.name: item.metadata["write"](getattr(self, item.name)) for item in _FIELDS}

    @staticmethod
    def from_metadata(data: Mapping[str, Any]) -> RunHead:
        """The head that `to_metadata` wrote. Other keys are ignored; optional ones may be absent.

        Raises:
            InputError: an id or a plan that cannot be used.
            ValueError: a field is missing or of another type; the message names it.
        """
        found = {
            item.name: _read(item.name, data[item.name], item.metadata["read"])
            for item in _FIELDS
            if item.name in data
        }
        missing = [name for name in ("id", "plan", "started_at_ns") if name not in found]
        if missing:
            raise ValueError(f"{', '.join(missing)} missing")
        head = RunHead(**found)
        _read("started_at_ns", head.started_at_ns, utc_from_ns)
        return head


_FIELDS = fields(RunHead)


def _read(name: str, value: Any, read: Callable[[Any], Any]) -> Any:
    try:
        return read(value)
    except InputError:
        raise
    except (*WRONG_CONTENT, OSError) as exc:
        raise ValueError(f"{name} is {one_line(repr(value), 80)}: {exc}") from exc
