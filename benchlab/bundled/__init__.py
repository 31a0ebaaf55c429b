"""The files that ship with benchlab: the service under test and the notebooks.

In a checkout they are next to the package, in a wheel inside it. They are only used as files and
never imported as part of benchlab.

files.py    find the files
process.py  start a bundled server in a process of its own
serve.py    serve the bundled target
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
