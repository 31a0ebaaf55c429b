"""Where benchlab keeps things on this machine."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["data_dir", "spool_root"]


def data_dir() -> Path:
    """``BENCHLAB_DATA_DIR``, or the user's data directory for benchlab. Not created here."""
    configured = os.environ.get("BENCHLAB_DATA_DIR")
    if configured:
        return Path(configured).expanduser().absolute()
    from platformdirs import user_data_path

    return user_data_path("benchlab", appauthor=False)


def spool_root() -> Path:
    """The directory that holds one spool directory per unsaved run."""
    return data_dir() / "spool"
