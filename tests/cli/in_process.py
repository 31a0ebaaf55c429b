"""The command line in this process, for tests that need no process of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from benchlab.cli.main import main

__all__ = ["Benchlab", "benchlab_here"]

Benchlab = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def benchlab_here(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Benchlab:
    """Runs ``benchlab`` with arguments; returns its exit code and output."""

    def benchlab(*arguments: str) -> subprocess.CompletedProcess[str]:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["benchlab", *arguments])
            # The command puts streams of its own in their place.
            patch.setattr(sys, "stdout", sys.stdout)
            patch.setattr(sys, "stderr", sys.stderr)
            with pytest.raises(SystemExit) as ended:
                main()
            sys.stdout.flush()
            sys.stderr.flush()
        written, errors = capfd.readouterr()
        assert isinstance(ended.value.code, int)
        return subprocess.CompletedProcess(arguments, ended.value.code, written, errors)

    return benchlab
