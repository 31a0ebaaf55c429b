"""Read a plan file: from its text to the arguments of `Plan`."""

from __future__ import annotations

import base64
import functools
import inspect
import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, time
from difflib import get_close_matches
from typing import Any

import attrs
from attrs import evolve

from benchlab.errors import WRONG_CONTENT, InputError
from benchlab.plan.checks import check_from_dict
from benchlab.plan.fault_kinds import COMMON_OPTIONS, FAULT_KINDS
from benchlab.plan.faults import Fault
from benchlab.plan.feed import Feed
from benchlab.plan.grpc.request import GrpcRequest, is_call_url
from benchlab.plan.plan import Plan
from benchlab.plan.request import Request
from benchlab.plan.scenario import Scenario
from benchlab.plan.shapes.registry import KINDS, RUNNABLE, load_from_dict
from benchlab.plan.stream import Stream
from benchlab.plan.toml.place import Place
from benchlab.plan.transport import Transport
from benchlab.redact import unread_url
from benchlab.units import parse_duration_s

__all__ = ["Files", "draft_from_toml"]

_UNIT = "_s"
"""The end of names of durations, which keys at the top of the file may leave out."""

_PATHS = ("ca_file", "client_cert", "client_key", "unix_socket")
"""Settings that are paths, and so are relative to the plan file."""

_SCENARIO_KEYS = ("function", "base_url", "name", "data", "client")

_RECORDED_KEYS = (
    *("file", "format", "window", "spread", "seed", "part"),
    *("base_url", "speed", "bodies", "headers", "checks"),
)

_FAULT_TIMES = ("at_s", "for_s")
_FAULT_KEYS = list(
    dict.fromkeys(
        [
            *("kind", "amount", *_FAULT_TIMES),
            *(name for options in COMMON_OPTIONS.values() for name in options),
            *(name for kind in FAULT_KINDS.values() for name in kind.options),
        ]
    )
)

_CALL_KEYS = [name for name in inspect.signature(GrpcRequest).parameters if name != "descriptors"]

_TEXT = ((str,), "text in quotes")
_PLAIN_TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "str": _TEXT,
    "bytes | str": _TEXT,
    "bool": ((bool,), "true or false"),
    "float": ((int, float), "a number"),
}
"""The types of plain values by their annotation, and what to write for them."""


@dataclass(frozen=True, slots=True)
class Files:
    """How to read the files that a plan file names: bytes, text, rows, scenarios, recordings.

    ``scenario`` takes ``FILE.py:FUNCTION`` and the base URL; ``recorded`` the arguments of a
    recording and of its plan, and gives those of `Plan` that follow.
    """

    read: Callable[[str], bytes]
    text: Callable[[str], str]
    feed: Callable[[str, str], Feed]
    locate: Callable[[str], str]
    scenario: Callable[[str, str], Scenario]
    recorded: Callable[[Mapping[str, Any]], Mapping[str, Any]]


def draft_from_toml(text: str, file: str, files: Files) -> tuple[dict[str, Any], Place]:
    """The arguments of `Plan` in ``text``, and its place; ``file`` is its name in messages.

    Raises:
        InputError: not TOML, an unknown key, or a value that cannot be used; the message says in
            which part and line of the file, and which key is the nearest.
    """
    try:
        data = tomllib.loads(text)
    except WRONG_CONTENT as exc:
        raise InputError(f"{file} is not TOML: {exc}") from exc
    top = Place.of(file, text, unit=_UNIT)
    known = _parameters(Plan)
    data = _with_units(data, known, top)
    _check_keys(data, known, top)
    _check_kinds(Plan, data, top)
    if "scenario" in data:
        data["requests"] = data.get("requests", [])
        scenario = _scenario(data.pop("scenario"), top.at("scenario"), files)
    elif "recorded" in data:
        scenario = None
        if "requests" in data:
            raise InputError(
                "there are requests and a recording",
                where=top.line_of("requests"),
                remedy="leave one out",
            )
        data["requests"] = []
    else:
        scenario = None
        if not isinstance(data.get("requests"), list) or not data["requests"]:
            raise InputError(
                "there are no requests",
                where=top.line_of("requests"),
                remedy="write at least one, with [[requests]] and url",
            )
    draft = {key: _value(key, value, top, files) for key, value in data.items()}
    if "transport" in data:
        draft["transport"] = _transport(data["transport"], top.at("transport"), files)
    draft["requests"] = [
        _request(item, top.at("requests", number), files)
        for number, item in enumerate(data["requests"], 1)
    ]
    if scenario is not None:
        draft["scenario"] = scenario
    if "tags" in data:
        draft["tags"] = _table(data["tags"], top.at("tags"))
    if "load" in data:
        draft["load"] = _load(data["load"], top.at("load"), files)
    if "recorded" in data:
        made = _recorded(data["recorded"], top.at("recorded"), files)
        draft = {**made, **draft, "requests": made["requests"], "recorded": made["recorded"]}
    if "faults" in data:
        faults = data["faults"] if isinstance(data["faults"], list) else [data["faults"]]
        draft["faults"] = [
            _fault(item, top.at("faults", number)) for number, item in enumerate(faults, 1)
        ]
    return draft, top


def _scenario(data: Any, place: Place, files: Files) -> Scenario:
    """The scenario of a table with ``function`` and ``base_url``."""
    data = _table(data, place)
    _check_keys(data, _SCENARIO_KEYS, place)
    for key in ("function", "base_url"):
        if key not in data:
            raise _missing(key, place)
    made = files.scenario(_text("function", data, place), _text("base_url", data, place))
    if "name" in data:
        made = evolve(made, name=_text("name", data, place))
    if "client" in data:
        with place.errors():
            made = evolve(made, client=_text("client", data, place))
    if "data" in data:
        made = evolve(made, data=_data(data["data"], place.at("data"), files))
    return made


def _recorded(data: Any, place: Place, files: Files) -> Mapping[str, Any]:
    """The arguments of `Plan` that follow from a recording."""
    table = dict(_table(data, place))
    _check_keys(table, _RECORDED_KEYS, place)
    for key in ("file", "base_url"):
        if key not in table:
            raise _missing(key, place)
    table["file"] = files.locate(_text("file", table, place))
    if "checks" in table:
        checks = table["checks"] if isinstance(table["checks"], list) else [table["checks"]]
        table["checks"] = [
            _check(item, place.at("checks", number)) for number, item in enumerate(checks, 1)
        ]
    if "headers" in table and not isinstance(table["headers"], dict):
        table["headers"] = _pairs(table["headers"], place)
    made: Mapping[str, Any] = _make(files.recorded, {"arguments": table}, place)
    return made


def _missing(key: str, place: Place) -> InputError:
    return InputError(f"there is no {key}", where=place.line_of(key), remedy=f'write {key} = "…"')


@functools.cache  # plans may have thousands of requests
def _signature(cls: type) -> inspect.Signature:
    return inspect.signature(cls)


def _parameters(cls: type) -> list[str]:
    """The parameters of a class: the keys of its table."""
    return list(_signature(cls).parameters)


def _with_units(data: Mapping[str, Any], known: Collection[str], top: Place) -> dict[str, Any]:
    """The table with the whole names of durations: ``duration_s`` for ``duration``."""
    found: dict[str, Any] = {}
    for key, value in data.items():
        whole = f"{key}{_UNIT}"
        if key in known or whole not in known:
            found[key] = value
        elif whole in data:
            raise InputError(
                f"there are both {key} and {whole}",
                where=top.line_of(whole),
                remedy="leave one out",
            )
        else:
            found[whole] = value
    return found


def _check_keys(table: Mapping[str, Any], known: Collection[str], place: Place) -> None:
    for key in table:
        if key not in known:
            raise InputError(
                f"unknown key {key!r}",
                where=place.line_of(key),
                remedy=_nearest_key(key, [place.typed(name) for name in known]),
            )


def _nearest_key(key: str, known: Sequence[str]) -> str:
    """A key that was meant in place of ``key``, and the ``known`` ones of its table."""
    others = _keys_by_table()
    there = f"known here are {', '.join(known)}"
    for table, keys in others.items():
        if key in keys:
            return f"it belongs to {table}; {there}"
    if near := get_close_matches(key, known, 1):
        return f"did you mean {near[0]}? {there.capitalize()}"
    for table, keys in others.items():
        if near := get_close_matches(key, keys, 1):
            return f"did you mean {near[0]} in {table}? {there.capitalize()}"
    return there


def _keys_by_table() -> dict[str, Sequence[str]]:
    shapes = RUNNABLE.values()
    return {
        "[load]": ["kind", *(item.name for shape in shapes for item in attrs.fields(shape))],
        "[[requests]]": [*_parameters(Request), *_CALL_KEYS],
        "[transport]": _parameters(Transport),
        "[[faults]]": [name.removesuffix(_UNIT) for name in _FAULT_KEYS],
        "the top of the file": [name.removesuffix(_UNIT) for name in _parameters(Plan)],
    }


def _check_kinds(cls: type, table: Mapping[str, Any], place: Place) -> None:
    """Refuse a plain value of the wrong type; other values are checked where they are used."""
    for name, parameter in _signature(cls).parameters.items():
        plain = _PLAIN_TYPES.get(str(parameter.annotation))
        if plain and name in table and not name.endswith(_UNIT):
            _check_type(name, table[name], plain, place)


def _text(key: str, table: Mapping[str, Any], place: Place) -> str:
    """The text under ``key``, which must be there."""
    _check_type(key, table[key], _TEXT, place)
    return str(table[key])


def _check_type(key: str, value: Any, plain: tuple[tuple[type, ...], str], place: Place) -> None:
    types, described = plain
    if not isinstance(value, types):
        raise InputError(
            f"must be {described}", field=place.typed(key), value=value, where=place.line_of(key)
        )


def _value(key: str, value: Any, place: Place, files: Files) -> Any:
    """``value`` with durations in seconds and paths relative to this process."""
    if key.endswith(_UNIT):
        return _duration(key, value, place)
    if key in _PATHS and isinstance(value, str) and value:
        return files.locate(value)
    return value


def _duration(key: str, value: Any, place: Place) -> Any:
    """``value`` in seconds, if it is text."""
    if not isinstance(value, str):
        return value
    try:
        return parse_duration_s(value)
    except InputError as exc:
        raise exc.of(place.typed(key)).within(place.line_of(key)) from exc


def _table(value: Any, place: Place) -> dict[str, Any]:
    if not isinstance(value, dict):
        shown = unread_url(repr(value))  # perhaps the URL alone, where a request must be
        raise InputError(f"{place} is {shown}", remedy="it must be a table of keys and values")
    return value


def _transport(value: Any, place: Place, files: Files) -> Transport:
    table = _table(value, place)
    _check_keys(table, _parameters(Transport), place)
    _check_kinds(Transport, table, place)
    values = {key: _value(key, item, place, files) for key, item in table.items()}
    made: Transport = _make(Transport, values, place)
    return made


def _request(value: Any, place: Place, files: Files) -> Request:
    table = dict(_table(value, place))
    if "grpc" in table or is_call_url(str(table.get("url", ""))):
        return _call(table, place, files)
    _check_keys(table, [*_parameters(Request), "body_file", "body_base64"], place)
    _check_kinds(Request, table, place)
    if "url" not in table:
        raise _missing("url", place)
    bodies = [key for key in ("body", "body_file", "body_base64", "json") if key in table]
    if len(bodies) > 1:
        raise InputError(
            f"there are {' and '.join(bodies)}",
            where=place.line_of(bodies[1]),
            remedy="leave all but one out",
        )
    if "body_file" in table:
        table["body"] = files.read(_text("body_file", table, place))
        del table["body_file"]
    if "body_base64" in table:
        table["body"] = _decoded(table.pop("body_base64"), place)
    table.setdefault("method", "POST" if bodies else "GET")
    _read_parts(table, "headers", place, files)
    request: Request = _make(Request, table, place)
    return request


def _call(table: dict[str, Any], place: Place, files: Files) -> GrpcRequest:
    """A gRPC call: its method under ``grpc``, or its whole URL under ``url``."""
    place = replace(place, unit=_UNIT)
    table = _with_units(table, _CALL_KEYS, place)
    _check_keys(table, [*_CALL_KEYS, "grpc", "message_file"], place)
    for key, other in (("grpc", "url"), ("message_file", "message")):
        if key in table and other in table:
            raise InputError(
                f"there are {key} and {other}",
                where=place.line_of(key),
                remedy="leave one out",
            )
    if "grpc" in table:
        table["url"] = _text("grpc", table, place)
        del table["grpc"]
    if "message_file" in table:
        table["message"] = files.read(_text("message_file", table, place))
        del table["message_file"]
    for key in ("proto", "protoset"):
        if key in table:
            table[key] = files.locate(_text(key, table, place))
    if "import_paths" in table:
        given = table["import_paths"]
        names = given if isinstance(given, list) else [given]
        table["import_paths"] = [files.locate(str(name)) for name in names]
    if "deadline_s" in table:
        table["deadline_s"] = _duration("deadline_s", table["deadline_s"], place)
    _read_parts(table, "metadata", place, files)
    made: GrpcRequest = _make(GrpcRequest, table, place)
    return made


def _read_parts(table: dict[str, Any], headers: str, place: Place, files: Files) -> None:
    """Replace the headers, the data and the checks of a request by what they mean."""
    given = table.get(headers, {})
    table[headers] = given if isinstance(given, dict) else _pairs(given, place)
    if "data" in table:
        table["data"] = _data(table["data"], place.at("data"), files)
    if isinstance(table.get("stream"), dict):
        table["stream"] = _stream(table["stream"], place.at("stream"))
    if "checks" in table:
        checks = table["checks"] if isinstance(table["checks"], list) else [table["checks"]]
        table["checks"] = [
            _check(item, place.at("checks", number)) for number, item in enumerate(checks, 1)
        ]


def _stream(value: dict[str, Any], place: Place) -> Stream:
    """How a response is read as a stream, from its table."""
    place = replace(place, unit=_UNIT)
    known = _parameters(Stream)
    table = _with_units(value, known, place)
    _check_keys(table, known, place)
    values = {
        key: _duration(key, item, place) if key.endswith(_UNIT) else item
        for key, item in table.items()
    }
    made: Stream = _make(Stream, values, place)
    return made


def _fault(value: Any, place: Place) -> Fault:
    """A fault from its table, or from its text form."""
    if isinstance(value, str):
        read: Fault = _make(Fault.parse, {"text": value}, place)
        return read
    place = replace(place, unit=_UNIT)
    table = _with_units(_table(value, place), _FAULT_TIMES, place)
    _check_keys(table, _FAULT_KEYS, place)
    if "kind" not in table:
        raise _missing("kind", place)
    values = {
        key: _duration(key, item, place) if key in _FAULT_TIMES else item
        for key, item in table.items()
    }
    made: Fault = _make(Fault, values, place)
    return made


def _check(value: Any, place: Place) -> Any:
    return _make(check_from_dict, {"data": _table(value, place)}, place)


def _data(value: Any, place: Place, files: Files) -> Any:
    table = _table(value, place)
    if "file" in table:
        _check_keys(table, ["file", "pick"], place)
        return files.feed(_text("file", table, place), table.get("pick", "sequential"))
    _check_keys(table, ["file", "rows", "pick", "name"], place)
    rows = table.get("rows")
    if not isinstance(rows, list):
        raise InputError(
            "there is neither a file nor a list of rows",
            where=place.line_of("rows"),
            remedy='write file = "…", or rows = [{…}]',
        )
    rows = [_row(row, place.at("rows", number)) for number, row in enumerate(rows, 1)]
    return _make(Feed, {**table, "rows": rows}, place)


def _row(value: Any, place: Place) -> dict[str, Any]:
    return {key: _text_of_date(item) for key, item in _table(value, place).items()}


def _text_of_date(value: Any) -> Any:
    """Dates and times, which TOML has and JSON has not, as text."""
    return value.isoformat() if isinstance(value, date | time) else value


def _load(value: Any, place: Place, files: Files) -> Any:
    table = dict(_table(value, place))
    kind = str(table.get("kind"))
    shape = KINDS.get(kind)
    if shape is None and (near := get_close_matches(kind, RUNNABLE, 1)):
        raise InputError(
            "is unknown",
            field="kind",
            value=kind,
            where=place.line_of("kind"),
            remedy=f"did you mean {near[0]}? Known are {', '.join(RUNNABLE)}",
        )
    if shape is not None and shape.file_field in table:
        text = files.text(_text(shape.file_field, table, place))
        _check_keys(table, ["kind", shape.file_field], place)
        return _make(shape.parse, {"text": text}, place, shape.file_field)
    if shape is not None:
        own = [item.name for item in attrs.fields(shape)]
        _check_keys(table, ["kind", *own, *filter(None, [shape.file_field])], place)
    values = {
        key: _make(_levels, {"value": _value(key, item, place, files)}, place, key)
        for key, item in table.items()
    }
    return _make(load_from_dict, {"data": values}, place)


def _levels(value: Any) -> Any:
    """Pairs such as stages, with the duration in seconds."""
    if not isinstance(value, list):
        return value
    return [
        [parse_duration_s(item[0]), *item[1:]]
        if isinstance(item, list) and item and isinstance(item[0], str)
        else item
        for item in value
    ]


def _make(kind: Callable[..., Any], values: Mapping[str, Any], place: Place, key: str = "") -> Any:
    """What ``kind`` makes of ``values`` from ``place``; ``key`` is for errors that name none."""
    try:
        return kind(**values)
    except InputError as exc:
        field = exc.field or key
        raise exc.of(place.typed(field)).within(place.line_of(field)) from exc
    except (TypeError, ValueError, AttributeError) as exc:
        raise InputError(f"a value is of the wrong kind: {exc}", where=str(place)) from exc


def _pairs(headers: Any, place: Place) -> list[tuple[str, str]]:
    pairs = headers if isinstance(headers, list) else [headers]
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise InputError(
            "headers must be a table, or a list of [name, value] pairs",
            where=place.line_of("headers"),
        )
    return [(name, value) for name, value in pairs]


def _decoded(text: Any, place: Place) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError) as exc:
        raise InputError(
            f"body_base64 is not base64: {exc}", where=place.line_of("body_base64")
        ) from exc
