"""Exactly-once inserts, safe against crashes and concurrent savers.

An insert carries a token, and the server ignores an insert whose token it has acknowledged before.
So several processes can save the same run: they start with the same tokens. If the counts are
wrong after that, there are three possible causes.

- Another saver is between two steps, such as a block and its rollups. The counts change, and are
  polled until they are right or have been stable for a while. That while is drawn at random and
  grows, so that one of several savers proceeds before the others.
- The rows were pruned, and their tokens are still known. The counts are zero, nothing is removed,
  and all savers use the same second token.
- Rows with other content are stored. All are removed and inserted with a random token, while other
  savers see the counts change and wait. Two savers that remove at the same instant undo each
  other's work, find wrong counts, and draw new tokens.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from benchlab.errors import StoreError
from benchlab.runs.head import RunHead
from benchlab.store.client.connection import is_embedded
from benchlab.store.client.insert import Column, insert_columns
from benchlab.store.schema.replicated import stored

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

__all__ = ["insert_exactly", "insert_of_run", "insert_rows_of_run"]

_QUIET_S = 1.0
_FIRST_PAUSE_S = 0.02
_LONGEST_PAUSE_S = 0.25
_DRAWN = 3  # rounds with a token of their own


def insert_exactly(
    client: Client,
    insert: Callable[[str], None],
    count: Callable[[], tuple[int, ...]],
    whole: tuple[int, ...],
    remove: Callable[[], None],
) -> bool:
    """Call ``insert`` until ``count`` returns ``whole``; returns whether it did.

    ``insert`` adds what is missing and is given the end of its tokens; ``remove`` deletes all that
    was inserted.
    """
    drawn = (secrets.token_hex(4) for _ in range(_DRAWN))
    for tries, salt in enumerate(("", "1", *drawn)):
        insert(salt)
        quiet_s = 0 if is_embedded(client) else _QUIET_S * 2**tries  # embedded: no one else
        found = _settled(count, whole, quiet_s * random.uniform(1, 2))
        if found == whole:
            return True
        if any(found):
            remove()
    return False


def insert_rows_of_run(
    client: Client, table: str, run: RunHead, count: int, insert: Callable[[str], None]
) -> None:
    """Have the ``count`` rows of ``run`` in ``table`` exactly once, in one insert.

    ``insert`` inserts all of them, and is given the token.

    Raises:
        StoreError: the store does not hold them afterwards.
    """
    whole = (count,)

    def counted() -> tuple[int]:
        found = client.query(
            f"SELECT count() FROM {table} WHERE run_id = {{run_id:String}}",  # noqa: S608  # constants
            parameters={"run_id": run.id},
        )
        return (int(found.result_rows[0][0]),)

    def insert_missing(salt: str) -> None:
        if count and counted() != whole:
            insert(f"{table}:{run.id}:{salt}")

    def remove() -> None:
        client.command(
            f"DELETE FROM {stored(client, table)} WHERE run_id = {{run_id:String}}",  # noqa: S608
            parameters={"run_id": run.id},
        )

    if not insert_exactly(client, insert_missing, counted, whole, remove):
        raise StoreError(
            f"the {table} of run {run.id} could not be stored: save it again; what was"
            " measured stays on disk until that succeeds"
        )


def _settled(
    count: Callable[[], tuple[int, ...]], whole: tuple[int, ...], quiet_s: float
) -> tuple[int, ...]:
    """The counts once they are ``whole``, or have been stable for ``quiet_s``."""
    found, since, pause_s = count(), time.monotonic(), _FIRST_PAUSE_S
    while found != whole and time.monotonic() - since < quiet_s:
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        before, found = found, count()
        if found != before:
            since, pause_s = time.monotonic(), _FIRST_PAUSE_S
    return found


def insert_of_run(
    client: Client, table: str, run: RunHead, columns: Mapping[str, Column], token: str
) -> None:
    """Insert ``columns`` with the run's id and start, each ``token`` only once."""
    start = ("DateTime64(9, 'UTC')", run.started_at_ns)
    insert_columns(client, table, {"run_id": run.id, "started_at": start, **columns}, token)
