"""How the bracket of a capacity closes, below a notebook's cell."""

from __future__ import annotations

from typing import Any

import pytest
from IPython import display

from benchlab.experiments.capacity_progress import CapacityProgress
from benchlab.notebook import show_capacity_progress


def test_the_interval_so_far_is_shown_below_the_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    class Handle:
        def update(self, html: Any) -> None:
            shown.append(html.data)

    monkeypatch.setattr(display, "display", lambda *_, **__: Handle())
    show = show_capacity_progress()
    show(CapacityProgress(30.0, 120.0, 7, 97.58, "narrow", 88.2, 109.6))
    show(CapacityProgress(0.0, 120.0, 1, 10.0, "climb"))
    assert 'value="0.250"' in shown[0]
    assert "probe 7 at 97.58 requests/s · so far 88.2 to 109.6 requests/s" in shown[0]
    assert shown[1].endswith("probe 1 at 10 requests/s")
