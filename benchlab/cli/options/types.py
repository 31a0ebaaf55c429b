"""Parsers for values on the command line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from benchlab.errors import InputError
from benchlab.plan.targets import Targets
from benchlab.redact import public_url
from benchlab.units import parse_duration_s

__all__ = [
    "DURATION",
    "parse_axes",
    "parse_headers",
    "parse_moment",
    "parse_tags",
    "parse_targets",
    "read_body",
]

_NAMED_URL = re.compile(r"([^=/:?#]+)=(.+)", re.DOTALL)


class Duration(click.ParamType[float]):
    """A duration such as 500ms, 30s or 2m, or a number of seconds; the value is in seconds."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Convert the text to seconds."""
        if isinstance(value, int | float):
            return float(value)
        try:
            return parse_duration_s(str(value))
        except InputError as exc:
            self.fail(str(exc), param, ctx)


DURATION = Duration()


def parse_headers(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Parse ``Name: value`` pairs.

    Raises:
        InputError: a text has no colon or no name.
    """
    pairs = []
    for number, text in enumerate(texts, 1):
        name, colon, value = text.partition(":")
        if not colon or not name.strip():  # the text is not shown: it may be a secret
            raise InputError(f"--header number {number} has no colon: write 'Name: value'")
        pairs.append((name.strip(), value.strip()))
    return tuple(pairs)


def parse_tags(texts: Sequence[str]) -> dict[str, str]:
    """Parse ``key=value`` pairs.

    Raises:
        InputError: a text has no equals sign or no key.
    """
    tags = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise InputError(f"tag {text!r} has no equals sign: write key=value")
        tags[key] = value
    return tags


def parse_targets(texts: Sequence[str]) -> Targets:
    """Parse base URLs, which may all have a name: ``name=https://host:port``.

    Raises:
        InputError: only some have a name, or two have the same.
    """
    pairs = [_NAMED_URL.fullmatch(text) for text in texts]
    if not any(pairs):
        return texts
    named: dict[str, str] = {}
    for text, pair in zip(texts, pairs, strict=True):
        if pair is None:
            raise InputError(
                f"--target {public_url(text)} has no name, and others have: write NAME=URL for all"
            )
        name, url = pair.groups()
        if name in named:
            raise InputError(f"two targets are called {name}: give each its own name")
        named[name] = url
    return named


def parse_moment(text: str, field: str) -> datetime:
    """Parse an age (``7d``) to the time that long ago, or an ISO date or time (UTC by default).

    Raises:
        InputError: neither an age nor a date.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            return datetime.now(UTC) - timedelta(seconds=parse_duration_s(text))
        except (InputError, OverflowError):
            raise InputError(
                "is neither an age nor a date",
                field=field,
                value=text,
                remedy="write it as 7d, or as 2026-11-28",
            ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def parse_axes(texts: Sequence[str]) -> dict[str, list[str]]:
    """Parse the axes of a grid, each ``name=v1,v2``.

    Raises:
        InputError: an axis has no name or no values, or a name is repeated.
    """
    axes: dict[str, list[str]] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        parts = [value.strip() for value in values.split(",")]
        if not equals or not name or parts == [""]:
            raise InputError(f"axis {text!r} cannot be read: write name=v1,v2")
        if name in axes:
            raise InputError(f"the axis {name} is given twice: put all its values in one")
        axes[name] = parts
    return axes


def read_body(text: str) -> bytes:
    """The request body given as TEXT or as @FILE.

    Raises:
        InputError: the file cannot be read.
    """
    if not text.startswith("@"):
        return text.encode()
    try:
        return Path(text[1:]).read_bytes()
    except OSError as exc:
        raise InputError(f"cannot read the body from {text[1:]}: {exc.strerror}") from exc
