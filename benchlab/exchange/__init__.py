"""Export and import of runs: benchlab's own files exactly, other tools' files as far as they go.

    export.py    a run → one Parquet, Arrow or CSV file, in blocks
    own.py       such a file → the run
    head.py      what a run is besides its samples, in such a file
    imports.py   a file → what it holds, by its format
    formats.py   which format that is, by its content
    k6.py, vegeta.py, jtl.py, oha.py    other tools' requests → a run
    hgrm.py, locust.py, oha.py          other tools' percentiles → an ImportedSummary
    collect.py, failures.py             requests → a run; words of a failure → an error kind
    text.py, records.py                 lines with their numbers; records in bounded memory

What a foreign file does not say is not made up: it is listed in the run's environment. Nothing here
writes to a store.
"""

from __future__ import annotations

from benchlab.exchange.imports import import_file
from benchlab.exchange.own.export import FORMATS, export_run

__all__ = ["FORMATS", "export_run", "import_file"]
