"""Export and import runs: benchlab's own files exactly, other tools' as far as their data goes.

imports.py   import a file of any known format
formats.py   the formats, detected by content
foreign.py   files that are not read, and what to bring instead
parsing.py   read lines and CSV rows; errors name file and line
own/         benchlab's own files: Parquet, Arrow and CSV
tools/       result files of other tools

Data that a foreign file lacks is not made up; the run's environment lists it. Nothing here writes
to a store.
"""

from __future__ import annotations

from benchlab.exchange.imports import import_file
from benchlab.exchange.own.export import FORMATS, export_run

__all__ = ["FORMATS", "export_run", "import_file"]
