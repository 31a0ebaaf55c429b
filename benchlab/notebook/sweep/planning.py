"""What a sweep is going to do: its points in order, checked, each with an identity."""

from __future__ import annotations

import ast
import hashlib
import itertools
import json
import random
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Literal, get_args

from benchlab.analysis.sweep import SweepPoint
from benchlab.errors import WRONG_CONTENT, InputError
from benchlab.notebook.headless import Parameter, convert_parameters, in_utf8, notebook_parameters
from benchlab.notebook.headless.redaction import public_value
from benchlab.notebook.sweep.grid import Grid, value_text
from benchlab.redact import is_secret

__all__ = ["FIRST_OVERHEAD_S", "Order", "PlannedPoint", "SweepPlan", "overhead_s", "plan_sweep"]

Order = Literal["grid", "random"]

FIRST_OVERHEAD_S = 10.0
"""What a point takes beside its load, as long as none has been measured: a kernel, a report."""

_MOST_SEED = 2**31
_MOST_POINTS = 100_000
_WASHOUT_S = 0.5
_REPORT_DIR = "report_dir"  # each point has its own


@dataclass(frozen=True, kw_only=True)
class PlannedPoint:
    """A point that is to be measured once.

    ``texts`` are its parameters as the notebook gets them; ``given`` and ``parameters`` are the
    swept ones as text and as values, without credentials, and with the notebook's defaults.
    ``key`` is the same for the same content of the notebook, the same parameters and the same
    repeat, and for no others. ``length_s`` is how long the parameters ask for load; None if they do
    not say.
    """

    key: str
    texts: Mapping[str, str]
    given: Mapping[str, str]
    parameters: Mapping[str, Any]
    repeat: int = 1
    length_s: float | None = None

    def finished(self, number: int, **result: Any) -> SweepPoint:
        """The point as it is kept once it is finished."""
        return SweepPoint(
            number=number,
            parameters=self.parameters,
            given=self.given,
            repeat=self.repeat,
            length_s=self.length_s,
            **result,
        )


@dataclass(frozen=True, kw_only=True)
class SweepPlan:
    """A notebook and its points: by their number in ``points``, and in ``order`` to be measured."""

    notebook: Path
    content_hash: str
    names: tuple[str, ...]
    points: tuple[PlannedPoint, ...]
    fixed: Mapping[str, str] = field(default_factory=dict)
    repeat: int = 1
    order: Order = "grid"
    seed: int = 0

    def in_order(self) -> list[PlannedPoint]:
        """The points in the order in which they are measured.

        By repeats: what changes over the hours of a sweep meets all points alike. ``random`` draws
        an order for each repeat.
        """
        points = list(self.points)
        if self.order == "grid":
            return points
        draw, each = random.Random(self.seed), len(points) // self.repeat
        blocks = [points[start : start + each] for start in range(0, len(points), each)]
        for block in blocks:
            draw.shuffle(block)
        return [point for block in blocks for point in block]

    def design(self) -> dict[str, Any]:
        """What a store keeps of the plan."""
        return {
            "notebook": self.notebook.name,
            "content_hash": self.content_hash,
            "names": list(self.names),
            "fixed": dict(self.fixed),
            "repeat": self.repeat,
            "order": self.order,
            "seed": self.seed if self.order == "random" else None,
        }


def plan_sweep(
    notebook: Path,
    grid: Grid,
    *,
    repeat: int = 1,
    order: Order = "grid",
    seed: int | None = None,
) -> SweepPlan:
    """The points of ``grid``, each ``repeat`` times, checked against the notebook's parameters.

    ``seed`` decides a random order; it is drawn if it is not given.

    Raises:
        InputError: an unknown parameter, a value of the wrong type, nothing to vary, or a point
            that is there twice.
    """
    if repeat < 1:
        raise InputError("is below 1", field="repeat", value=repeat)
    if order not in get_args(Order):
        raise InputError("is neither grid nor random", field="order", value=order)
    offered = itertools.islice(grid, _MOST_POINTS + 1)  # a few axes have billions
    given = [{name: in_utf8(text) for name, text in point.items()} for point in offered]
    if len(given) * repeat > _MOST_POINTS:
        raise InputError(
            f"the grid has more than {_MOST_POINTS:,} points", remedy="sweep fewer values at once"
        )
    known = notebook_parameters(notebook)
    if _REPORT_DIR in {*grid.names, *grid.parameters} & {*known}:
        raise InputError(
            f"{_REPORT_DIR} is set by the sweep: each point has its own", remedy="choose one by -o"
        )
    content = notebook_hash(notebook)
    values = [convert_parameters({**grid.parameters, **point}, known, notebook) for point in given]
    defaults = _defaults(grid.names, known)
    _refuse_twice(given, [defaults | value for value in values])
    points = [
        PlannedPoint(
            key=_key(content, value, number),
            texts={**grid.parameters, **point},
            given={
                name: _public_text(name, point.get(name, value_text(_public(name, swept))), swept)
                for name, swept in _swept(grid.names, defaults | value)
            },
            parameters={
                name: _public(name, swept) for name, swept in _swept(grid.names, defaults | value)
            },
            repeat=number,
            length_s=_length_s(value, known),
        )
        for number in range(1, repeat + 1)
        for point, value in zip(given, values, strict=True)
    ]
    fixed = convert_parameters(grid.parameters, known, notebook)
    return SweepPlan(
        notebook=notebook,
        content_hash=content,
        names=grid.names,
        points=tuple(points),
        fixed={
            name: _public_text(name, text, fixed[name]) for name, text in grid.parameters.items()
        },
        repeat=repeat,
        order=order,
        seed=secrets.randbelow(_MOST_SEED) if seed is None else seed,
    )


def notebook_hash(notebook: Path) -> str:
    """A hash of what a notebook does: its cells, without their outputs.

    Raises:
        InputError: it cannot be read as a notebook.
    """
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        content = [
            (cell["cell_type"], "".join(cell["source"]), cell["metadata"].get("tags", []))
            for cell in cells
        ]
    except (OSError, *WRONG_CONTENT) as exc:
        raise InputError(f"{notebook} cannot be read as a notebook: {exc}") from exc
    return _hash(content)


def overhead_s(finished: Sequence[SweepPoint]) -> float | None:
    """What a point takes beside its load, by the median of those that are finished."""
    found = [
        max(point.took_s - (point.length_s or 0.0), 0.0)
        for point in finished
        if point.took_s is not None and not point.error
    ]
    return median(found) if found else None


def _key(content: str, values: Mapping[str, Any], repeat: int) -> str:
    return _hash([content, sorted(values.items()), repeat])


def _hash(data: Any) -> str:
    return hashlib.sha256(json.dumps(data, default=repr).encode()).hexdigest()


def _refuse_twice(given: Sequence[Mapping[str, str]], values: Sequence[Mapping[str, Any]]) -> None:
    """Refuse a point that is there twice, however it is written: 1 and 01 are one int."""
    seen: dict[str, int] = {}
    for number, value in enumerate(values):
        first = seen.setdefault(_hash(sorted(value.items())), number)
        if first != number:
            label = ", ".join(f"{name}={text}" for name, text in given[number].items())
            raise InputError(
                f"the points {first + 1} and {number + 1} of the grid are the same ({label})",
                remedy="write each value once, and --repeat to measure a point several times",
            )


def _length_s(values: Mapping[str, Any], known: Mapping[str, Parameter]) -> float | None:
    """How long parameters with the names of the bundled notebooks ask for load."""

    def number(name: str) -> float:
        value = values.get(name, _default(known.get(name)))
        return float(value) if isinstance(value, int | float) else 0.0

    if "budget_s" in known:
        return number("budget_s")
    if {"blocks", "block_s"} <= {*known}:
        washout = number("washout_s") if "washout_s" in known else _WASHOUT_S
        return 2 * number("blocks") * (number("block_s") + washout)
    if "duration_s" not in known:
        return None
    count, rate_rps = number("request_count"), number("rate_rps")
    measured = count / rate_rps if count and rate_rps else number("duration_s")
    return number("warmup_s") + measured


def _defaults(names: Sequence[str], known: Mapping[str, Parameter]) -> dict[str, Any]:
    """What the notebook has for swept parameters that a point may leave out, where it is known."""
    found = {name: _default(known.get(name)) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _swept(names: Sequence[str], values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((name, values[name]) for name in names if name in values)


def _default(parameter: Parameter | None) -> Any:
    try:
        return None if parameter is None else ast.literal_eval(parameter.default)
    except (*WRONG_CONTENT, SyntaxError, MemoryError):
        return None


def _public(name: str, value: Any) -> Any:
    """A value without the credentials in it; a tuple is a list, as in JSON."""
    shown = public_value(list(value) if isinstance(value, tuple) else value, is_secret(name), set())
    try:
        json.dumps(shown)
    except TypeError:
        return str(shown)
    return shown


def _public_text(name: str, text: str, value: Any) -> str:
    """A text as it was given, unless there are credentials in its value."""
    plain = list(value) if isinstance(value, tuple) else value
    shown = _public(name, value)
    return text if shown == plain else value_text(shown)
