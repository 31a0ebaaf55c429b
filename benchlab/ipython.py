"""The IPython shell that this process runs in, if it is one; IPython is not imported for it."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["running_shell"]


def running_shell() -> Any:
    """IPython's shell in this process, in a terminal or a kernel; None if there is none."""
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()
