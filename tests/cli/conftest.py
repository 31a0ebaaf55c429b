"""Fixtures: commands in this process, and a copy of an empty store, quicker than creating one."""

from __future__ import annotations

from tests.cli.in_process import benchlab_here
from tests.stores import closed_store, empty_store

__all__ = ["benchlab_here", "closed_store", "empty_store"]
