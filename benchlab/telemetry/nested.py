"""Rewrite values in a line that ClickHouse would not read, or would render differently.

The Collector's rendering counts. ClickHouse does the same with plain values (see `otlp`). Lists
and maps in attributes, of any depth, are rendered here and become strings in the line. A negative
zero, which the Collector writes without a decimal point, must not be parsed as an integer. And half
of a surrogate pair, to which JavaScript cuts text, is no JSON for ClickHouse: as in the Collector
it becomes U+FFFD.
"""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from typing import Any

from benchlab.errors import WRONG_CONTENT

__all__ = ["flatten_line"]

_MARKS = (b'"arrayValue"', b'"kvlistValue"')
# Within a JSON string the quotes would be escaped, so this matches members only.
_NEGATIVE_ZERO = re.compile(rb'("(?:doubleValue|asDouble|sum|min|max)":\s*-0)(?=[,}\s])')

# An escape sequence: a surrogate pair, half of one, or any other.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)

# Go's JSON encoder, which the Collector uses, escapes these.
_ESCAPES = str.maketrans({"\u2028": "\\u2028", "\u2029": "\\u2029"})


def flatten_line(line: bytes) -> bytes:
    """``line`` with every list or map value replaced by a string value.

    A line without such values, or that cannot be parsed, is returned unchanged except for negative
    zeros and halves of surrogate pairs.
    """
    if b'":-0' in line or b'": -0' in line:
        line = _NEGATIVE_ZERO.sub(rb"\1.0", line)
    if b"\\ud" in line or b"\\uD" in line:
        line = _ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], line)
    if not any(mark in line for mark in _MARKS):
        return line
    try:
        content = json.loads(line)
        return json.dumps(_flatten(content), separators=(",", ":")).encode()
    except WRONG_CONTENT:
        return line


def _flatten(node: Any) -> Any:
    if isinstance(node, list):
        return [_flatten(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "arrayValue" in node or "kvlistValue" in node:
        try:
            return {"stringValue": _render(node)}
        except OverflowError:  # the Collector then stores an empty string
            return {"stringValue": ""}
        except WRONG_CONTENT:  # none of OTLP's shapes: only this attribute is stored as it is
            return {"stringValue": json.dumps(node, separators=(",", ":"))}
    return {key: _flatten(value) for key, value in node.items()}


def _render(value: Any) -> str:
    """An OTLP AnyValue as compact JSON; map keys sorted, as Go sorts them."""
    kind: str
    content: Any
    kind, content = next(iter((value or {}).items()), ("", None))
    if content is None:
        return "null"
    match kind:
        case "arrayValue":
            return f"[{','.join(_render(item) for item in content.get('values') or ())}]"
        case "kvlistValue":
            # An empty key is left out of the JSON, as any default value.
            entries = [entry for entry in content.get("values") or () if entry is not None]
            pairs = {entry.get("key") or "": entry.get("value") for entry in entries}
            parts = (f"{_text(key)}:{_render(pairs[key])}" for key in sorted(pairs))
            return f"{{{','.join(parts)}}}"
        case "intValue":
            return str(int(content))
        case "doubleValue":
            return _double(float(content))
        case "boolValue":
            return "true" if content else "false"
        case "stringValue" | "bytesValue":
            return _text(content)
        case _:
            return "null"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).translate(_ESCAPES)


def _double(value: float) -> str:
    """The shortest decimal of this double; no exponent between 1e-6 and 1e21."""
    if not math.isfinite(value):
        raise OverflowError("JSON has no such number")
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    shortest = Decimal(repr(value))
    if 1e-6 <= abs(value) < 1e21:
        text = f"{shortest:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    mantissa, _, exponent = f"{shortest.normalize():e}".partition("e")
    return f"{mantissa}e{int(exponent):+d}"
