"""The kernel that a headless notebook runs in, kept quiet."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

__all__ = ["kernel_manager", "quiet_papermill"]


def kernel_manager(log: IO[bytes]) -> Any:
    """A manager for one kernel, whose own words go to the file ``log`` instead of the terminal.

    What cells print is not concerned: that is in the notebook. Sockets are in the file system
    where there is that choice: kernels that start together do not race for ports, and nobody else
    on the machine can reach this one.
    """
    from jupyter_client.manager import AsyncKernelManager

    class QuietKernelManager(AsyncKernelManager):
        async def _async_pre_start_kernel(self, **kw: Any) -> tuple[list[str], dict[str, Any]]:
            return await super()._async_pre_start_kernel(stderr=log, **kw)

    return QuietKernelManager(kernel_name="python3", transport="tcp" if os.name == "nt" else "ipc")


@contextmanager
def quiet_papermill() -> Iterator[None]:
    """Without papermill's own log lines; failures are told by benchlab."""
    logger = logging.getLogger("papermill")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
