"""Run notebooks without a browser.

papermill executes them. This adds what it lacks: parameters are checked before anything starts,
progress is reported from the kernel, and the result is a directory.
"""

from __future__ import annotations

from benchlab.notebook.headless.execute import Report, execute_notebook
from benchlab.notebook.headless.parameters import (
    Parameter,
    convert_parameters,
    in_utf8,
    notebook_parameters,
)

__all__ = [
    "Parameter",
    "Report",
    "convert_parameters",
    "execute_notebook",
    "in_utf8",
    "notebook_parameters",
]
