"""Runs as files: ours written and read back exactly, and those of other tools read in.

    export.py    a run → one Parquet, Arrow or CSV file, in blocks
    own.py       such a file → the run
    formats.py   which format a file has, by its content
    k6.py, vegeta.py, oha.py, jtl.py       other tools' requests → a run, through collect.py
    hgrm.py, oha.py, locust.py             other tools' percentiles → an ImportedSummary

What a foreign file does not say is not made up: it is listed in the run's environment. Nothing here
writes to a store.
"""

from __future__ import annotations

from benchlab.exchange.export import FORMATS, export_run
from benchlab.exchange.imports import import_file

__all__ = ["FORMATS", "export_run", "import_file"]
