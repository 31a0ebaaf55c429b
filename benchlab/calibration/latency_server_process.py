"""Start the known-latency server in a process of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from benchlab.bundled.process import BundledProcess, start_process

__all__ = ["LatencyServerProcess", "start_latency_server"]


class LatencyServerProcess(BundledProcess):
    """A running known-latency server.

    ``timer`` is the lateness of its timer, measured before it served. ``holds`` is the file with
    the recorded holds, complete once the server has stopped.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], url: str, timer: dict[str, Any], holds: Path
    ) -> None:
        super().__init__(process, url)
        self.timer = timer
        self.holds = holds


def start_latency_server(holds: Path, core: int | None = None) -> LatencyServerProcess:
    """Start the known-latency server on the loopback interface and wait until it is ready.

    When it ends, it writes the file ``holds``, which
    `benchlab.calibration.latency_server.read_holds` reads. It runs on ``core``, or on any if that
    is None.

    Raises:
        TargetError: it did not start; the message has the last line of its log.
    """
    options = {"holds": str(holds.absolute()), "core": core}
    process, announced = start_process(
        "benchlab.calibration.latency_server", options, "known-latency server"
    )
    return LatencyServerProcess(process, announced["url"], announced["timer"], holds)
