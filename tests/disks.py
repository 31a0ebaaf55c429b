"""Small disks that fill up for real."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

__all__ = ["fill", "mounted_disk"]


@contextlib.contextmanager
def mounted_disk(place: Path, size_mb: int = 24) -> Iterator[None]:
    """Mount a disk of ``size_mb`` megabytes at ``place``, which is made. Skips without root."""
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "tmpfs", str(place)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"cannot mount a small disk here: {mounted.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True)


def fill(place: Path) -> None:
    """Fill the disk completely."""
    with (place / "filler").open("ab", buffering=0) as file:
        for size in (1 << 20, 4096):
            with contextlib.suppress(OSError):
                while file.write(b"x" * size) == size:
                    pass
    assert shutil.disk_usage(place).free < 4096
