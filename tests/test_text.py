"""Foreign text made safe to show."""

from __future__ import annotations

import pytest

from benchlab.text import escaped, one_line, printable

HOSTILE = [
    "\x00", "\x1b", "\r", "\x7f", "\x9b", "\x85", "\u061c", "\u200b", "\u200e", "\u200f", "\u2028",
    "\u202e", "\u2066", "\ufeff", "\ufff9", "\udc9b", "\U000e0041",
]  # fmt: skip


@pytest.mark.parametrize("character", HOSTILE, ids=ascii)
def test_characters_that_control_or_reorder_are_marked(character: str) -> None:
    assert printable(f"a{character}b") == "a\ufffdb"
    assert one_line(f"a{character}b", 9) == "a b"
    assert escaped(f"a{character}b").isascii()


@pytest.mark.parametrize("text", ["a\tb\nc", "é – 日本 👩\u200d👩", "می\u200cخواهم"])
def test_other_text_is_unchanged(text: str) -> None:
    assert printable(text) == text
    assert escaped(text) == text


def test_lines_of_windows_are_lines() -> None:
    assert printable("a\r\nb") == "a\nb"
