"""Store runs and telemetry in ClickHouse, embedded in this process or on a server.

`Store` is the whole interface. Importing this package is cheap; the engine and its client are
loaded when a store is opened.
"""

from __future__ import annotations

from benchlab.store.store import Store

__all__ = ["Store"]
