"""Numpy without threads, for this process alone."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_COUNTED = """
import os
from benchlab.cli.lean_numpy import import_numpy
import_numpy()
print(len(os.listdir('/proc/self/task')), os.environ.get('OPENBLAS_NUM_THREADS'))
"""


@pytest.mark.parametrize(
    ("given", "printed"), [({}, "1 None"), ({"OPENBLAS_NUM_THREADS": "1"}, "1 1")]
)
def test_numpy_starts_no_threads(given: dict[str, str], printed: str) -> None:
    inherited = {name: value for name, value in os.environ.items() if "NUM_THREADS" not in name}
    done = subprocess.run(
        [sys.executable, "-c", _COUNTED],
        capture_output=True,
        text=True,
        check=True,
        env=inherited | given,
    )
    assert done.stdout.strip() == printed
