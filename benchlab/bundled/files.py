"""Where the bundled files are."""

from __future__ import annotations

from pathlib import Path

from benchlab.errors import InputError

__all__ = ["home_of", "target_home"]

_PACKAGE = Path(__file__).resolve().parents[1]


def target_home() -> Path:
    """The directory from which ``target`` is imported.

    Raises:
        InputError: this installation has no bundled target.
    """
    return home_of("target")


def home_of(name: str) -> Path:
    """The directory that holds the bundled ``name``.

    Raises:
        InputError: this installation does not have it.
    """
    for home in (_PACKAGE / "_bundled", _PACKAGE.parent):
        if (home / name).is_dir():
            return home
    raise InputError(f"this installation lacks the bundled {name}: install the benchlab package")
