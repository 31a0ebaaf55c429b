"""The parameters of a notebook: typed, explained, and checked before anything starts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchlab.errors import InputError
from benchlab.notebook.headless.kernel import quiet_papermill
from benchlab.notebook.headless.quick_import import import_papermill
from benchlab.redact import HIDDEN, header_value, public_url

__all__ = ["Parameter", "convert_parameters", "hide_secrets", "notebook_parameters"]

_CONVERSIONS: dict[str, Callable[[str], Any]] = {
    "int": int,
    "float": float,
    "str": str,
    "dict": json.loads,
    "list": json.loads,
}
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a notebook: its declared type, default as written, and help text."""

    name: str
    type: str
    default: str
    help: str

    def convert(self, text: str) -> Any:
        """The value that ``text`` means.

        Raises:
            InputError: it is not of the declared type.
        """
        try:
            if self.type == "bool":
                return _BOOLEANS[text.strip().lower()]
            return _CONVERSIONS.get(self.type, str)(text)
        except (ValueError, KeyError) as exc:
            # Headers are a dict: not shown, since they may be secrets.
            given = exc if self.type in ("dict", "list") else repr(text)
            raise InputError(
                f"parameter {self.name} must be {self.type}, not {given} ({self.help})"
            ) from exc


def notebook_parameters(notebook: Path) -> dict[str, Parameter]:
    """The parameters in the notebook's cell tagged ``parameters``, by name.

    Raises:
        InputError: the file is not a notebook.
    """
    papermill = import_papermill()
    try:
        with quiet_papermill():
            found = papermill.inspect_notebook(str(notebook))
    except Exception as exc:
        raise InputError(f"{notebook} cannot be read as a notebook: {exc}") from exc
    return {
        name: Parameter(
            name,
            str(entry["inferred_type_name"]),
            str(entry["default"]),
            str(entry["help"]).strip(),
        )
        for name, entry in found.items()
    }


def convert_parameters(
    parameters: Mapping[str, str], known: Mapping[str, Parameter], notebook: Path
) -> dict[str, Any]:
    """The values that the texts in ``parameters`` mean.

    Raises:
        InputError: an unknown parameter or a value of the wrong type.
    """
    for name in parameters:
        if name not in known:
            raise InputError(
                f"{notebook.name} has no parameter {name!r}: it has {', '.join(known) or 'none'}"
            )
    return {name: known[name].convert(text) for name, text in parameters.items()}


def hide_secrets(notebook: Path, values: Mapping[str, Any]) -> None:
    """Replace the credentials among a notebook's parameters wherever the executed file has them.

    These are values in a mapping (headers) whose names suggest a secret, and those in URLs.
    """
    text = notebook.read_text(encoding="utf-8")
    for value in values.values():
        if isinstance(value, dict):
            for name, item in value.items():
                if header_value(str(name), str(item)) == HIDDEN:
                    text = text.replace(json.dumps(str(item))[1:-1], HIDDEN)
        elif isinstance(value, str) and "://" in value:
            text = text.replace(json.dumps(value)[1:-1], json.dumps(public_url(value))[1:-1])
    notebook.write_text(text, encoding="utf-8")
