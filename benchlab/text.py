"""Make foreign text safe to show; small grammar of messages."""

from __future__ import annotations

import re

__all__ = ["one_line", "plain_cell", "plural", "printable"]

_DISTURBING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff]")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff]+")


def printable(text: str) -> str:
    """``text`` with its lines, and a mark for each character that would disturb a page."""
    return _DISTURBING.sub("\ufffd", text.replace("\r\n", "\n"))


def one_line(text: str, length: int) -> str:
    """``text`` on one line of at most ``length`` characters, safe to print on a terminal."""
    line = " ".join(_UNPRINTABLE.sub(" ", text[: length * 4]).split())
    return line if len(line) <= length else f"{line[: length - 1]}…"


def plain_cell(text: str) -> str:
    """``text`` for a cell of a CSV file that people open: no spreadsheet takes it for a formula.

    What begins as a formula might (``= + - @``, a tab, a line end) gets an apostrophe before it, as
    OWASP advises on CSV injection.

    >>> plain_cell("=HYPERLINK(1)"), plain_cell("GET /")
    ("'=HYPERLINK(1)", 'GET /')
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def plural(count: int, noun: str) -> str:
    """``count`` with its noun: ``1 request``, ``1,200 requests``.

    >>> plural(1, "worker"), plural(1200, "request")
    ('1 worker', '1,200 requests')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
