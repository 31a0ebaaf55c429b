"""Values of parameters as Python source, for the cell that papermill injects."""

from __future__ import annotations

from typing import Any

from papermill.translators import PythonTranslator

__all__ = ["PythonLiterals"]


class PythonLiterals(PythonTranslator):  # type: ignore[misc]  # papermill has no types
    """papermill's translator; tuples stay tuples, and keys of dicts keep their type.

    papermill makes text of them.
    """

    @classmethod
    def translate(cls, val: Any) -> str:
        """``val`` as a literal."""
        if isinstance(val, tuple):
            return f"({''.join(f'{cls.translate(item)}, ' for item in val)})"
        if isinstance(val, dict):
            items = (f"{cls.translate(key)}: {cls.translate(item)}" for key, item in val.items())
            return f"{{{', '.join(items)}}}"
        return str(super().translate(val))
