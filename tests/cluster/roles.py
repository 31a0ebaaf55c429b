"""What the processes of a cluster under test do, each until it is killed or done.

The first argument of each is called with what the process says to the test.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Mapping
from typing import Any

from distributed import Scheduler, Worker

import benchlab as bl
from benchlab.errors import BenchlabError
from benchlab.load.supervisor.progress import Progress

Say = Callable[[object], None]


def scheduler(say: Say, *, host: str, port: int) -> None:
    """Dask's scheduler at ``host``; it says its address."""

    async def serve() -> None:
        async with Scheduler(host=host, port=port, dashboard=False) as server:
            say(server.address)
            await server.finished()

    asyncio.run(serve())


def dask_worker(
    say: Say, *, scheduler: str, host: str, name: str, directory: str, patches: Mapping[str, Any]
) -> None:
    """A Dask worker at ``host``, without a nanny; it says its address.

    ``patches`` are values of attributes, by ``module:attribute``.
    """
    for place, value in patches.items():
        module, _, attribute = place.partition(":")
        setattr(importlib.import_module(module), attribute, value)

    async def serve() -> None:
        async with Worker(
            scheduler,
            nthreads=1,
            host=host,
            name=name,
            local_directory=directory,
            memory_limit=0,
        ) as server:
            say(server.address)
            await server.finished()

    asyncio.run(serve())


def parent(say: Say, *, plan: dict[str, Any], cluster: str, options: Mapping[str, Any]) -> None:
    """Carry out a plan by a cluster; says its progress, and at last what came of it."""

    def look(progress: Progress) -> None:
        say({"run": progress.run_id, "phase": progress.phase, "elapsed_s": progress.elapsed_s})

    try:
        run = bl.run(bl.Plan.from_dict(plan), on_progress=look, cluster=cluster, **options)
    except (BenchlabError, KeyboardInterrupt) as exc:
        say({"error": type(exc).__name__, "text": str(exc)})
        return
    say(
        {
            "run": run.id,
            "verdict": run.verdict,
            "reason": str(run.invalid_reason or ""),
            "count": len(run.samples),
            "hosts": [host.to_dict() for host in run.hosts],
        }
    )
