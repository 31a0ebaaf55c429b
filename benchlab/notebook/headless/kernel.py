"""The kernel of a headless notebook: its own address, and no output on the terminal."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

__all__ = ["KERNEL", "kernel_manager", "quiet_papermill"]

KERNEL = "python3"

_LONGEST_SOCKET_PATH = 103  # bytes; on Linux 107 (unix(7)), on macOS 103
_DIRECTORY_PREFIX = "benchlab-kernel-"
_CONNECTION_FILE = "k.json"  # short, since jupyter_client names the sockets after it: k-ipc-1 …


@contextmanager
def kernel_manager(log: IO[bytes]) -> Iterator[Any]:
    """A manager for one kernel, whose standard error goes to the file ``log``.

    Output of cells is not affected: it is in the notebook. Sockets are files in a private directory
    of this kernel where the platform allows: kernels that start together do not race for ports,
    kernels in one working directory do not meet, and no other user of the machine can connect. The
    directory is removed at the end.
    """
    from jupyter_client.manager import AsyncKernelManager

    class QuietKernelManager(AsyncKernelManager):
        async def _async_pre_start_kernel(self, **kw: Any) -> tuple[list[str], dict[str, Any]]:
            return await super()._async_pre_start_kernel(stderr=log, **kw)

    parent = _parent_for_sockets()
    with tempfile.TemporaryDirectory(prefix=_DIRECTORY_PREFIX, dir=parent) as directory:
        yield QuietKernelManager(
            kernel_name=KERNEL,
            transport="tcp" if parent is None else "ipc",
            connection_file=str(Path(directory) / _CONNECTION_FILE),
        )


def _parent_for_sockets() -> str | None:
    """Where a directory for sockets can be made whose path is short enough; None: nowhere."""
    if os.name == "nt":
        return None
    below = f"/{_DIRECTORY_PREFIX}12345678/k-ipc-5"
    for parent in (tempfile.gettempdir(), "/tmp"):
        length = len(os.fsencode(parent)) + len(below)
        if length <= _LONGEST_SOCKET_PATH and os.access(parent, os.W_OK | os.X_OK):
            return parent
    return None


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
