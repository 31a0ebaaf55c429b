"""Types of parameters, and the values that a text means as one of them.

Annotations are read, never evaluated. These are understood: int, float, bool, str, None, Any,
list, tuple and dict with or without the types of their items, Literal, Optional, unions, and
Annotated and Final around one of them.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterable
from types import NoneType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

__all__ = [
    "NOT_A_VALUE",
    "ValueType",
    "origin_of",
    "type_of_annotation",
    "type_of_value",
    "value_of_text",
]

ValueType = Any
"""A type as `typing` has it, such as ``list[int]``, ``float | None`` or ``Literal["a", "b"]``."""

NOT_A_VALUE = (ValueError, TypeError, SyntaxError, RecursionError, MemoryError)
"""What is raised for a text that means no value of the type."""

_NAMED: dict[str, ValueType] = {
    "Any": Any,
    "object": Any,
    "None": NoneType,
    "bool": bool,
    "int": int,
    "float": float,
    "str": str,
    **dict.fromkeys(["list", "List", "Sequence", "Collection", "Iterable"], list),
    **dict.fromkeys(["tuple", "Tuple"], tuple),
    **dict.fromkeys(["dict", "Dict", "Mapping", "MutableMapping"], dict),
}
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_SCALARS = (NoneType, bool, int, float, str)
_STRICTEST_FIRST = (NoneType, Literal, int, float, bool, list, tuple, dict, str, Any)

T = TypeVar("T")


def origin_of(kind: ValueType) -> Any:
    """The type without those of its items: ``list`` for ``list[int]``."""
    origin: Any = get_origin(kind)
    return origin or kind


def type_of_annotation(node: ast.expr) -> ValueType | None:
    """The type that an annotation names; None if it is not understood."""
    try:
        return _named_type(node)
    except (LookupError, *NOT_A_VALUE):
        return None


def type_of_value(node: ast.expr) -> ValueType | None:
    """The type of the value of an expression, where that is certain without evaluating it."""
    match node:
        case ast.Constant(value=bool() | int() | float() | str() as value):
            return type(value)
        case ast.JoinedStr():
            return str
        case ast.List() | ast.ListComp():
            return list
        case ast.Tuple():
            return tuple
        case ast.Dict() | ast.DictComp():
            return dict
        case ast.Compare() | ast.UnaryOp(op=ast.Not()):
            return bool
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            return type_of_value(operand)
        case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() as operator):
            found = {type_of_value(node.left), type_of_value(node.right)}
            if found <= {int, float}:
                return float if float in found or isinstance(operator, ast.Div) else int
        case ast.Call(func=ast.Name(id="bool" | "int" | "float" | "str" | "list" | "dict" as name)):
            return _NAMED[name]
    return None


def value_of_text(text: str, kind: ValueType) -> Any:
    """The value of type ``kind`` that ``text`` means.

    Lists, tuples and dicts are written as JSON or as in Python. ``None`` means None where the type
    allows it. Of a union, the strictest type that fits counts: ``5`` is an int as ``int | str``.

    Raises:
        ValueError: it means none; and the others of `NOT_A_VALUE`.
    """
    if kind is str:
        return text
    if kind in (int, float):
        return kind(text)
    if kind is bool:
        return _entry(_BOOLEANS, text.strip().lower())
    if kind is NoneType:
        return _entry({"None": None}, text.strip())
    if kind is Any:
        try:
            return _fitting_data(text, Any)
        except NOT_A_VALUE:
            return text
    if origin_of(kind) is Literal:
        return _first(get_args(kind), lambda allowed: _meant(text, allowed))
    if origin_of(kind) is Union:
        return _first(_members(kind), lambda member: value_of_text(text, member))
    return _fitting_data(text, kind)


def _named_type(node: ast.expr) -> ValueType:
    match node:
        case ast.Constant(value=None):
            return NoneType
        case ast.Constant(value=str() as text):  # a quoted annotation
            return _named_type(ast.parse(text, mode="eval").body)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return _NAMED[name]
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _union(_named_type(left), _named_type(right))
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inner):
            return _subscripted(name, inner.elts if isinstance(inner, ast.Tuple) else [inner])
    raise ValueError("not a type that is understood")


def _subscripted(name: str, inner: list[ast.expr]) -> ValueType:
    if name == "Literal":
        return Literal[tuple(ast.literal_eval(item) for item in inner)]
    if name in ("Annotated", "Final"):
        return _named_type(inner[0])
    if name == "Optional":
        return _union(_named_type(inner[0]), NoneType)
    if name == "Union":
        return _union(*map(_named_type, inner))
    base = _NAMED[name]
    if base is tuple:
        return base[tuple(... if _is_ellipsis(item) else _named_type(item) for item in inner)]
    if len(inner) != {list: 1, dict: 2}[base]:
        raise ValueError(f"{name} has {len(inner)} types of items")
    return base[tuple(_named_type(item) for item in inner)]


def _union(*members: ValueType) -> ValueType:
    return Union[members]  # noqa: UP007  # not an annotation


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...


def _fitting_data(text: str, kind: ValueType) -> Any:
    try:
        data = json.loads(text)
    except ValueError:
        data = ast.literal_eval(text.strip())
    return _fitting(data, kind)


def _fitting(value: Any, kind: ValueType) -> Any:
    """``value``, if it is of type ``kind``; an int becomes a float where one is wanted."""
    if kind is Any:
        base = type(value)
        kind = base if base in (list, tuple, dict) else _union(*_SCALARS)
    origin, inner = origin_of(kind), get_args(kind)
    if origin is Union:
        return _first(_members(kind), lambda member: _fitting(value, member))
    if origin is Literal:
        return _first(inner, lambda allowed: _equal(value, allowed))
    if origin is float and type(value) is int:
        return float(value)
    if origin in _SCALARS and type(value) is origin:
        return value
    if origin is list and isinstance(value, list | tuple):
        return [_fitting(item, *(inner or (Any,))) for item in value]
    if origin is tuple and isinstance(value, list | tuple):
        kinds = _types_of_items(inner, len(value))
        return tuple(_fitting(item, kind) for item, kind in zip(value, kinds, strict=True))
    if origin is dict and isinstance(value, dict):
        of_key, of_value = inner or (Any, Any)
        return {_key(key, of_key): _fitting(item, of_value) for key, item in value.items()}
    raise ValueError(f"{value!r} is of another type")


def _types_of_items(inner: tuple[ValueType, ...], count: int) -> tuple[ValueType, ...]:
    if not inner:
        return (Any,) * count
    return inner[:1] * count if inner[-1] is ... else inner


def _key(key: Any, kind: ValueType) -> Any:
    """A key of a dict, which JSON has as text."""
    return (
        value_of_text(key, kind)
        if isinstance(key, str) and kind is not Any
        else _fitting(key, kind)
    )


def _meant(text: str, allowed: Any) -> Any:
    return _equal(value_of_text(text, type(allowed)), allowed)


def _equal(value: Any, allowed: Any) -> Any:
    if type(value) is type(allowed) and value == allowed:
        return allowed
    raise ValueError(f"{value!r} is another value")


def _members(kind: ValueType) -> list[ValueType]:
    """The types of a union, the strictest first."""
    return sorted(get_args(kind), key=lambda member: _STRICTEST_FIRST.index(origin_of(member)))


def _first(options: Iterable[T], read: Callable[[T], Any]) -> Any:
    """What ``read`` returns for the first of ``options`` that it accepts."""
    for option in options:
        try:
            return read(option)
        except NOT_A_VALUE:
            continue
    raise ValueError("none of them fits")


def _entry(values: dict[str, T], name: str) -> T:
    if name not in values:
        raise ValueError(f"{name!r} is not one of {', '.join(values)}")
    return values[name]
