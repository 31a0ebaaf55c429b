"""What disturbs the load generator, or the whole machine, while a trial runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import psutil

__all__ = ["disturbed"]

_BURN = """
import os
parent = os.getppid()
while os.getppid() == parent:
    pass
"""
_WORKER = "benchlab.load.worker"


@contextmanager
def disturbed(beside: dict[str, Any], seed: int) -> Iterator[None]:
    """Carry out what `tests.trials.trial.Trial.beside` says, while inside."""
    ended = threading.Event()
    burners: list[subprocess.Popen[bytes]] = []
    thread = threading.Thread(target=_disturb, args=(beside, seed, ended, burners))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        for burner in burners:
            burner.kill()
            burner.wait()


def _workers() -> list[psutil.Process]:
    found = []
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if _WORKER in child.cmdline():
                found.append(child)
    return found


def _disturb(
    beside: dict[str, Any],
    seed: int,
    ended: threading.Event,
    burners: list[subprocess.Popen[bytes]],
) -> None:
    if not beside:
        return
    while not (workers := _workers()):
        if ended.wait(0.05):
            return
    if "freeze_ms" in beside:
        _freeze(workers[0], beside, np.random.default_rng(seed), ended)
        return
    burners += [subprocess.Popen([sys.executable, "-c", _BURN]) for _ in range(beside["burn_all"])]


def _freeze(
    worker: psutil.Process,
    beside: dict[str, Any],
    rng: np.random.Generator,
    ended: threading.Event,
) -> None:
    """Stop the worker's process again and again."""
    ended.wait(0.7)  # until it is ready
    while not ended.wait(float(rng.exponential(beside["gap_ms"])) / 1e3 + 0.02):
        with suppress(ProcessLookupError):
            os.kill(worker.pid, signal.SIGSTOP)
            time.sleep(beside["freeze_ms"] / 1e3 * float(rng.uniform(0.6, 1.4)))
            os.kill(worker.pid, signal.SIGCONT)
