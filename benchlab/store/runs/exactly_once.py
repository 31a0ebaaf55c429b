"""Inserting what belongs to a run exactly once, whatever was cut off and whoever else is at it.

An insert carries a token, and one whose token was acknowledged before has no effect, so several
processes that save the same run to a server do no harm: they begin with the same tokens. Wrong
counts after that have one of three causes.

- Another saver is between two steps, such as a block and its rollups: then the counts change, and
  are looked at until they are right or have stood still for a while. How long that is, is drawn,
  and longer each time, so that of several savers one goes on before the others.
- The rows were pruned, and their tokens are still known: then there are none, nothing is removed,
  and all savers use the same second token.
- Rows of another content are in the way: then all are removed and inserted with a drawn token,
  while the others see the counts change, and wait. Two savers that remove within the same instant
  undo each other's work, find the counts wrong, and draw again.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchlab.inserts import once
from benchlab.runs.run import Run
from benchlab.store.client.connection import is_embedded

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

__all__ = ["insert_exactly", "insert_rows"]

_RUN = {"run_id": "LowCardinality(String)", "started_at": "DateTime64(9, 'UTC')"}
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
    """Let ``insert`` add what is missing until ``count`` is ``whole``; whether it came to that.

    ``insert`` is given what to end its tokens with; ``remove`` takes away all that was inserted.
    """
    drawn = (secrets.token_hex(4) for _ in range(_DRAWN))
    for tries, salt in enumerate(("", "1", *drawn)):
        insert(salt)
        quiet_s = 0 if is_embedded(client) else _QUIET_S * 2**tries  # embedded, nobody else is in
        found = _settled(count, whole, quiet_s * random.uniform(1, 2))
        if found == whole:
            return True
        if any(found):
            remove()
    return False


def _settled(
    count: Callable[[], tuple[int, ...]], whole: tuple[int, ...], quiet_s: float
) -> tuple[int, ...]:
    """The counts once they are ``whole``, or nobody has changed them for ``quiet_s``."""
    found, since, pause_s = count(), time.monotonic(), _FIRST_PAUSE_S
    while found != whole and time.monotonic() - since < quiet_s:
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        before, found = found, count()
        if found != before:
            since, pause_s = time.monotonic(), _FIRST_PAUSE_S
    return found


def insert_rows(
    client: Client,
    table: str,
    run: Run,
    columns: Mapping[str, tuple[str, NDArray[np.generic]]],
    token: str,
) -> None:
    """Insert rows of ``run`` into ``table``, unless an insert with this ``token`` was acknowledged.

    ``columns`` has the type and the values of each; the run's id and start are added.
    """
    count = len(next(iter(columns.values()))[1])
    types = {**_RUN, **{name: column_type for name, (column_type, _) in columns.items()}}
    context = client.create_insert_context(
        table,
        list(types),
        column_type_names=list(types.values()),
        column_oriented=True,
        settings=once(token),
    )
    context.data = [
        [run.id] * count,
        [run.started_at_ns] * count,
        *(np.ascontiguousarray(values) for _, values in columns.values()),
    ]
    try:
        client.insert(context=context)
    finally:
        # It refers to itself and to the values, and would keep them until the next full collection
        # of garbage: for a whole run, since that comes once in many inserts.
        context.data = [[] for _ in types]
