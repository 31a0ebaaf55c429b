"""Messages: from JSON to what is sent, and back.

The JSON is protobuf's own (https://protobuf.dev/programming-guides/json): names of fields as in the
``.proto`` or in lowerCamelCase, 64-bit integers as numbers or text, bytes in base64, enums by name.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from benchlab.errors import WRONG_CONTENT, InputError
from benchlab.plan.grpc.descriptors import Descriptors
from benchlab.plan.template import Quote, as_body, fill

if TYPE_CHECKING:
    from google.protobuf.message import Message

__all__ = ["decoder", "encoder", "fill_message", "json_of", "message_text"]

_WHOLE = re.compile(rb'(?<!\\)"(\{\{[A-Za-z_][\w.-]*\}\})"')
_OUTER = re.compile(r"Failed to parse (\w+) field: ")
_quoted: Quote = as_body("application/json")


def message_text(message: object) -> bytes:
    """The JSON of a message from a mapping, from JSON text, or from a message of protobuf's.

    Raises:
        InputError: it is something else, or holds what JSON does not have.
    """
    if hasattr(message, "DESCRIPTOR"):
        from google.protobuf.json_format import MessageToJson

        return MessageToJson(message, indent=None, ensure_ascii=False).encode()  # type: ignore[arg-type]
    if isinstance(message, str | bytes | bytearray):
        text = message.encode() if isinstance(message, str) else bytes(message)
        return text.strip() or b"{}"
    if not isinstance(message, Mapping):
        raise InputError(
            f"must be a mapping, or JSON as text, not {type(message).__name__}",
            field="message",
            remedy='give the fields by their names, such as {"a": [1, 2]}',
        )
    try:
        text_ = json.dumps(
            message, separators=(",", ":"), allow_nan=False, ensure_ascii=False, default=_plain
        )
    except (TypeError, ValueError, RecursionError) as exc:
        raise InputError(
            f"cannot be written as JSON: {exc}",
            field="message",
            remedy=""
            if isinstance(exc, TypeError)
            else 'write NaN and infinity as text: "NaN", "Infinity", "-Infinity"',
        ) from exc
    try:
        return text_.encode()
    except UnicodeEncodeError as exc:
        raise InputError("has half a character", field="message", value=text_) from exc


def _plain(value: object) -> object:
    """Values that JSON lacks, as protobuf's JSON writes them: bytes in base64."""
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is none of JSON's types")


def fill_message(text: bytes, values: Mapping[str, Any]) -> bytes:
    """The JSON of a message with its fields ``{{name}}`` replaced by ``values``.

    A field that is a whole text, ``"{{name}}"``, also takes a list, an object, true, false and
    null, which then replace the text; a number stays inside the quotation marks, where protobuf
    reads it for fields of numbers and of text alike.

    >>> fill_message(b'{"a": "{{a}}", "id": "n-{{id}}"}', {"a": [1, 2], "id": 7})
    b'{"a": [1,2], "id": "n-7"}'
    """

    def replace(found: re.Match[bytes]) -> bytes:
        name = found[1][2:-2].decode()
        value = values.get(name, "")
        plain = isinstance(value, str | int | float) and not isinstance(value, bool)
        return found[0] if plain else _quoted(value)

    return fill(_WHOLE.sub(replace, text), values, _quoted)


def encoder(descriptors: Descriptors, kind: type[Message]) -> Callable[[bytes], bytes]:
    """A function from the JSON of a message of ``kind`` to its serialized form.

    It raises `InputError` for JSON that does not fit, which says where.
    """
    from google.protobuf.json_format import Parse, ParseError
    from google.protobuf.message import EncodeError

    pool, name = descriptors.pool, kind.DESCRIPTOR.full_name

    def encode(text: bytes) -> bytes:
        try:
            read = Parse(text, kind(), descriptor_pool=pool)
            return read.SerializeToString(deterministic=True)
        except EncodeError as exc:  # of proto2, where fields may be required
            raise InputError(f"is not complete: {exc}", field="message") from exc
        except (ParseError, *WRONG_CONTENT) as exc:
            raise InputError(f"does not fit {name}: {_reason(exc)}", field="message") from exc

    return encode


def decoder(descriptors: Descriptors, kind: type[Message]) -> Callable[[bytes], bytes]:
    """A function from a serialized message of ``kind`` to its JSON, as checks read it.

    Names are in lowerCamelCase, and fields with their default value are there too. It raises
    ValueError for what is no such message.
    """
    from google.protobuf.json_format import MessageToJson
    from google.protobuf.message import DecodeError

    pool = descriptors.pool

    def decode(data: bytes) -> bytes:
        try:
            message = kind.FromString(data)
        except DecodeError as exc:
            raise ValueError(f"is no {kind.DESCRIPTOR.full_name} ({exc})") from exc
        try:
            text = MessageToJson(
                message,
                indent=None,
                ensure_ascii=False,
                always_print_fields_with_no_presence=True,
                descriptor_pool=pool,
            )
        except (TypeError, RecursionError) as exc:  # an Any whose type is not known
            raise ValueError(f"has no JSON ({exc})") from exc
        return text.encode()

    return decode


def json_of(messages: Sequence[bytes], *, is_stream: bool) -> bytes:
    """The JSON of a response from that of its messages: an array, if it is a stream."""
    return b"[" + b",".join(messages) + b"]" if is_stream else b"".join(messages)


def _reason(exc: Exception) -> str:
    """The text of protobuf's error on one line, with the field that it is about once."""
    text = " ".join(str(exc).split())
    path, start = [], 0
    while outer := _OUTER.match(text, start):
        path.append(outer[1])
        start = outer.end()
    reason = text[start:].rstrip(".") or type(exc).__name__
    return reason if not path or " at " in reason else f"{'.'.join(path)}: {reason}"
