"""Reports as files: one self-contained HTML page, its tables, PDF; and the list of all reports."""

from __future__ import annotations

from benchlab.report.write import write_report, write_tables

__all__ = ["write_report", "write_tables"]
