"""The known-latency server as a process of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from benchlab.bundled.process import BundledProcess, start_process

__all__ = ["LatencyServerProcess", "start_latency_server"]


class LatencyServerProcess(BundledProcess):
    """A running known-latency server. ``timer`` is how late its timer went off before it served;
    ``holds`` is its record of each traced request, a file complete once it has stopped.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], url: str, timer: dict[str, Any], holds: Path
    ) -> None:
        super().__init__(process, url)
        self.timer = timer
        self.holds = holds


def start_latency_server(holds: Path, core: int | None = None) -> LatencyServerProcess:
    """Start the known-latency server on the loopback interface and wait until it is up.

    It writes ``holds`` when it ends; `benchlab.calibration.latency_server.read_holds` reads that.
    ``core`` is the one to run on; None: any.

    Raises:
        TargetError: it did not come up; the message has the last line of its log.
    """
    options = {"holds": str(holds.absolute()), "core": core}
    process, announced = start_process(
        "benchlab.calibration.latency_server", options, "known-latency server"
    )
    return LatencyServerProcess(process, announced["url"], announced["timer"], holds)
