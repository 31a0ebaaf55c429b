"""Names and values that are given as a mapping, or as pairs where order or repetition matters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from benchlab.errors import InputError

__all__ = ["text_pairs"]


def text_pairs(what: str, given: Any) -> tuple[tuple[str, str], ...]:
    """``given``, for the setting called ``what``, as pairs of text in its order.

    Raises:
        InputError: neither a mapping nor pairs.
    """
    items = given.items() if isinstance(given, Mapping) else given
    if isinstance(items, Iterable) and not isinstance(items, str | bytes):
        pairs = list(items)
        if all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in pairs):
            return tuple((str(name), str(value)) for name, value in pairs)
    # Not shown as a whole: it may be a header with a secret.
    kind = type(given).__name__
    raise InputError(
        f"a {kind} cannot be read", field=what, remedy="give a mapping of names to values, or pairs"
    )
