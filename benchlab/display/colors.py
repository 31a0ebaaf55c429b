"""The colours of a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from benchlab.display.banner import Level

__all__ = ["COLORS"]

COLORS: Final[Mapping[Level, str]] = {
    "good": "green",
    "bad": "red",
    "caution": "yellow",
    "neutral": "blue",
}
