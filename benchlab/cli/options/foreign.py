"""Recognise the options of other load generators, and name the option to use instead.

Some of them would be taken for something else: ``-d 5s`` is the body "5s" here, and five seconds
for wrk, k6 and autocannon. Those are refused too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import click

from benchlab.errors import InputError
from benchlab.units import parse_duration_s

__all__ = ["FOREIGN", "Meaning", "refuse_foreign"]


class Meaning(NamedTuple):
    """What an option means, and the ``option`` of ``benchlab run`` for that."""

    option: str
    what: str


_BODY = Meaning("--body", "the request body")
_BODY_FILE = Meaning("--body @FILE", "the file with the request body")
_CONNECTIONS = Meaning("--connections", "the number of users")
_COOKIE = Meaning("--cookie", "a cookie")
_COUNT = Meaning("--requests", "the number of requests")
_DRAIN = Meaning("--drain", "the time for open requests to finish")
_DURATION = Meaning("--duration", "the length of the run")
_INSECURE = Meaning("--insecure", "any certificate")
_METHOD = Meaning("--method", "the HTTP method")
_NEW_CONNECTIONS = Meaning("--no-keep-alive", "a connection for every request")
_RATE = Meaning("--rate", "requests per second, of all connections together")
_RESULTS = Meaning("--json FILE", "the results")
_SCENARIO = Meaning("--scenario", "what users do, in Python")
_SERVER_NAME = Meaning("--server-name", "the name in the certificate")
_STAGES = Meaning("--stages", "a rate that varies")
_TIMEOUT = Meaning("--timeout", "the time limit of a request")
_TYPE = Meaning("--header 'Content-Type: …'", "the type of the body")
_USER = Meaning("--user", "name and password")
_WORKERS = Meaning("--workers", "the number of processes")

FOREIGN: Mapping[str, Mapping[str, Meaning]] = {
    "-A": {"ab": _USER, "hey, oha": Meaning("--header 'Accept: …'", "what is accepted")},
    "-C": {"ab": _COOKIE},
    "-D": {"hey, oha": _BODY_FILE},
    "-E": {"autocannon": Meaning("--expect-equals", "the expected body")},
    "-O": {"autocannon": _COUNT},
    "-R": {"wrk2, autocannon": _RATE},
    "-S": {"autocannon": Meaning("--unix-socket", "a Unix socket")},
    "-T": {"hey, ab, oha": _TYPE},
    "-W": {"autocannon": Meaning("--warmup", "the length of the warm-up")},
    "-a": {"hey, oha": _USER, "autocannon": _COUNT},
    "-b": {"autocannon, bombardier": _BODY, "curl": _COOKIE},
    "-body": {"vegeta": _BODY_FILE},
    "-f": {"locust": _SCENARIO, "bombardier": _BODY_FILE},
    "-i": {"k6": _COUNT, "autocannon": _BODY_FILE},
    "-j": {"autocannon": _RESULTS},
    "-m": {"hey, ab, oha, autocannon": _METHOD, "curl": _TIMEOUT},
    "-n": {"ab, hey, oha, bombardier": _COUNT},
    "-o": {"k6, hey, oha": _RESULTS},
    "-p": {"ab": _BODY_FILE},
    "-q": {"hey, oha": _RATE},
    "-s": {
        "wrk": _SCENARIO,
        "k6": _STAGES,
        "ab": _TIMEOUT,
        "locust": _DRAIN,
        "autocannon": _SERVER_NAME,
    },
    "-t": {
        "wrk": _WORKERS,
        "ab, locust, fortio": _DURATION,
        "hey, oha, autocannon, bombardier": _TIMEOUT,
    },
    "-z": {"hey, oha": _DURATION},
    "--amount": {"autocannon": _COUNT},
    "--data": {"curl": _BODY},
    "--data-binary": {"curl": _BODY},
    "--data-raw": {"curl": _BODY},
    "--disable-keepalive": {"hey, oha": _NEW_CONNECTIONS},
    "--import-paths": {"ghz": Meaning("--import-path", "where imports begin")},
    "--insecure-skip-tls-verify": {"k6": _INSECURE},
    "--iterations": {"k6": _COUNT},
    "--max-workers": {"vegeta": Meaning("--max-connections", "the most connections")},
    "--metadata": {"ghz": Meaning("--header", "metadata of the call")},
    "--no-connection-reuse": {"k6": _NEW_CONNECTIONS},
    "--out": {"k6": _RESULTS},
    "--overallRate": {"autocannon": _RATE},
    "--qps": {"fortio": _RATE},
    "--request": {"curl": _METHOD},
    "--root-certs": {"vegeta": Meaning("--ca-file", "authorities to trust")},
    "--rps": {"k6": _RATE},
    "--run-time": {"locust": _DURATION},
    "--script": {"wrk": _SCENARIO},
    "--stage": {"k6": _STAGES},
    "--stop-timeout": {"locust": _DRAIN},
    "--summary-export": {"k6": _RESULTS},
    "--threads": {"wrk": _WORKERS},
    "--users": {"locust": _CONNECTIONS},
    "--vus": {"k6": _CONNECTIONS},
}
"""Options that ``benchlab run`` has not: their meaning for the tools that have them."""

_SHOWN = re.compile(r"[\d.]+[a-z]*", re.ASCII | re.IGNORECASE)  # anything else may be a secret


def _is_duration(value: str) -> bool:
    try:
        parse_duration_s(value)
    except InputError:
        return False
    return True


def _body(value: str) -> str:
    if not _is_duration(value):
        return ""
    length = value if value.strip()[-1:].isalpha() else f"{value}s"
    return (
        f"-d {value} would be the request body: write --duration {length} for the length of the"
        f" run, or --body {value} for that body"
    )


def _user(value: str) -> str:
    if not value.isdecimal():
        return ""
    return (
        f"-u {value} would be a name for authentication: write --connections {value} for the number"
        " of users"
    )


def _header(value: str) -> str:
    if not re.match(r"https?://", value, re.IGNORECASE):
        return ""
    return "-H with a URL would be a header: write the URL without -H"


_MISTAKEN: Mapping[str, Callable[[str], str]] = {"-d": _body, "-u": _user, "-H": _header}
"""Short options that mean something else elsewhere: what is wrong with a value, or nothing."""


def refuse_foreign(command: click.Command, words: Sequence[str]) -> None:
    """Refuse options of other tools among the arguments ``words``.

    Raises:
        InputError: there is one; the message names the option to use.
    """
    for name, value in _typed(command, words):
        if name in _MISTAKEN:
            if problem := _MISTAKEN[name](value):
                raise InputError(problem)
        elif name in FOREIGN:
            raise InputError(_describe(name, value))


def _describe(name: str, value: str) -> str:
    shown = f" {value}" if _SHOWN.fullmatch(value) else ""
    *others, last = (
        f"{option}{shown} for {what} ({tools})" for tools, (option, what) in FOREIGN[name].items()
    )
    return f"there is no {name}: write {', '.join(others)}{' or ' if others else ''}{last}"


def _typed(command: click.Command, words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each option in ``words`` with its value, empty if it has none.

    Raises:
        InputError: a long option is written with one hyphen, as Go's flags are.
    """
    options = {
        name: parameter
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for name in (*parameter.opts, *parameter.secondary_opts)
    }
    left = iter(words)
    for word in left:
        if word == "--":
            return
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            known = options.get(name)
            if not equals and (known is None or not known.is_flag):
                value = next(left, "")
            yield name, value
        elif word.startswith("-") and len(word) > 1:
            name, equals, value = word.partition("=")
            long = f"-{name}"
            if len(name) > 2 and (name in FOREIGN or long in FOREIGN):
                yield name if name in FOREIGN else long, value or next(left, "")
            elif long in options:
                raise InputError(f"{name} has one hyphen: write {long}{equals}{value}")
            else:
                yield from _short(word, options, left)


def _short(
    word: str, options: Mapping[str, click.Option], left: Iterator[str]
) -> Iterator[tuple[str, str]]:
    """The short options in ``word``, such as ``-kd``; the value of the last one may follow it."""
    for index, letter in enumerate(word[1:], 2):
        known = options.get(f"-{letter}")
        if known is not None and known.is_flag:
            yield f"-{letter}", ""
            continue
        yield f"-{letter}", word[index:] or next(left, "")
        return
