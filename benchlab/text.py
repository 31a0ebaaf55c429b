"""Make foreign text safe to show; small grammar of messages."""

from __future__ import annotations

import re

__all__ = ["escaped", "one_line", "plural", "printable"]

# Control characters; those that reorder or hide text (bidi controls, zero-width characters, tags);
# and halves of surrogate pairs, which have no encoding.
_HOSTILE = (
    "\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f"
)
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


def plural(count: int, noun: str) -> str:
    """``count`` with its noun: ``1 request``, ``1,200 requests``.

    >>> plural(1, "worker"), plural(1200, "request")
    ('1 worker', '1,200 requests')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
