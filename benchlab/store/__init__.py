"""Where runs are kept: ClickHouse, embedded in this process or served.

`Store` is the whole interface. Importing this package is cheap; the engine and its client are
loaded when a store is opened.
"""

from __future__ import annotations

from benchlab.store.store import Store

__all__ = ["Store"]
