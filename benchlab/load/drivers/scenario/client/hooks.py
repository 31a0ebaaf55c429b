"""What a `WireClient` asks and reports while it sends the requests of a scenario.

The client is an `httpx.AsyncClient`. A request that needs none of httpx's machinery takes a quick
way, which calls these hooks. Any other one is built by httpx and passed to the client's `send`,
whose overrides see it as with any client of httpx; its `Job` is in the request's extension `JOB`.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

import httpx

from benchlab.load.drivers.httpx.client import JOB, Job

__all__ = ["JOB", "Hooks", "Job"]


class Hooks(Protocol):
    """The scenario's side of a client: its steps.

    The job of a request is the step that it belongs to. While a connection is opened for it, the
    client sets its ``failed_in_tls`` and adds ``NEW_CONNECTION`` to its ``flags``.
    """

    def current(self) -> Job | None:
        """The job that a request sent now belongs to; None outside of steps."""

    def alone(self, method: str, path: str) -> AbstractAsyncContextManager[Job]:
        """A job for one request outside of steps; ``path`` is decoded, without the query."""

    def lines(self, job: Job) -> bytes:
        """Complete header lines to add to a request that has no ``traceparent`` of its own."""

    def responded(
        self, job: Job, response: httpx.Response, connection: int, first_byte: int
    ) -> None:
        """A response is complete; ``first_byte`` is the time of its first byte in ns.

        Responses that httpx's machinery reads (streams, redirects) are not reported: `send` returns
        them.
        """
