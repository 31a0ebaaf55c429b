"""What travels with benchlab: the service under test, the notebooks, a server of known latency.

The first two stand beside the package in a checkout and are inside it in a wheel. Either way they
are files here, never imported as a part of benchlab.
"""

from __future__ import annotations

from benchlab.bundled.files import copy_notebooks, notebook_path, target_home
from benchlab.bundled.process import (
    LatencyServerProcess,
    TargetProcess,
    start_latency_server,
    start_target,
)

__all__ = [
    "LatencyServerProcess",
    "TargetProcess",
    "copy_notebooks",
    "notebook_path",
    "start_latency_server",
    "start_target",
    "target_home",
]
