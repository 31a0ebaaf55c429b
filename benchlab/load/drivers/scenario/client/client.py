"""The client: what httpx.AsyncClient does, and a quick way for ordinary requests."""

from __future__ import annotations

import httpx

from benchlab.load.drivers.scenario.client.hooks import Hooks

__all__ = ["WireClient"]


class WireClient(httpx.AsyncClient):
    """An `httpx.AsyncClient` on connections of our own. ``hooks`` None: no quick way."""

    hooks: Hooks | None = None
