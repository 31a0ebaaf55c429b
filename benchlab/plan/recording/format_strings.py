"""The format strings of web servers: nginx' ``log_format``, Apache's ``LogFormat``, Envoy's.

Sources: ngx_http_log_module and the variables of ngx_http_core_module; Apache's mod_log_config,
"Custom Log Formats"; Envoy's "Access logging: Command operators".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from benchlab.errors import InputError
from benchlab.plan.recording.fields import Meaning
from benchlab.plan.recording.moments import (
    Moment,
    read_clf,
    read_epoch,
    read_iso,
    read_strftime,
)

__all__ = ["Piece", "Variable", "parse_format"]


class Variable(NamedTuple):
    """A value in a format: as it is written there, and what it means.

    ``read`` reads a time, which is that of the response if it has ``ended``. ``rank`` orders times:
    the least is the best.
    """

    written: str
    meaning: Meaning = Meaning.NOTHING
    read: Callable[[str], Moment | None] | None = None
    ended: bool = False
    rank: int = 0
    form: str = ""
    """The part of a time that Apache writes in several parts, as ``strftime`` has it."""


Piece = str | Variable
"""A literal text, or a variable."""

_DIRECTIVE = re.compile(r"\s*(log_format|LogFormat|CustomLog|access_log_format)\b", re.IGNORECASE)
_QUOTED = re.compile(r"""'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)\"""", re.DOTALL)
_NGINX = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_APACHE = re.compile(r"%(?:%|(?:!?[\d,]+)?[<>]?(?:\{([^}]*)\})?(\^[a-z]{2}|[A-Za-z]))")
_ENVOY = re.compile(r"%([A-Z][A-Z0-9_]{2,})(?:\(((?:[^()]|\([^()]*\))*)\))?(?::\d+)?%")

_NGINX_TIMES: dict[str, tuple[Callable[[str], Moment | None], int]] = {
    "msec": (partial(read_epoch, per_s=1), 0),
    "time_iso8601": (read_iso, 1),
    "time_local": (read_clf, 2),
}
_NGINX_MEANINGS = {
    "request": Meaning.REQUEST,
    "request_method": Meaning.METHOD,
    "request_uri": Meaning.TARGET,
    "uri": Meaning.PATH,
    "document_uri": Meaning.PATH,
    "args": Meaning.QUERY,
    "query_string": Meaning.QUERY,
    "host": Meaning.HOST,
    "http_host": Meaning.HOST,
    "server_name": Meaning.HOST,
    "status": Meaning.STATUS,
    "request_time": Meaning.SECONDS,
    "remote_addr": Meaning.CLIENT,
    "realip_remote_addr": Meaning.CLIENT,
    "http_x_forwarded_for": Meaning.FORWARDED,
    "proxy_add_x_forwarded_for": Meaning.FORWARDED,
    "http_user_agent": Meaning.AGENT,
    "uid_got": Meaning.SESSION,
    "connection": Meaning.CONNECTION,
    "content_length": Meaning.BODY_BYTES,
    "http_content_length": Meaning.BODY_BYTES,
    "content_type": Meaning.CONTENT_TYPE,
    "http_content_type": Meaning.CONTENT_TYPE,
    "http_upgrade": Meaning.UPGRADE,
}
_APACHE_MEANINGS = {
    "r": Meaning.REQUEST,
    "m": Meaning.METHOD,
    "U": Meaning.PATH,
    "q": Meaning.QUERY,
    "v": Meaning.HOST,
    "V": Meaning.HOST,
    "s": Meaning.STATUS,
    "h": Meaning.CLIENT,
    "a": Meaning.CLIENT,
    "D": Meaning.MICROSECONDS,
}
_APACHE_UNITS = {
    "": Meaning.SECONDS,
    "s": Meaning.SECONDS,
    "ms": Meaning.MILLISECONDS,
    "us": Meaning.MICROSECONDS,
}
_HEADERS = {
    "host": Meaning.HOST,
    ":authority": Meaning.HOST,
    ":method": Meaning.METHOD,
    ":path": Meaning.TARGET,
    "x-envoy-original-path": Meaning.TARGET,
    "user-agent": Meaning.AGENT,
    "x-forwarded-for": Meaning.FORWARDED,
    "content-length": Meaning.BODY_BYTES,
    "content-type": Meaning.CONTENT_TYPE,
    "upgrade": Meaning.UPGRADE,
}
_EPOCHS = {"sec": 1, "msec": 1_000, "usec": 1_000_000}
_FRACTIONS = {"msec_frac": Meaning.FRACTION_MS, "usec_frac": Meaning.FRACTION_US}
_ENVOY_MEANINGS = {
    "RESPONSE_CODE": Meaning.STATUS,
    "DURATION": Meaning.MILLISECONDS,
    "BYTES_RECEIVED": Meaning.BODY_BYTES,
    "CONNECTION_ID": Meaning.CONNECTION,
    "DOWNSTREAM_REMOTE_ADDRESS": Meaning.CLIENT,
    "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT": Meaning.CLIENT,
    "DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT": Meaning.CLIENT,
}
_ENVOY_FRACTION = re.compile(r"%[1-9]?f")
_FORM = re.compile(r"%[A-Za-z%]")
_PYTHON_FORMS = {"%T": "%H:%M:%S", "%R": "%H:%M", "%F": "%Y-%m-%d", "%D": "%m/%d/%y", "%e": "%d"}


def parse_format(text: str) -> list[Piece]:
    """The pieces of a format string; a whole directive of a configuration may be given.

    Raises:
        InputError: it has no variable, or is of no known server.
    """
    form = _without_directive(text)
    if _NGINX.search(form):
        pieces = _pieces(form, _NGINX, _nginx)
    elif _ENVOY.search(form):
        pieces = _pieces(form, _ENVOY, _envoy)
    else:
        pieces = _pieces(form, _APACHE, _apache)
    if not any(isinstance(piece, Variable) for piece in pieces):
        raise InputError(
            "is not the format of a log",
            field="format",
            value=text[:80],
            remedy="give auto, common, combined, envoy, json, or the format string of the server,"
            " such as '$remote_addr [$time_local] \"$request\" $status'",
        )
    return pieces


def _without_directive(text: str) -> str:
    """The format in a line of a configuration: its quoted parts, joined as nginx joins them."""
    if not _DIRECTIVE.match(text):
        return text.strip("\r\n")
    parts = [single or double for single, double in _QUOTED.findall(text)]
    return re.sub(r"\\([\"'\\])", r"\1", "".join(parts)) if parts else text


def _pieces(
    form: str, pattern: re.Pattern[str], variable: Callable[[re.Match[str]], Piece]
) -> list[Piece]:
    found: list[Piece] = []
    place = 0
    for match in pattern.finditer(form):
        for piece in (form[place : match.start()], variable(match)):
            if isinstance(piece, str) and found and isinstance(found[-1], str):
                found[-1] += piece
            elif piece:
                found.append(piece)
        place = match.end()
    return [*found, form[place:]] if form[place:] else found


def _nginx(match: re.Match[str]) -> Piece:
    name = match[1] or match[2]
    if name in _NGINX_TIMES:  # of all the response was sent: when nginx writes the line
        read, rank = _NGINX_TIMES[name]
        return Variable(match[0], read=read, ended=True, rank=rank)
    if name.startswith("cookie_") or (name.startswith("http_") and "session" in name):
        return Variable(match[0], Meaning.SESSION)
    return Variable(match[0], _NGINX_MEANINGS.get(name, Meaning.NOTHING))


def _apache(match: re.Match[str]) -> Piece:
    written, argument, letter = match[0], match[1] or "", match[2]
    if written == "%%":
        return "%"
    if letter == "t":
        return _apache_time(written, argument)
    if letter == "T":
        return Variable(written, _APACHE_UNITS.get(argument, Meaning.NOTHING))
    if letter == "C":
        return Variable(written, Meaning.SESSION)
    if letter == "i":
        return Variable(written, _header(argument))
    return Variable(written, _APACHE_MEANINGS.get(letter, Meaning.NOTHING))


def _apache_time(written: str, argument: str) -> Variable:
    """``%t`` in one of its forms; without ``end:`` it is when the request was received."""
    when, colon, form = argument.partition(":")
    ended = bool(colon) and when == "end"
    if not (colon and when in ("begin", "end")):
        form = argument
    if not form:
        return Variable(written, read=read_clf, ended=ended, rank=2)
    if form in _EPOCHS:
        read = partial(read_epoch, per_s=_EPOCHS[form])
        return Variable(written, read=read, ended=ended, rank=1 if form == "sec" else 0)
    if form in _FRACTIONS:
        return Variable(written, _FRACTIONS[form])
    return Variable(written, ended=ended, rank=2, form=_python_form(form))


def _envoy(match: re.Match[str]) -> Piece:
    written, name, argument = match[0], match[1], match[2] or ""
    if name == "START_TIME":
        if not argument:
            return Variable(written, read=read_iso)
        form = _python_form(_ENVOY_FRACTION.sub("%f", argument))
        if form in ("%s", "%s.%f"):
            return Variable(written, read=partial(read_epoch, per_s=1))
        return Variable(written, read=partial(read_strftime, form=form))
    if name == "REQ":
        first, _, second = argument.partition("?")
        return Variable(written, _header(second) or _header(first))
    return Variable(written, _ENVOY_MEANINGS.get(name, Meaning.NOTHING))


def _header(name: str) -> Meaning:
    lower = name.lower()
    return Meaning.SESSION if "session" in lower else _HEADERS.get(lower, Meaning.NOTHING)


def _python_form(form: str) -> str:
    """A format of C's ``strftime`` as Python reads it."""
    return _FORM.sub(lambda found: _PYTHON_FORMS.get(found[0], found[0]), form)
