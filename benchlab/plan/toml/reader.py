"""Read a plan file: from its text to the arguments of `Plan`."""

from __future__ import annotations

import base64
import difflib
import functools
import inspect
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from attrs import evolve

from benchlab.errors import InputError
from benchlab.plan.checks import check_from_dict
from benchlab.plan.feed import Feed
from benchlab.plan.plan import Plan
from benchlab.plan.request import Request
from benchlab.plan.scenario import Scenario
from benchlab.plan.shapes.registry import KINDS, load_from_dict
from benchlab.plan.transport import Transport
from benchlab.redact import unread_url
from benchlab.units import parse_duration_s

__all__ = ["Files", "draft_from_toml"]

_PATHS = ("ca_file", "client_cert", "client_key", "unix_socket")
"""Settings that are paths, and so are relative to the plan file."""

_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "str": ((str,), "text in quotes"),
    "bytes | str": ((str,), "text in quotes"),
    "bool": ((bool,), "true or false"),
    "float": ((int, float), "a number"),
}


@dataclass(frozen=True, slots=True)
class Files:
    """How to read the files that a plan file names: bytes, rows, scenarios, paths.

    ``scenario`` takes ``FILE.py:FUNCTION`` and the base URL.
    """

    read: Callable[[str], bytes]
    feed: Callable[[str, str], Feed]
    locate: Callable[[str], str]
    scenario: Callable[[str, str], Scenario]


def draft_from_toml(text: str, where: str, files: Files) -> dict[str, Any]:
    """The arguments of `Plan` in ``text``; ``where`` is the name of the file in messages.

    Raises:
        InputError: not TOML, an unknown key, or a value that cannot be used; the message says in
            which part of the file, and which keys are known there.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise InputError(f"{where} is not TOML: {exc}") from exc
    known = _parameters(Plan)
    data = {_with_unit(key, known): value for key, value in _once(data, known, where).items()}
    _check_keys(data, known, where)
    _check_kinds(Plan, data, where)
    if "scenario" in data:
        data["requests"] = data.get("requests", [])
        scenario = _scenario(data.pop("scenario"), f"scenario of {where}", files)
    else:
        scenario = None
        if not isinstance(data.get("requests"), list) or not data["requests"]:
            raise InputError(
                f"{where} has no requests: write at least one, with [[requests]] and url"
            )
    draft = {key: _value(key, value, where, files) for key, value in data.items()}
    if "transport" in data:
        draft["transport"] = _transport(data["transport"], f"transport of {where}", files)
    draft["requests"] = [
        _request(item, f"request {number} of {where}", files)
        for number, item in enumerate(data["requests"], 1)
    ]
    if scenario is not None:
        draft["scenario"] = scenario
    if "tags" in data:
        draft["tags"] = _table(data["tags"], f"tags of {where}")
    if "load" in data:
        draft["load"] = _load(data["load"], f"load of {where}", files)
    return draft


_SCENARIO_KEYS = ("function", "base_url", "name", "data")


def _scenario(data: Any, where: str, files: Files) -> Scenario:
    """The scenario of a table with ``function`` and ``base_url``."""
    data = _table(data, where)
    _check_keys(data, _SCENARIO_KEYS, where)
    for key in ("function", "base_url"):
        if not isinstance(data.get(key), str):
            raise InputError(f'{where} has no {key}: write {key} = "…"')
    made = files.scenario(data["function"], data["base_url"])
    if "name" in data:
        made = evolve(made, name=str(data["name"]))
    if "data" in data:
        made = evolve(made, data=_data(data["data"], f"data of {where}", files))
    return made


@functools.cache  # plans may have thousands of requests
def _signature(cls: type) -> inspect.Signature:
    return inspect.signature(cls)


def _parameters(cls: type) -> list[str]:
    """The parameters of a class: the keys of its table."""
    return list(_signature(cls).parameters)


def _with_unit(key: str, known: Collection[str]) -> str:
    return f"{key}_s" if key not in known and f"{key}_s" in known else key


def _once(data: dict[str, Any], known: Collection[str], where: str) -> dict[str, Any]:
    for key in data:
        unit = _with_unit(key, known)
        if unit != key and unit in data:
            raise InputError(f"{where} has both {key} and {unit}: leave one out")
    return data


def _check_keys(table: Mapping[str, Any], known: Collection[str], where: str) -> None:
    for key in table:
        if key not in known:
            close = difflib.get_close_matches(key, known, 1)
            meant = f" (did you mean {close[0]}?)" if close else ""
            raise InputError(
                f"{where} has the unknown key {key!r}{meant}: known there are {', '.join(known)}"
            )


def _check_kinds(cls: type, table: Mapping[str, Any], where: str) -> None:
    """Refuse a plain value of the wrong type; other values are checked where they are used."""
    for name, parameter in _signature(cls).parameters.items():
        kinds, text = _KINDS.get(str(parameter.annotation), (None, ""))
        if kinds is None or name not in table or name.endswith("_s"):
            continue
        if not isinstance(table[name], kinds):
            raise InputError(f"must be {text}", field=name, value=table[name], where=where)


def _value(key: str, value: Any, where: str, files: Files) -> Any:
    """``value`` with durations in seconds and paths relative to this process."""
    if key.endswith("_s") and isinstance(value, str):
        try:
            return parse_duration_s(value)
        except InputError as exc:
            raise exc.of(key).within(where) from exc
    if key in _PATHS and isinstance(value, str) and value:
        return files.locate(value)
    return value


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        shown = unread_url(repr(value))  # perhaps the URL alone, where a request must be
        raise InputError(f"{where} is {shown}: it must be a table of keys and values")
    return value


def _transport(value: Any, where: str, files: Files) -> Transport:
    table = _table(value, where)
    _check_keys(table, _parameters(Transport), where)
    _check_kinds(Transport, table, where)
    values = {key: _value(key, item, where, files) for key, item in table.items()}
    made: Transport = _make(Transport, values, where)
    return made


def _request(value: Any, where: str, files: Files) -> Request:
    table = dict(_table(value, where))
    _check_keys(table, [*_parameters(Request), "body_file", "body_base64"], where)
    _check_kinds(Request, table, where)
    if "url" not in table:
        raise InputError(f"{where} has no url")
    bodies = [key for key in ("body", "body_file", "body_base64", "json") if key in table]
    if len(bodies) > 1:
        raise InputError(f"{where} has {' and '.join(bodies)}: leave all but one out")
    if "body_file" in table:
        table["body"] = files.read(table.pop("body_file"))
    if "body_base64" in table:
        table["body"] = _decoded(table.pop("body_base64"), where)
    table.setdefault("method", "POST" if bodies else "GET")
    headers = table.get("headers", {})
    table["headers"] = headers if isinstance(headers, dict) else _pairs(headers, where)
    if "data" in table:
        table["data"] = _data(table["data"], f"data of {where}", files)
    if "checks" in table:
        checks = table["checks"] if isinstance(table["checks"], list) else [table["checks"]]
        table["checks"] = [_check(item, where) for item in checks]
    request: Request = _make(Request, table, where)
    return request


def _check(value: Any, where: str) -> Any:
    table = _table(value, f"a check of {where}")
    return _make(check_from_dict, {"data": table}, where)


def _data(value: Any, where: str, files: Files) -> Any:
    table = _table(value, where)
    if "file" in table:
        _check_keys(table, ["file", "pick"], where)
        return files.feed(str(table["file"]), table.get("pick", "sequential"))
    _check_keys(table, ["file", "rows", "pick", "name"], where)
    rows = table.get("rows")
    if not isinstance(rows, list):
        raise InputError(f"{where} has neither a file nor a list of rows")
    rows = [{key: _text_of_date(item) for key, item in _table(row, where).items()} for row in rows]
    return _make(Feed, {**table, "rows": rows}, where)


def _text_of_date(value: Any) -> Any:
    """Dates and times, which TOML has and JSON has not, as text."""
    return value.isoformat() if isinstance(value, date | time) else value


def _load(value: Any, where: str, files: Files) -> Any:
    table = dict(_table(value, where))
    shape = KINDS.get(str(table.get("kind")))
    if shape is not None and shape.file_field in table:
        name = table[shape.file_field]
        text = files.read(name).decode(errors="replace")
        _check_keys(table, ["kind", shape.file_field], where)
        return _make(shape.parse, {"text": text}, f"{where}, {name}")
    values = {
        key: _make(_levels, {"value": _value(key, item, where, files)}, where)
        for key, item in table.items()
    }
    return _make(load_from_dict, {"data": values}, where)


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


def _make(kind: Callable[..., Any], values: Mapping[str, Any], where: str) -> Any:
    try:
        return kind(**values)
    except InputError as exc:
        raise exc.within(where) from exc
    except (TypeError, ValueError, AttributeError) as exc:
        raise InputError(f"{where} has a value of the wrong kind: {exc}") from exc


def _pairs(headers: Any, where: str) -> list[tuple[str, str]]:
    pairs = headers if isinstance(headers, list) else [headers]
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
        raise InputError(f"headers of {where} must be a table, or a list of [name, value] pairs")
    return [(name, value) for name, value in pairs]


def _decoded(text: Any, where: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError) as exc:
        raise InputError(f"body_base64 of {where} is not base64: {exc}") from exc
