"""Building the package as it is published."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

__all__ = ["build_wheel"]


def build_wheel(source: Path, directory: Path, **variables: str) -> Path:
    """The wheel of the checkout ``source``, made in ``directory``; with further ``variables``."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)],
        cwd=source,
        env={**os.environ, **variables},
        check=True,
        capture_output=True,
    )
    (wheel,) = directory.glob("*.whl")
    return wheel
