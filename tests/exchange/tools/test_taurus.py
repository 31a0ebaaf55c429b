from __future__ import annotations

from pathlib import Path

import pytest

from benchlab.errors import InputError
from benchlab.exchange import import_file
from benchlab.runs.imported_summary import ImportedSummary

HEADER = (
    "label,avg_ct,avg_lt,avg_rt,bytes,concurrency,fail,stdev_rt,succ,throughput,"
    "perc_0.0,perc_50.0,perc_99.9,perc_100.0,rc_200,rc_503\n"
)


def test_the_row_without_a_label_counts_in_seconds(tmp_path: Path) -> None:
    path = tmp_path / "stats.csv"
    path.write_text(
        f"{HEADER}home,0.001,0.002,0.9,9,1,0,0.1,5,5,0.1,0.2,0.3,0.4,5,0\n"
        ",0.001,0.002,0.005,1000,5,3,0.001,97,100,0.001,0.004,0.018,0.02,97,3\n"
    )
    summary = import_file(path)
    assert isinstance(summary, ImportedSummary)
    assert (summary.count, summary.error_count) == (100, 3)
    assert (summary.mean_ns, summary.min_ns, summary.max_ns) == (5_000_000, 1_000_000, 20_000_000)
    assert (summary.percentile_ns(0.5), summary.percentile_ns(0.999)) == (4_000_000, 18_000_000)
    path.write_text(f"{HEADER}home,0.001,0.002,0.9,9,1,0,0.1,5,5,0.1,0.2,0.3,0.4,5,0\n")
    with pytest.raises(InputError, match="no row for all requests"):
        import_file(path)
