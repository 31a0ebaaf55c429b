"""A ClickHouse server's HTTP interface over the embedded engine, for tests.

`start_front` runs it as a process of its own on a free loopback port, so that a real client goes
over a real socket to the real engine. What it speaks is in `server`; what it leaves out: access
rights beyond read-only users, external tables, asynchronous inserts and replication.
"""

from __future__ import annotations

from tests.clickhouse_front.process import Fault, Front, start_front

__all__ = ["Fault", "Front", "start_front"]
