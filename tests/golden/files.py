"""Golden files: output that was reviewed once and must not change unnoticed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

UPDATE = "BENCHLAB_UPDATE_GOLDEN"
"""Environment variable: with 1, files that differ are written anew."""


def assert_golden(path: Path, text: str) -> None:
    """Compare ``text`` with the file, byte for byte.

    A file that was written anew still fails the test: only a second run can pass.
    """
    before = path.read_bytes().decode() if path.exists() else None
    if os.environ.get(UPDATE) == "1" and text != before:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        pytest.fail(f"{path.name} was written anew: read its diff, and run the tests again")
    assert before is not None, f"{path} is missing: {UPDATE}=1 writes it"
    assert text == before, f"{path.name} differs: if that is meant, {UPDATE}=1 writes it anew"
