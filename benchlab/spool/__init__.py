"""A run on disk, from its first request until a store has it."""

from __future__ import annotations

from benchlab.spool.directory import (
    ROOM_BYTES,
    connections_path,
    create,
    examples_path,
    forget_plan,
    health_path,
    log_path,
    own_worker,
    pending,
    read_plan,
    read_records,
    read_run,
    remove,
    samples_path,
    steps_path,
    was_started,
    write_health,
    write_outcome,
    write_start,
)

__all__ = [
    "ROOM_BYTES",
    "connections_path",
    "create",
    "examples_path",
    "forget_plan",
    "health_path",
    "log_path",
    "own_worker",
    "pending",
    "read_plan",
    "read_records",
    "read_run",
    "remove",
    "samples_path",
    "steps_path",
    "was_started",
    "write_health",
    "write_outcome",
    "write_start",
]
