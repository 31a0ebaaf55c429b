"""The line that a notebook shows while an A/B runs."""

from __future__ import annotations

from pathlib import Path

from IPython.utils.capture import capture_output

from benchlab.experiments.ab_progress import ABProgress
from benchlab.notebook import show_ab_progress
from tests.ipython import ipython_shell


def test_the_line_is_updated_in_place(tmp_path: Path) -> None:
    with ipython_shell(tmp_path), capture_output() as captured:
        show = show_ab_progress()
        show(ABProgress(5, 20, "p50", 1.012, 0.992, 1.031))
    first, second = captured.outputs
    assert second.update
    assert second.transient == first.transient
    assert "block 5 of 20 · p50 +1.2 % (−0.8 to +3.1 %)" in second.data["text/html"]
    assert 'value="0.250"' in second.data["text/html"]
