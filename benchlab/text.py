"""Make foreign text safe to show; small grammar of messages."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["escaped", "listed", "one_line", "plain_cell", "plural", "printable"]

# Control characters; those that reorder or hide text (bidi controls, zero-width characters, tags);
# and halves of surrogate pairs, which have no encoding.
_HOSTILE = (
    "\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f"
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_DISTURBING = re.compile(f"[\x00-\x08\x0b-\x1f{_HOSTILE}]")
_UNPRINTABLE = re.compile(f"[\x00-\x1f{_HOSTILE}]+")


def printable(text: str) -> str:
    """``text`` with its lines, and a mark for each character that would disturb a page."""
    return _DISTURBING.sub("\ufffd", text.replace("\r\n", "\n"))


def escaped(text: str) -> str:
    """``text`` with an escape like TOML's for each character that would disturb a page.

    >>> escaped("a\\u202eb")
    'a\\\\u202Eb'
    """
    return _DISTURBING.sub(lambda found: _escape(ord(found[0])), text)


def _escape(code: int) -> str:
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"


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


def listed(items: Sequence[object], most: int = 3, separator: str = ", ") -> str:
    """The first items, and how many more there are.

    >>> listed(["alpha", "beta"]), listed(range(100))
    ('alpha, beta', '0, 1, 2 and 97 more')
    """
    more = len(items) - most
    return separator.join(map(str, items[:most])) + (f" and {more:,} more" if more > 0 else "")


def plural(count: int, noun: str) -> str:
    """``count`` with its noun: ``1 request``, ``1,200 requests``.

    >>> plural(1, "worker"), plural(1200, "request")
    ('1 worker', '1,200 requests')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
