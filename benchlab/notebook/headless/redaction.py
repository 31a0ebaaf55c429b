"""Hide credentials in an executed notebook, which stays a valid notebook whatever they are.

A parameter is a credential by its name, or by the name that its value has in a mapping, such as
that of a header; in a URL, as `benchlab.redact` has it. Those given and those that are defaults are
hidden where they are defined: in the cells of parameters and in the notebook's metadata. Outputs
hide their values where they stand alone, unless they are too short to be told from other text.
"""

from __future__ import annotations

import ast
import html
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from benchlab.notebook.headless.parameters import definitions_of, python_of
from benchlab.redact import HIDDEN, is_secret, public_text, public_url

__all__ = ["hide_secrets", "public_value"]

_SHORTEST_IN_OUTPUT = 6
_CELL_TAGS = {"parameters", "injected-parameters"}
_COLOUR = r"\x1b\[[\d;]*m"
_FIELD = re.compile(r"[?&#;]([^=?&#;]+)=([^&#;/\s]+)")
_PASSWORD = re.compile(r"://[^/?#\s:@]*:([^/\s]+)@")
_IMAGES = ("image/", "application/pdf")


def hide_secrets(notebook: Path) -> None:
    """Rewrite the executed ``notebook`` without the credentials among its parameters."""
    import nbformat

    executed = nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]
    secrets: set[str] = set()
    for cell in executed.cells:
        if cell.cell_type == "code" and _CELL_TAGS & set(cell.metadata.get("tags", ())):
            cell.source = _public_source(cell.source, secrets)
    given = executed.metadata.get("papermill", {}).get("parameters", {})
    for name, value in given.items():
        given[name] = public_value(value, is_secret(name), secrets)
    hidden = _alone(secrets)
    if hidden is not None:
        for cell in executed.cells:
            for output in cell.get("outputs", ()):
                _redact_output(output, hidden)
    nbformat.write(executed, notebook)  # type: ignore[no-untyped-call]


def _public_source(source: str, secrets: set[str]) -> str:
    """The source of a cell of parameters, with other constants in the place of credentials."""
    content = source.encode()
    starts = [0]  # of lines, in bytes, in which Python counts columns
    starts += [found.end() for found in re.finditer(b"\n", content)]
    changes = []
    for definition in definitions_of(python_of(source)):
        if definition.value is None:
            continue
        for node, secret in _constants(definition.value, is_secret(definition.name)):
            value = node.value if isinstance(node, ast.Constant) else ast.unparse(node)
            public = public_value(value, secret, secrets)
            if public != value:
                start = starts[node.lineno - 1] + node.col_offset
                end = starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
                changes.append((start, end, repr(public)))
    for start, end, text in sorted(set(changes), reverse=True):
        content = content[:start] + text.encode() + content[end:]
    return content.decode()


def _constants(node: ast.expr, secret: bool) -> Iterator[tuple[ast.expr, bool]]:
    """The constants that a value is made of, and whether their names say that they are secret."""
    match node:
        case ast.Constant() | ast.JoinedStr():
            yield node, secret
        case ast.Dict(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                name = key.value if isinstance(key, ast.Constant) else ""
                yield from _constants(value, secret or is_secret(str(name)))
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            for item in items:
                yield from _constants(item, secret)
        case ast.BinOp(left=left, right=right):
            yield from _constants(left, secret)
            yield from _constants(right, secret)


def public_value(value: Any, secret: bool, secrets: set[str]) -> Any:
    """``value`` of a parameter with ``***`` for each credential, which is added to ``secrets``."""
    if isinstance(value, dict):
        return {
            name: public_value(item, secret or is_secret(str(name)), secrets)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [public_value(item, secret, secrets) for item in value]
    if value in (None, "") or isinstance(value, bool):
        return value
    if secret:
        secrets.add(str(value))
        return HIDDEN
    if not isinstance(value, str):
        return value
    public = public_url(value) if re.match(r"\w+://|/", value) else public_text(value)
    if public != value:
        secrets.update(_secrets_of_url(value))
    return public


def _secrets_of_url(url: str) -> Iterator[str]:
    for found in _PASSWORD.finditer(url):
        yield from (found[1], unquote(found[1]))
    for found in _FIELD.finditer(url):
        if is_secret(unquote(found[1])):
            yield from (found[2], unquote(found[2]))


def _alone(secrets: Iterable[str]) -> re.Pattern[str] | None:
    """A pattern of the secrets that are long enough, where no letter or digit is beside them."""
    forms: set[str] = set()
    for secret in secrets:
        for text in (secret, *secret.split()[-1:]):  # "Bearer …" may be used without that
            forms |= {text, html.escape(text), json.dumps(text)[1:-1], repr(text)[1:-1]}
            forms.add(quote(text, safe="", errors="replace"))
    long = [form for form in forms if len(form) >= _SHORTEST_IN_OUTPUT]
    if not long:
        return None
    choice = "|".join(re.escape(form) for form in sorted(long, key=len, reverse=True))
    return re.compile(rf"(^|\W|{_COLOUR})(?:{choice})(?!\w)")


def _redact_output(output: dict[str, Any], hidden: re.Pattern[str]) -> None:
    """Hide what people see of an output; what a program reads, such as its type, is left."""
    for key in ("text", "evalue", "traceback"):
        if key in output:
            output[key] = _without(output[key], hidden)
    data = output.get("data", {})
    for kind, content in data.items():
        if not kind.startswith(_IMAGES) or kind == "image/svg+xml":
            data[kind] = _without(content, hidden)


def _without(content: Any, hidden: re.Pattern[str]) -> Any:
    if isinstance(content, str):
        return hidden.sub(rf"\1{HIDDEN}", content)
    if isinstance(content, dict):
        return {key: _without(item, hidden) for key, item in content.items()}
    if isinstance(content, list):
        return [_without(item, hidden) for item in content]
    return content
