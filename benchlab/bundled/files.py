"""Find the bundled files."""

from __future__ import annotations

from pathlib import Path

from benchlab.errors import InputError

__all__ = ["home_of", "target_home"]

_PACKAGE = Path(__file__).resolve().parents[1]


def target_home() -> Path:
    """The directory that contains the package ``target``.

    Raises:
        InputError: this installation lacks it.
    """
    return home_of("target")


def home_of(name: str) -> Path:
    """The directory that contains the bundled ``name``.

    Raises:
        InputError: this installation lacks it.
    """
    for home in (_PACKAGE / "_bundled", _PACKAGE.parent):
        if (home / name).is_dir():
            return home
    raise InputError(f"this installation lacks the bundled {name}: install the benchlab package")
