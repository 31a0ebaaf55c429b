"""papermill, without what takes most of the time of its import and is not used here."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

__all__ = ["import_papermill"]

_IRI_GRAMMARS = "rfc3987_syntax"


def import_papermill() -> ModuleType:
    """papermill.

    It imports jsonschema, which checks IRIs where it finds the grammars of `rfc3987_syntax`, as
    JupyterLab installs them: compiling those takes 1.5 s. No field of a notebook is an IRI.
    """
    if _IRI_GRAMMARS in sys.modules:
        return importlib.import_module("papermill")
    sys.modules[_IRI_GRAMMARS] = None  # type: ignore[assignment]  # as if it were not installed
    try:
        return importlib.import_module("papermill")
    finally:
        del sys.modules[_IRI_GRAMMARS]
