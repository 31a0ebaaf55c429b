"""Read a recording from a file: an access log, or a HAR file."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from benchlab.errors import InputError
from benchlab.plan.recording import Recording

__all__ = ["read_recording", "recorded_draft"]

_HAR = "har"
_READING = ("window", "spread", "seed")


def read_recording(
    path: str | PathLike[str], log_format: str = "", window: str = "", **spread: Any
) -> Recording:
    """The recording in a file: HAR if its name or the ``log_format`` says so, or an access log.

    Without a ``log_format`` that of the log is recognised; with a ``window``, such as
    ``10:00-10:05``, only that part is read. ``spread`` and ``seed`` are as in
    `Recording.from_access_log`.

    Raises:
        InputError: the file cannot be read, or has another format.
    """
    suffixes = [suffix.lower() for suffix in Path(path).suffixes if suffix.lower() != ".gz"]
    is_har = suffixes[-1:] == [f".{_HAR}"]
    if log_format != _HAR and not is_har:
        return Recording.from_access_log(path, log_format or "auto", window or None, **spread)
    for name, value in {"format": log_format.removeprefix(_HAR), **spread}.items():
        if value:
            raise InputError(
                f"is for access logs, and {path} is a HAR file",
                field=name,
                value=value,
                remedy="leave it out",
            )
    return Recording.from_har(path, window or None)


def recorded_draft(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments of `Plan` that follow from the table ``recorded`` of a plan file.

    Raises:
        InputError: the file cannot be read, or a value cannot be used.
    """
    values = dict(arguments)
    path = values.pop("file")
    reading = {name: values.pop(name) for name in _READING if name in values}
    recording = read_recording(path, values.pop("format", ""), **reading)
    if "part" in values:
        recording = recording.window(values.pop("part"))
    plan = recording.plan(**values)
    return {"requests": plan.requests, "load": plan.load, "recorded": plan.recorded}
