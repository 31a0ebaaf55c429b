"""The kernel of a headless notebook, without output on the terminal."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

__all__ = ["kernel_manager", "quiet_papermill"]


def kernel_manager(log: IO[bytes]) -> Any:
    """A manager for one kernel, whose standard error goes to the file ``log``.

    Output of cells is not affected: it is in the notebook. Sockets are in the file system where
    the platform allows: kernels that start together do not race for ports, and no other user of
    the machine can connect.
    """
    from jupyter_client.manager import AsyncKernelManager

    class QuietKernelManager(AsyncKernelManager):
        async def _async_pre_start_kernel(self, **kw: Any) -> tuple[list[str], dict[str, Any]]:
            return await super()._async_pre_start_kernel(stderr=log, **kw)

    return QuietKernelManager(kernel_name="python3", transport="tcp" if os.name == "nt" else "ipc")


@contextmanager
def quiet_papermill() -> Iterator[None]:
    """Silence papermill's log: benchlab reports failures itself."""
    logger = logging.getLogger("papermill")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)
