"""The number by which a cell is sorted."""

from __future__ import annotations

import pytest

from benchlab.report.cells import number_of


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12),
        ("1,234.50", 1234.5),
        ("+0.5 %", 0.5),
        ("−3.2 % to 1.0 %", -3.2),
        ("12%", 12),
        ("≥ 2.31", 2.31),
        ("#17", 17),
        ("850 µs", 0.85),
        ("1.5 s", 1500),
        ("2.0 KiB", 2048),
        ("98.4 to 101 requests/s", 98.4),
        ("1e-05", 1e-5),
        (".5", 0.5),
        ("", None),
        ("–", None),
        ("p99", None),
        ("503s", None),
        ("0193f0a1b2c3d4e5", None),
        ("2026-11-03 14:02", None),
        ("127.0.0.1:80", None),
        ("1,2,3;", None),
    ],
)
def test_the_number_at_the_start_of_a_text(text: str, number: float | None) -> None:
    assert number_of(text) == (None if number is None else pytest.approx(number))
