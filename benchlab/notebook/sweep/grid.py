"""The points of a sweep: a product of axes, explicit points, or both; also read from a file."""

from __future__ import annotations

import itertools
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchlab.errors import InputError
from benchlab.text_files import decode_text

__all__ = ["Grid", "read_grid", "value_text"]

_KEYS = ("grid", "points", "parameters")
_FORM = (
    "write a table [grid] of lists, tables [[points]] of values, or both, and [parameters] for"
    " what is the same at every point"
)


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Every combination of the values on the ``axes``, then the explicit ``points``.

    Values are text as ``-p`` takes it. ``parameters`` are the same at every point.
    """

    axes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    points: Sequence[Mapping[str, str]] = ()
    parameters: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        grid: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        parameters: Mapping[str, Any] | None = None,
    ) -> Grid:
        """The grid of Python values: lists by name, or a list of points.

        Raises:
            InputError: it is neither, or a value that no parameter can have.
        """
        fixed = _texts(parameters or {}, "parameters")
        if isinstance(grid, Mapping):
            return cls(axes=_axes(grid, "grid"), parameters=fixed)
        return cls(points=_points(grid, "grid"), parameters=fixed)

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that are swept, in the order in which they were given."""
        return tuple(dict.fromkeys([*self.axes, *itertools.chain(*self.points)]))

    def combined(self, other: Grid) -> Grid:
        """This grid with the axes, points and parameters of another.

        Raises:
            InputError: both have the same axis or parameter.
        """
        for kind in ("axes", "parameters"):
            both = [name for name in getattr(self, kind) if name in getattr(other, kind)]
            if both:
                raise InputError(
                    f"{both[0]} is given twice, in the grid file too: leave out one of them"
                )
        return Grid(
            axes={**self.axes, **other.axes},
            points=[*self.points, *other.points],
            parameters={**self.parameters, **other.parameters},
        )

    def __iter__(self) -> Iterator[dict[str, str]]:
        """The points, the last axis turning fastest.

        Raises:
            InputError: there is none, an axis has no values, or a parameter is both swept and
                fixed.
        """
        for name, values in self.axes.items():
            if not values:
                raise InputError(f"the axis {name} has no values: write -g {name}=v1,v2")
        if not self.names:
            raise InputError("there is nothing to vary: give at least one axis, -g name=v1,v2")
        both = [name for name in self.names if name in self.parameters]
        if both:
            raise InputError(f"{both[0]} is both an axis and fixed: give it with -g or with -p")
        if self.axes:
            for combination in itertools.product(*self.axes.values()):
                yield dict(zip(self.axes, combination, strict=True))
        for point in self.points:
            yield dict(point)


def read_grid(path: Path) -> Grid:
    """The grid in a file, TOML or JSON: ``grid``, ``points`` and ``parameters``.

        [grid]
        connections = [1, 2, 4]
        body = ['{"a": [1, 2]}', "x,y"]

        [[points]]
        connections = 64
        workers = 2

        [parameters]
        duration_s = 5

    Raises:
        InputError: it cannot be read, or has anything else.
    """
    try:
        text = decode_text(path.read_bytes())
        data = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as exc:
        raise InputError(f"cannot read the grid {path}: {exc.strerror}") from exc
    except (ValueError, RecursionError) as exc:
        kind = "JSON" if path.suffix == ".json" else "TOML"
        raise InputError(f"{path} cannot be read as {kind}: {exc}") from exc
    if not isinstance(data, dict) or not data.keys() <= {*_KEYS}:
        extra = ", ".join(sorted(data.keys() - {*_KEYS})) if isinstance(data, dict) else ""
        problem = f"has the unknown key {extra}" if extra else "is not a grid"
        raise InputError(problem, remedy=_FORM, where=str(path))
    try:
        return Grid(
            axes=_axes(data.get("grid", {}), "grid"),
            points=_points(data.get("points", []), "points"),
            parameters=_texts(data.get("parameters", {}), "parameters"),
        )
    except InputError as exc:
        raise exc.within(str(path)) from exc


def value_text(value: Any, name: str = "value") -> str:
    """A value as ``-p`` takes it: text as it is, anything else as JSON.

    >>> value_text("a,b"), value_text(1.0), value_text([1, "x"]), value_text(None)
    ('a,b', '1.0', '[1, "x"]', 'None')

    Raises:
        InputError: JSON has no such value.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return "None"
    if hasattr(value, "item"):  # a number of numpy
        value = value.item()
    try:
        return json.dumps(value)
    except (TypeError, ValueError) as exc:
        raise InputError(
            f"is of the type {type(value).__name__}, which no parameter can have",
            field=name,
            value=value,
            remedy="give numbers, text, lists or dicts of them",
        ) from exc


def _axes(data: Any, field_name: str) -> dict[str, list[str]]:
    if not isinstance(data, Mapping):
        raise InputError("is not a table of lists", field=field_name, value=data, remedy=_FORM)
    axes = {}
    for name, values in data.items():
        if isinstance(values, str | bytes | Mapping) or not hasattr(values, "__iter__"):
            raise InputError(
                "is not a list of values",
                field=f"{field_name}.{name}",
                value=values,
                remedy=f"write {name} = [{json.dumps(values, default=str)}]",
            )
        axes[str(name)] = [value_text(value, f"{field_name}.{name}") for value in values]
        if not axes[str(name)]:
            raise InputError("has no values", field=f"{field_name}.{name}")
    return axes


def _points(data: Any, field_name: str) -> list[dict[str, str]]:
    if isinstance(data, str | bytes) or not isinstance(data, Sequence):
        raise InputError("is not a list of points", field=field_name, value=data, remedy=_FORM)
    points = []
    for number, point in enumerate(data, 1):
        if not isinstance(point, Mapping) or not point:
            raise InputError(
                "is not a point: it names no parameter",
                field=f"{field_name}[{number}]",
                value=point,
                remedy=_FORM,
            )
        points.append(_texts(point, f"{field_name}[{number}]"))
    return points


def _texts(data: Any, field_name: str) -> dict[str, str]:
    if not isinstance(data, Mapping):
        raise InputError("is not a table of values", field=field_name, value=data, remedy=_FORM)
    return {str(name): value_text(value, f"{field_name}.{name}") for name, value in data.items()}
