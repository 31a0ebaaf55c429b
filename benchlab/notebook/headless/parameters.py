"""The parameters of a notebook: typed, explained, and checked before anything starts."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, get_args

from benchlab.errors import WRONG_CONTENT, InputError
from benchlab.notebook.headless.value_types import (
    NOT_A_VALUE,
    ValueType,
    origin_of,
    type_of_annotation,
    type_of_value,
    value_of_text,
)
from benchlab.redact import is_secret, public_text
from benchlab.text import one_line

__all__ = [
    "Definition",
    "Parameter",
    "convert_parameters",
    "definitions_of",
    "in_utf8",
    "notebook_parameters",
    "parameters_of_cell",
    "python_of",
]

TAG = "parameters"

_TYPE_COMMENT = re.compile(r"type:\s*(?P<type>[^#]+?)\s*(#\s*(?P<help>.*))?$")
_MAGIC_LINE = re.compile(r"^[ \t]*[%!].*$", re.MULTILINE)
_EXAMPLES = "such as int, float | None, list[int] or Literal['a', 'b']"


class Definition(NamedTuple):
    """An assignment in a cell of parameters: ``name: annotation = value``."""

    name: str
    annotation: ast.expr | None
    value: ast.expr | None
    first_line: int
    last_line: int


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a notebook: its type, default and help text, as the notebook has them.

    ``type`` is empty if the notebook has none that is understood, and then no value can be given.
    """

    name: str
    type: str
    default: str
    help: str
    kind: ValueType | None
    is_annotated: bool = True

    def convert(self, text: str) -> Any:
        """The value that ``text`` means.

        Raises:
            InputError: it is not of the parameter's type, or that is not known.
        """
        field = f"parameter {self.name}"
        if self.kind is None:
            raise InputError(
                f"has the default {self.default} and no type that text can be read as",
                field=field,
                remedy=f"annotate it in the notebook, {_EXAMPLES}",
            )
        try:
            return value_of_text(text, self.kind)
        except NOT_A_VALUE:
            pass  # an error of the parser would quote what was given
        shown = ... if self._may_be_secret else one_line(public_text(text), 100)
        raise InputError(f"must be {self._allowed}", field=field, value=shown, remedy=self._remedy)

    @property
    def _allowed(self) -> str:
        written = ", written as JSON or in Python" if self._is_container else ""
        if not self.is_annotated:
            return f"{self.type}, as its default {self.default} is{written}"
        return f"{self.type}{written}{f' ({self.help})' if self.help else ''}"

    @property
    def _remedy(self) -> str:
        return "" if self.is_annotated else f"annotate it to allow other values, {_EXAMPLES}"

    @property
    def _is_container(self) -> bool:
        return origin_of(self.kind) in (list, tuple, dict)

    @property
    def _may_be_secret(self) -> bool:
        """Whether a value that cannot be read is not shown: a mapping may hold headers."""
        return is_secret(self.name) or _holds_mapping(self.kind)


def notebook_parameters(notebook: Path) -> dict[str, Parameter]:
    """The parameters in the notebook's cell tagged ``parameters``, by name.

    Raises:
        InputError: the file is not a notebook, or the cell is not Python.
    """
    try:
        # Not by nbformat, which takes a second to import.
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        tagged = (cell["source"] for cell in cells if TAG in cell["metadata"].get("tags", ()))
        sources = ["".join(source) for source in tagged]
    except (OSError, *WRONG_CONTENT) as exc:
        raise InputError(f"{notebook} cannot be read as a notebook: {exc}") from exc
    try:
        return parameters_of_cell(sources[0]) if sources else {}
    except SyntaxError as exc:
        raise InputError(
            f"the cell of {notebook.name} tagged {TAG!r} cannot be read: {exc.msg}"
            f" (line {exc.lineno})"
        ) from exc


def parameters_of_cell(source: str) -> dict[str, Parameter]:
    """The parameters that a cell assigns, by name: ``rate: float = 50.0  # requests/s``.

    The type is that of the annotation, or of the comment ``# type: float``, or else of the
    default. A comment at the end of the definition is the help text.

    Raises:
        SyntaxError: the cell is not Python.
    """
    python = python_of(source)
    comments = dict(_comments(python))
    return {
        one.name: _parameter(one, comments.get(one.last_line) or comments.get(one.first_line, ""))
        for one in definitions_of(python)
    }


def python_of(source: str) -> str:
    """The source of a cell, with a blank line for each of IPython's own, such as ``%matplotlib``.

    Raises:
        SyntaxError: the rest is not Python.
    """
    try:
        ast.parse(source)
    except SyntaxError:
        source = _MAGIC_LINE.sub("", source)
        ast.parse(source)
    return source


def definitions_of(python: str) -> Iterator[Definition]:
    """The assignments to names outside of any block."""
    for node in ast.parse(python).body:
        lines = (node.lineno, node.end_lineno or node.lineno)
        match node:
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield Definition(name, node.annotation, node.value, *lines)
            case ast.Assign(targets=targets):
                names = [target.id for target in targets if isinstance(target, ast.Name)]
                yield from (Definition(name, None, node.value, *lines) for name in names)


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
    return {name: known[name].convert(in_utf8(text)) for name, text in parameters.items()}


def in_utf8(text: str) -> str:
    """``text``, whose bytes Python could not decode if the locale is not that of the terminal."""
    return text.encode(errors="surrogateescape").decode(errors="replace")


def _holds_mapping(kind: ValueType | None) -> bool:
    return origin_of(kind) is dict or any(map(_holds_mapping, get_args(kind)))


def _comments(source: str) -> Iterator[tuple[int, str]]:
    """The comments of a cell by their lines, without the number sign."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string.lstrip("#").strip()


def _parameter(definition: Definition, comment: str) -> Parameter:
    name, annotation, value = definition[:3]
    found = _TYPE_COMMENT.match(comment)
    if annotation is None and found is not None:
        annotation, comment = _expression(found["type"]), found["help"] or ""
    default = "" if value is None else ast.unparse(value)
    kind = None if annotation is None else type_of_annotation(annotation)
    if kind is not None and annotation is not None:
        return Parameter(name, ast.unparse(annotation), default, comment, kind)
    kind = None if value is None else type_of_value(value)
    written = "" if kind is None else kind.__name__
    return Parameter(name, written, default, comment, kind, is_annotated=False)


def _expression(text: str) -> ast.expr | None:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError:
        return None
