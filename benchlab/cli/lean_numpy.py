"""Import numpy without threads."""

from __future__ import annotations

import os

__all__ = ["import_numpy"]

_THREADS = "OPENBLAS_NUM_THREADS"


def import_numpy() -> None:
    """Import numpy without the threads that OpenBLAS starts for linear algebra.

    No command has any for them to do, and starting them costs a fifth of the CPU time of the
    import. The environment stays as it is for the processes that a command starts.
    """
    if _THREADS in os.environ:
        return
    os.environ[_THREADS] = "1"
    try:
        import numpy  # noqa: F401
    finally:
        del os.environ[_THREADS]
