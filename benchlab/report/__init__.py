"""A run as files: one self-contained HTML page, and the tables behind it as CSV."""

from __future__ import annotations

from benchlab.report.write import write_report, write_tables

__all__ = ["write_report", "write_tables"]
