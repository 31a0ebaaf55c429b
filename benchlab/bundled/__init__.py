"""What travels with benchlab: the service under test and the notebooks.

They stand beside the package in a checkout and are inside it in a wheel. Either way they
are files here, never imported as a part of benchlab.
"""

from __future__ import annotations

from benchlab.bundled.files import target_home
from benchlab.bundled.process import (
    TargetProcess,
    start_target,
)

__all__ = [
    "TargetProcess",
    "start_target",
    "target_home",
]
