"""Call a function of benchlab inside a Dask worker, without a task of Dask.

A task, or an actor, would wait for a free thread of the Dask worker, be lost with a short break of
the client's connection, and hang when its Dask worker dies. So `install` adds an operation to those
that a Dask worker serves. Each call has a thread of its own while it lasts: the event loop of the
Dask worker stays free, and nothing is left.
"""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchlab.errors import BenchlabError, error_to_data

__all__ = ["OPERATION", "install", "packed"]

OPERATION = "benchlab"
"""The name of the operation; its message has the ``work`` and whether it is done ``inline``."""


def install(dask_worker: Any) -> None:
    """Add the operation to a Dask worker. May be repeated."""
    dask_worker.handlers[OPERATION] = execute


def packed(function: Callable[..., Any], *args: Any) -> bytes:
    """A call as the operation takes it. The function is one of benchlab's modules."""
    return pickle.dumps((function, args))


async def execute(work: bytes, inline: bool = False) -> dict[str, Any]:
    """Carry out a `packed` call: ``inline`` in the event loop, where it must not block."""
    try:
        if inline:
            result = _call(work)
        else:
            thread = ThreadPoolExecutor(1, "benchlab")
            try:
                result = await asyncio.get_running_loop().run_in_executor(thread, _call, work)
            finally:
                thread.shutdown(wait=False)  # the event loop of the Dask worker goes on
    except BenchlabError as exc:
        return {"status": "error", "error": error_to_data(exc)}
    except Exception as exc:
        return {"status": "failed", "text": f"{type(exc).__name__}: {exc}"}
    return {"status": "OK", "result": result}


def _call(work: bytes) -> bytes:
    function, args = pickle.loads(work)
    return pickle.dumps(function(*args))
