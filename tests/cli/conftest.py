"""An empty store for commands to open, which is quicker than making one; and commands in here."""

from __future__ import annotations

from tests.cli.in_process import benchlab_here
from tests.stores import closed_store, empty_store

__all__ = ["benchlab_here", "closed_store", "empty_store"]
