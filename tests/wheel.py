"""Building the package as it is published."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

__all__ = ["build_wheel"]


def build_wheel(source: Path, directory: Path) -> Path:
    """The wheel of the checkout ``source``, made in ``directory``."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)],
        cwd=source,
        check=True,
        capture_output=True,
    )
    (wheel,) = directory.glob("*.whl")
    return wheel
