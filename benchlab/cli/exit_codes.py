"""What the verdict of a run means to the caller of a command."""

from __future__ import annotations

from typing import Final

from benchlab.values.health import Verdict

__all__ = ["EXIT_CODES"]

EXIT_CODES: Final[dict[Verdict, int]] = {"valid": 0, "invalid": 1, "interrupted": 130}
"""Exit code of a command that made or reported a run with that verdict."""
