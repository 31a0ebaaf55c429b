"""Settings of ClickHouse inserts: acknowledged means written; repeating one has no effect."""

from __future__ import annotations

from typing import Any

__all__ = ["DURABLE", "once"]

DURABLE: dict[str, Any] = {"async_insert": 0, "wait_end_of_query": 1}
"""An acknowledged insert is written. Servers buffer by default since 26.x."""


def once(token: str) -> dict[str, Any]:
    """Durable, and without effect if an insert with this ``token`` was acknowledged before."""
    return {**DURABLE, "insert_deduplication_token": token}
