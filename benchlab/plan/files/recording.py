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
_READING = ("format", "window", "spread", "seed")


def read_recording(path: str | PathLike[str], **arguments: Any) -> Recording:
    """The recording in a file: HAR if its name, or the ``format``, says so, or an access log.

    ``arguments`` are those of `Recording.from_access_log`.

    Raises:
        InputError: the file cannot be read, or has another format.
    """
    given = arguments.get("format", "auto")
    suffixes = [suffix.lower() for suffix in Path(path).suffixes if suffix.lower() != ".gz"]
    if given != _HAR and not (given == "auto" and suffixes[-1:] == [f".{_HAR}"]):
        return Recording.from_access_log(path, **arguments)
    if others := [name for name in arguments if name not in ("format", "window")]:
        raise InputError(
            "is for access logs, and this is HAR, which has fractions of seconds",
            field=others[0],
            value=arguments[others[0]],
            remedy="leave it out",
        )
    return Recording.from_har(path, arguments.get("window"))


def recorded_draft(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments of `Plan` that follow from the table ``recorded`` of a plan file.

    Raises:
        InputError: the file cannot be read, or a value cannot be used.
    """
    values = dict(arguments)
    path = values.pop("file")
    reading = {name: values.pop(name) for name in _READING if name in values}
    plan = read_recording(path, **reading).plan(**values)
    return {"requests": plan.requests, "load": plan.load, "recorded": plan.recorded}
