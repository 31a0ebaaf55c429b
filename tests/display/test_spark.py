"""A small line of numbers, as text and drawn."""

from __future__ import annotations

import math

from benchlab.display.spark import Spark
from benchlab.display.spark_svg import spark_svg


def test_a_gap_is_a_gap_in_text_and_in_the_drawing() -> None:
    spark = Spark([1.0, math.nan, 2.0, 2.0], "<p99>")
    assert spark == "▅ ██"
    drawn = spark_svg(spark)
    assert drawn.count("M") == 3  # the axis, and a piece on either side of the gap
    assert 'aria-label="&lt;p99&gt;"' in drawn
    assert "nan" not in drawn


def test_without_numbers_there_is_a_dash() -> None:
    for spark in (Spark([], "none"), Spark([math.nan], "none")):
        assert spark == "–"
        assert spark_svg(spark) == "–"


def test_zeros_lie_on_the_axis() -> None:
    assert Spark([0.0, 0.0], "errors") == "▁▁"
    assert "20.0" in spark_svg(Spark([0.0, 0.0], "errors"))
