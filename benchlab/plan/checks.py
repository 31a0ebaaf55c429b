"""Checks of responses. A failed check makes a request fail, with the error kind ``check``.

All checks of a request must hold. Without a `StatusIn`, a status of 400 or above fails with the
kind ``status`` before any other check is evaluated; with one, it alone says which statuses are
good, an expected 404 as well as a 200.

`BodyContains`, `BodyEquals`, `BodyMatches` and `JsonEquals` read the body, which is then collected
for its request and costs time in the generator; `StatusIn` and `MaxBody` cost nothing.

Of a gRPC call, `GrpcStatusIn` says which statuses are good, without which that is OK alone; and the
body is its message as JSON, or an array of the messages of a stream.

`EventCount`, `EventContains` and `EventJson` are for responses that are read as streams.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final, get_args

import attrs
from attrs import frozen

from benchlab.displayed import Displayed
from benchlab.errors import InputError
from benchlab.plan.validation import check_choice
from benchlab.text import plural
from benchlab.units import format_bytes

__all__ = [
    "EVENT_CHECKS",
    "BodyContains",
    "BodyEquals",
    "BodyMatches",
    "Check",
    "EventContains",
    "EventCount",
    "EventJson",
    "GrpcStatusIn",
    "JsonEquals",
    "MaxBody",
    "StatusIn",
    "brief",
    "check_from_dict",
    "check_to_dict",
    "describe_grpc_statuses",
    "describe_statuses",
    "split_path",
    "status_codes",
    "tuple_of_checks",
]

_FIRST_STATUS, _LAST_STATUS = 200, 599
_SHOWN = 60
_OF = ("every", "last")
_ENCODER = json.JSONEncoder(ensure_ascii=False, default=repr)
_PATH_PART = re.compile(r"(?:[^.\\]|\\[.\\])+")


@frozen(init=False)
class StatusIn(Displayed):
    """The status is one of ``statuses``: ``StatusIn(200, 201)``, ``StatusIn(*range(200, 300))``.

    Raises:
        InputError: none given, or one that no final response has (200 to 599 are possible).
    """

    statuses: tuple[int, ...]
    kind: ClassVar[str] = "status_in"

    def __init__(self, *statuses: int) -> None:
        if not statuses:
            raise InputError("StatusIn() names no status: write StatusIn(200, 201)")
        for status in statuses:
            whole = isinstance(status, int) and not isinstance(status, bool)
            if not (whole and _FIRST_STATUS <= status <= _LAST_STATUS):
                raise InputError(
                    f"status {status!r} cannot be expected: use whole numbers"
                    f" from {_FIRST_STATUS} to {_LAST_STATUS}"
                )
        self.__attrs_init__(tuple(sorted(set(statuses))))

    def describe(self) -> str:
        """Short description of what must hold."""
        return f"the status is {describe_statuses(self.statuses)}"


@frozen(init=False)
class GrpcStatusIn(Displayed):
    """The status of a gRPC call is one of ``statuses``, by name: ``GrpcStatusIn("NOT_FOUND")``.

    Names may be written as results have them (``grpc:NOT_FOUND``), and in lower case.

    Raises:
        InputError: none given, or one that gRPC does not have.
    """

    statuses: tuple[str, ...]
    kind: ClassVar[str] = "grpc_status_in"

    def __init__(self, *statuses: str) -> None:
        if not statuses:
            raise InputError('GrpcStatusIn() names no status: write GrpcStatusIn("NOT_FOUND")')
        known = _grpc_statuses()
        names = {str(status).strip().upper().removeprefix("GRPC:") for status in statuses}
        if unknown := sorted(names - set(known)):
            from difflib import get_close_matches

            near = get_close_matches(unknown[0], known, 1)
            remedy = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            raise InputError(f"gRPC has no status {unknown[0]!r}: {remedy}")
        self.__attrs_init__(tuple(status for status in known if status in names))

    def describe(self) -> str:
        """Short description of what must hold."""
        return f"the status is {describe_grpc_statuses(self.statuses)}"


@frozen
class BodyContains(Displayed):
    """The body contains exactly ``text`` (as UTF-8).

    Raises:
        InputError: an empty text, which every body contains.
    """

    text: str
    kind: ClassVar[str] = "body_contains"

    def __attrs_post_init__(self) -> None:
        _require_text("BodyContains", self.text)
        if not self.text:
            raise InputError("BodyContains('') holds for every body: give some text")

    def describe(self) -> str:
        """Short description of what must hold."""
        return f"the body contains {brief(self.text)}"


@frozen
class BodyEquals(Displayed):
    """The body is ``text`` (as UTF-8) and nothing else."""

    text: str
    kind: ClassVar[str] = "body_equals"

    def __attrs_post_init__(self) -> None:
        _require_text("BodyEquals", self.text)

    def describe(self) -> str:
        """Short description of what must hold."""
        return f"the body equals {brief(self.text)}" if self.text else "the body is empty"


@frozen
class BodyMatches(Displayed):
    """The regular expression ``pattern`` matches somewhere in the body, read as UTF-8.

    The syntax is that of Python's ``re``; ``(?i)`` and the like at its start set flags. Beware of
    patterns that take exponential time: they block the generator.

    Raises:
        InputError: not a regular expression.
    """

    pattern: str
    kind: ClassVar[str] = "body_matches"

    def __attrs_post_init__(self) -> None:
        _require_text("BodyMatches", self.pattern)
        try:
            re.compile(self.pattern)
        except (re.error, OverflowError, RecursionError) as exc:
            raise InputError(
                f"{self.pattern!r} is not a regular expression ({exc}): escape what is meant"
                " literally with \\, or use BodyContains"
            ) from exc

    def describe(self) -> str:
        """Short description of what must hold."""
        return f"the body matches {brief(self.pattern)}"


@frozen(init=False)
class JsonEquals(Displayed):
    """The body is JSON with ``value`` at ``path``: ``JsonEquals("data.items.0.id", 7)``.

    A path is the names of fields and the positions in arrays, with dots between; a dot or a
    backslash inside a name is written ``\\.`` or ``\\\\``. Values are compared as in JSON: 1
    equals 1.0 but not true, and the order of an object's fields does not matter.

    Raises:
        InputError: a path with an empty part, or a value that JSON cannot express.
    """

    path: str
    value: Any
    kind: ClassVar[str] = "json_equals"

    def __init__(self, path: str, value: Any) -> None:
        split_path(path)
        try:
            expected = json.loads(json.dumps(value, allow_nan=False))
        except (TypeError, ValueError, RecursionError) as exc:
            raise InputError(
                f"{brief(value)} at {path} cannot be expected: JSON has no such value ({exc})"
            ) from exc
        self.__attrs_init__(path, expected)

    def __hash__(self) -> int:
        return hash(self.path)  # a list as value has no hash

    def describe(self) -> str:
        """Short description of what must hold."""
        return f"{self.path} in the JSON body is {brief(self.value)}"


@frozen
class MaxBody(Displayed):
    """The body has at most ``size_bytes``, counted as transferred (before decompression).

    Raises:
        InputError: not a whole number, 0 or above.
    """

    size_bytes: int
    kind: ClassVar[str] = "max_body"

    def __attrs_post_init__(self) -> None:
        size = self.size_bytes
        if not (isinstance(size, int) and not isinstance(size, bool) and size >= 0):
            raise InputError(f"size_bytes={size!r} of MaxBody must be a whole number, 0 or above")

    def describe(self) -> str:
        """Short description of what must hold."""
        return f"the body has at most {format_bytes(self.size_bytes)}"


@frozen
class EventCount(Displayed):
    """The stream has at least ``at_least`` events (any stream needs one).

    Raises:
        InputError: not a whole number, 1 or above.
    """

    at_least: int
    kind: ClassVar[str] = "event_count"

    def __attrs_post_init__(self) -> None:
        count = self.at_least
        if not (isinstance(count, int) and not isinstance(count, bool) and count > 0):
            raise InputError(
                "must be a whole number, 1 or above", field="at_least", value=self.at_least
            )

    def describe(self) -> str:
        """Short description of what must hold."""
        return f"the stream has at least {plural(self.at_least, 'event')}"


@frozen
class EventContains(Displayed):
    """Every event of the stream contains exactly ``text`` (as UTF-8), or the ``last`` one does.

    Raises:
        InputError: an empty text, which every event contains, or another ``of``.
    """

    text: str
    of: str = "every"
    kind: ClassVar[str] = "event_contains"

    def __attrs_post_init__(self) -> None:
        _require_text("EventContains", self.text)
        if not self.text:
            raise InputError("EventContains('') holds for every event: give some text")
        check_choice("of", self.of, _OF)

    def describe(self) -> str:
        """Short description of what must hold."""
        return f"{_which_events(self.of)} contains {brief(self.text)}"


@frozen(init=False)
class EventJson(Displayed):
    """Every event is JSON with ``value`` at ``path``, or the ``last`` one is.

    Path and value are as for `JsonEquals`: ``EventJson("choices.0.index", 0)``.

    Raises:
        InputError: a path with an empty part, a value that JSON cannot express, or another ``of``.
    """

    path: str
    value: Any
    of: str
    kind: ClassVar[str] = "event_json"

    def __init__(self, path: str, value: Any, of: str = "every") -> None:
        check_choice("of", of, _OF)
        self.__attrs_init__(path, JsonEquals(path, value).value, of)

    def __hash__(self) -> int:
        return hash((self.path, self.of))  # a list as value has no hash

    def describe(self) -> str:
        """Short description of what must hold."""
        return f"{self.path} in the JSON of {_which_events(self.of)} is {brief(self.value)}"


def _which_events(of: str) -> str:
    return "every event" if of == "every" else "the last event"


EVENT_CHECKS: Final = (EventCount, EventContains, EventJson)
"""The checks that are about the events of a stream."""

Check = (
    StatusIn
    | GrpcStatusIn
    | BodyContains
    | BodyEquals
    | BodyMatches
    | JsonEquals
    | MaxBody
    | EventCount
    | EventContains
    | EventJson
)

_KINDS: dict[str, type[Check]] = {check.kind: check for check in get_args(Check)}


def tuple_of_checks(checks: Check | Iterable[Check]) -> tuple[Check, ...]:
    """``checks`` as a tuple; a single one needs no brackets.

    Raises:
        InputError: something else is among them.
    """
    items: tuple[Any, ...] = (checks,) if isinstance(checks, Check) else tuple(checks)
    for item in items:
        if not isinstance(item, Check):
            names = ", ".join(known.__name__ for known in _KINDS.values())
            raise InputError(f"checks holds {item!r}: each must be one of {names}")
    return items


def check_to_dict(check: Check) -> dict[str, Any]:
    """A JSON-ready dict with the check's name under ``kind``."""
    data = attrs.asdict(check)
    if isinstance(check, StatusIn | GrpcStatusIn):
        data["statuses"] = list(check.statuses)
    return {"kind": check.kind, **data}


def check_from_dict(data: Mapping[str, Any]) -> Check:
    """The check that `check_to_dict` wrote.

    Raises:
        InputError: an unknown ``kind``, a missing or unknown field, or a value that cannot be
            used.
    """
    values = dict(data)
    kind = values.pop("kind", None)
    if kind not in _KINDS:
        raise InputError(f"check kind {kind!r} is unknown: use one of {', '.join(sorted(_KINDS))}")
    known = {item.name for item in attrs.fields(_KINDS[kind])}
    if not known - {"of"} <= set(values) <= known:
        raise InputError(
            f"the check {kind} has the fields {sorted(values)}: it takes {sorted(known)}"
        )
    made = _KINDS[kind]
    if made is StatusIn or made is GrpcStatusIn:
        statuses = values["statuses"]
        return made(*(statuses if isinstance(statuses, list | tuple) else [statuses]))
    return made(**values)


def split_path(path: str) -> tuple[str, ...]:
    """The parts of a `JsonEquals` path, unescaped.

    Raises:
        InputError: an empty path or part, or a backslash before anything but . or a backslash.
    """
    parts: list[str] = []
    position = 0
    while isinstance(path, str):
        match = _PATH_PART.match(path, position)
        if match is None:
            break
        parts.append(re.sub(r"\\(.)", r"\1", match[0]))
        position = match.end() + 1
        if match.end() == len(path):
            return tuple(parts)
        if path[match.end()] != ".":
            break
    raise InputError(
        f"{path!r} is not a path into JSON: write names and positions with dots between, such as"
        " data.items.0.id, and \\. for a dot in a name"
    )


def describe_statuses(statuses: Iterable[int]) -> str:
    """Statuses as text; whole hundreds as ``2xx``.

    >>> describe_statuses([201, 200, 404])
    '200, 201 or 404'
    """
    codes = status_codes(statuses)
    return " or ".join(filter(None, (", ".join(codes[:-1]), codes[-1])))


def describe_grpc_statuses(statuses: Iterable[str]) -> str:
    """Names of gRPC statuses as text.

    >>> describe_grpc_statuses(["OK", "NOT_FOUND"])
    'grpc:OK or grpc:NOT_FOUND'
    """
    return " or ".join(f"grpc:{status}" for status in statuses)


def _grpc_statuses() -> list[str]:
    """The names of all statuses of gRPC, in the order of their numbers."""
    from benchlab.samples.records import ErrorKind

    return ["OK", *(kind.grpc_status for kind in ErrorKind if kind.grpc_status)]


def status_codes(statuses: Iterable[int]) -> list[str]:
    """The statuses in order, whole hundreds as ``2xx``."""
    left = set(statuses)
    codes: list[str] = []
    for hundred in range(2, 6):
        whole = set(range(100 * hundred, 100 * hundred + 100))
        if whole <= left:
            codes.append(f"{hundred}xx")
            left -= whole
        codes += [str(status) for status in sorted(left & whole)]
    return codes


def _require_text(name: str, text: object) -> None:
    if not isinstance(text, str):
        raise InputError(f"{name}({text!r}) needs a string")
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        raise InputError(f"{name}({text!r}) has a character that UTF-8 cannot express") from exc


def brief(value: object) -> str:
    """``value`` as JSON, cut to fit into a sentence."""
    text = ""
    for piece in _ENCODER.iterencode(value[:_SHOWN] if isinstance(value, str) else value):
        text += piece
        if len(text) > _SHOWN:
            return f"{text[: _SHOWN - 1]}…"
    return text
