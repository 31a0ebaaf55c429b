"""The tables of a report, as they go to CSV."""

from __future__ import annotations

import pandas as pd

from benchlab.analysis.histogram import histogram_table
from benchlab.analysis.timeseries import timeseries
from benchlab.redact import public_url
from benchlab.runs.run import Run

__all__ = ["csv_tables", "endpoint_table"]


def csv_tables(run: Run) -> dict[str, pd.DataFrame]:
    """File name to table: summary, histogram and time series of the measured window.

    ``endpoints.csv`` is among them only when the plan has several endpoints, ``streams.csv`` only
    when responses were streams. Secrets in the URL are hidden.
    """
    measured = run.measured
    summary = run.to_pandas()
    summary["url"] = public_url(run.url)
    tables = {
        "summary.csv": summary,
        "histogram.csv": histogram_table(measured),
        "timeseries.csv": timeseries(measured, *run.window_ns, whole=run.samples),
    }
    endpoints = endpoint_table(run)
    if len(endpoints) > 1:
        tables["endpoints.csv"] = endpoints
    if len(run.streams):
        tables["streams.csv"] = run.streams.of(measured.column("seq")).to_pandas()
    return tables


def endpoint_table(run: Run) -> pd.DataFrame:
    """One row per endpoint: the columns of the summary that differ between them."""
    rows: list[dict[str, object]] = [
        {
            "endpoint": name,
            "count": stats.count,
            "error_count": stats.error_count,
            "error_ratio": stats.error_ratio,
            "rate_rps": stats.rate_rps,
            "bytes_in": stats.bytes_in,
            **stats.flat(),
        }
        for name, stats in run.by_endpoint().items()
    ]
    return pd.DataFrame(rows)
