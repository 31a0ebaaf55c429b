"""Interval logs of HdrHistogram for Java and for Python, against what these compute themselves."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogWriter

from benchlab.errors import InputError
from benchlab.exchange import import_file
from benchlab.exchange.formats import detect
from benchlab.runs.imported_summary import ImportedSummary

START_S = 1_795_880_000
RATIOS = (0.1, 0.5, 0.75, 0.9, 0.99, 0.999, 1.0)


def log_of(
    values: list[np.ndarray], *, digits: int = 3, lowest: int = 1, base: bool = False, tag: str = ""
) -> str:
    """A log with an interval of a second for each array of values."""
    text = io.StringIO()
    writer = HistogramLogWriter(text)
    writer.output_log_format_version()
    if base:
        writer.output_base_time(START_S * 1000)
        writer.base_time = START_S * 1000
    writer.output_legend()
    for second, numbers in enumerate(values):
        histogram = HdrHistogram(lowest, 3_600_000_000_000, digits)
        for value in numbers.tolist():
            histogram.record_value(value)
        histogram.set_start_time_stamp((START_S + second) * 1000)
        histogram.set_end_time_stamp((START_S + second + 1) * 1000)
        writer.output_interval_histogram(histogram)
    return "\n".join(
        f"Tag={tag},{line}" if tag and line[:1].isdigit() else line
        for line in text.getvalue().splitlines()
    )


def summary_of(path: Path, text: str, unit: str | None = None) -> ImportedSummary:
    path.write_text(text)
    assert detect(path) == "hlog"
    found = import_file(path, unit=unit)
    assert isinstance(found, ImportedSummary)
    return found


def test_a_log_that_java_wrote(data: Path) -> None:
    """The expected values are what Java's ``getValueAtPercentile`` returned."""
    log, table = import_file(data / "hdrhistogram.hlog"), import_file(data / "hdrhistogram.csv")
    assert isinstance(log, ImportedSummary)
    assert isinstance(table, ImportedSummary)
    assert log.count == table.count == 3_000
    expected = {0.5: 455_423, 0.9: 1_488_895, 0.99: 4_280_319, 0.999: 9_732_095, 1.0: 14_278_655}
    assert {ratio: log.percentile_ns(ratio) for ratio in expected} == expected
    for point in table.percentiles:
        assert point.value_ns == pytest.approx(log.percentile_ns(point.ratio), abs=500)
    assert log.started_at_ns == START_S * 1_000_000_000
    assert [line.request_count for line in log.timeline] == [1_000, 2_000, 3_000]


@pytest.mark.parametrize(("digits", "lowest"), [(3, 1), (2, 1), (3, 1000), (1, 7), (4, 1)])
def test_the_sum_of_all_intervals_is_what_the_package_computes(
    tmp_path: Path, digits: int, lowest: int
) -> None:
    random = np.random.default_rng(5)
    values = [(random.lognormal(13, 1, 1_000)).astype(np.int64) + lowest for _ in range(4)]
    whole = HdrHistogram(lowest, 3_600_000_000_000, digits)
    for value in np.concatenate(values).tolist():
        whole.record_value(value)
    summary = summary_of(tmp_path / "x.hlog", log_of(values, digits=digits, lowest=lowest))
    assert summary.count == whole.get_total_count() == 4_000
    assert summary.max_ns == whole.get_max_value()
    for ratio in RATIOS:
        assert summary.percentile_ns(ratio) == whole.get_value_at_percentile(ratio * 100)
    assert (summary.error_count, summary.mean_ns, summary.min_ns) == (None, None, None)
    assert (summary.duration_s, summary.rate_rps) == (4.0, 1_000.0)
    assert summary.started_at_ns == START_S * 1_000_000_000
    assert [(line.at_s - START_S, line.request_count) for line in summary.timeline] == [
        (0, 1_000), (1, 2_000), (2, 3_000), (3, 4_000),
    ]  # fmt: skip
    assert {(line.user_count, line.error_count) for line in summary.timeline} == {(None, None)}


def test_starts_may_count_from_the_base_time(tmp_path: Path) -> None:
    values = [np.arange(1, 50)] * 2
    absolute = summary_of(tmp_path / "x.hlog", log_of(values))
    relative = summary_of(tmp_path / "y.hlog", log_of(values, base=True))
    assert relative.started_at_ns == absolute.started_at_ns
    assert [line.at_s for line in relative.timeline] == [START_S, START_S + 1]
    without = "\n".join(
        line for line in log_of(values, base=True).splitlines() if "BaseTime" not in line
    )
    bare = summary_of(tmp_path / "z.hlog", without)
    assert (bare.started_at_ns, bare.timeline, bare.duration_s) == (None, (), 2.0)


def test_the_unit_is_ns_unless_given(tmp_path: Path) -> None:
    text = log_of([np.array([1000, 2000])])
    assert summary_of(tmp_path / "x.hlog", text).max_ns == 2000
    micro = summary_of(tmp_path / "x.hlog", text, unit="us")
    assert micro.max_ns == 2_000_000
    assert "taken to be us" in micro.notes[0]


def test_a_log_of_one_tag_is_read_and_one_of_several_is_not(tmp_path: Path) -> None:
    """A benchmark may write its service and its response times of the same requests."""
    values = [np.array([1, 2, 3])]
    assert summary_of(tmp_path / "x.hlog", log_of(values, tag="READ-st")).count == 3
    both = log_of(values, tag="READ-st") + "\n" + log_of(values, tag="READ-rt")
    with pytest.raises(InputError, match=r"2 tags \('READ-rt', 'READ-st'\)") as caught:
        summary_of(tmp_path / "x.hlog", both)
    assert "grep" in caught.value.remedy


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: text[:-9], r":3: .*not a histogram"),
        (lambda text: text.replace("1.000000,", "one,"), r":3: .*could not convert"),
        (lambda text: text.replace("HIST", "DIST"), r":3: .*not a histogram"),
        (lambda text: text.rpartition(",")[0], r":3: .*no start, length, maximum"),
        (lambda text: text.rpartition("\n")[0], "holds no intervals"),
    ],
)
def test_a_damaged_line_is_refused_with_its_number(
    tmp_path: Path, change: object, says: str
) -> None:
    text = log_of([np.array([1, 2, 3])])
    path = tmp_path / "x.hlog"
    path.write_text(change(text) + "\n")  # type: ignore[operator]
    with pytest.raises(InputError, match=rf"{path}.*{says}"):
        import_file(path, source="hlog")


def test_a_log_is_read_up_to_where_it_was_cut_off(tmp_path: Path) -> None:
    text = log_of([np.array([1, 2, 3]), np.array([4])])
    summary = summary_of(tmp_path / "x.hlog", text[:-9])
    assert summary.count == 3
    assert summary.notes[-1] == "the file is cut off in line 4: what is before it was read"


def test_intervals_of_different_precision_are_not_added(tmp_path: Path) -> None:
    text = log_of([np.array([1])]) + "\n" + log_of([np.array([1])], digits=2)
    with pytest.raises(InputError, match="different precision"):
        summary_of(tmp_path / "x.hlog", text)
