"""Tables as the libraries of HdrHistogram write them."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from hdrh.histogram import HdrHistogram

from benchlab.errors import InputError
from benchlab.exchange import import_file
from benchlab.runs.imported_summary import ImportedSummary


@cache
def table_of(*, csv: bool) -> str:
    histogram = HdrHistogram(1, 10_000_000, 3)
    for value in range(1, 10_001):
        histogram.record_value(value)
    text = io.BytesIO()
    histogram.output_percentile_distribution(text, 1.0, use_csv=csv)
    return text.getvalue().decode()


def summary_of(path: Path, text: str) -> ImportedSummary:
    path.write_text(text)
    found = import_file(path, unit="us")
    assert isinstance(found, ImportedSummary)
    return found


FORMS: dict[str, Callable[[], str]] = {
    "classic": lambda: table_of(csv=False),
    "csv": lambda: table_of(csv=True),
    "csv in C": lambda: table_of(csv=True).replace('"', "").replace("Infinity", "inf"),
    "indented": lambda: "".join(f"    {line}\n" for line in table_of(csv=False).splitlines()),
    "CRLF": lambda: table_of(csv=True).replace("\n", "\r\n"),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_percentiles(tmp_path: Path, form: str) -> None:
    path = tmp_path / "some.hgrm"
    summary, classic = summary_of(path, FORMS[form]()), summary_of(path, FORMS["classic"]())
    assert summary.percentiles == classic.percentiles
    assert (summary.count, summary.max_ns) == (10_000, 10_007_000)
    assert (summary.mean_ns is None) == (form not in ("classic", "indented"))
    for ratio in (0.5, 0.9, 0.99, 0.999):
        value_ns = summary.percentile_ns(ratio)
        assert value_ns is not None
        assert ratio * 1e7 <= value_ns <= ratio * 1e7 * 1.05, "the next row above"


def test_a_table_without_its_last_row_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "some.hgrm"
    text = FORMS["csv"]().rstrip("\n")
    for cut in (text.rpartition("\n")[0], text.rpartition(",")[0], text[:-1]):
        with pytest.raises(InputError, match=re.escape(str(path))):
            summary_of(path, cut)


def test_java_writes_the_same_table_in_both_forms(data: Path) -> None:
    text, csv = (import_file(data / f"hdrhistogram.{form}") for form in ("hgrm", "csv"))
    assert isinstance(text, ImportedSummary)
    assert isinstance(csv, ImportedSummary)
    assert text.percentiles == csv.percentiles
    assert (text.count, text.max_ns) == (csv.count, csv.max_ns) == (3_000, 14_279_000)
    assert (text.mean_ns, csv.mean_ns) == (715_000, None)
