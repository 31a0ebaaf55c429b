"""What a worker process writes, and what its supervisor makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchlab import ClosedLoop, Plan, Request, run, spool
from benchlab.errors import WorkerError
from tests.load.servers import always, ok, serving


def test_a_line_of_others_on_standard_output_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('settings are loaded', flush=True)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with (
        serving(always(ok())) as url,
        pytest.raises(WorkerError, match="worker 0 wrote 'settings are loaded'"),
    ):
        run(Plan([Request("GET", url)], ClosedLoop(1), duration_s=0.1))
    assert list(spool.pending()) == []
