"""Series: the runs, endpoints or targets that a figure shows side by side on one axes.

A figure takes one run or several, ``endpoint=`` for some of their requests, and ``by=`` for a
series for each endpoint or target. Drawing again on the same axes adds series to those that are
there: all of them are drawn anew, with colours, dashes, a legend and axes for all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal
from weakref import WeakKeyDictionary

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from benchlab.errors import InputError
from benchlab.plots.style import LOOKS, Look, plain
from benchlab.runs.run import Run
from benchlab.samples.samples import Endpoints, Samples
from benchlab.samples.summary import Distribution
from benchlab.text import plural

__all__ = ["By", "Drawing", "Series", "drawing", "labels_of"]

By = Literal["endpoint", "target"]
"""What a figure has a series for each of."""

_MOST = len(LOOKS)
_LABEL_CHARACTERS = 30
_NAME_CHARACTERS = 44
_SHORT_NAME_CHARACTERS = 26  # beside something else


@dataclass(frozen=True)
class _Part:
    """Some requests of a run, before it is known what it is drawn beside."""

    run: Run
    endpoint: tuple[str, ...] | None
    name: str

    def is_same(self, other: _Part) -> bool:
        return self.run.id == other.run.id and self.endpoint == other.endpoint


@dataclass(frozen=True)
class Series:
    """Requests of a run with a label and a look of their own."""

    run: Run
    endpoint: tuple[str, ...] | None
    label: str
    look: Look

    @cached_property
    def measured(self) -> Samples:
        """The requests of the measured window."""
        return self.run.measured_of(self.endpoint)

    @cached_property
    def samples(self) -> Samples:
        """The requests of the whole run, warm-up included."""
        return self.run.samples.requests.endpoint(self.endpoint)

    @property
    def tries(self) -> Samples:
        """What was sent in the whole run: requests, and the tries of them that were replaced."""
        return self.run.samples.endpoint(self.endpoint)

    @cached_property
    def latency(self) -> Distribution | None:
        """Latencies of the measured window; None without requests."""
        if self.endpoint is None:
            return self.run.summary.latency_ns
        return Distribution.of_blocks(self.measured.in_blocks("latency_ns"))


@dataclass(frozen=True)
class Drawing:
    """The series of one axes, and how many were left out."""

    series: tuple[Series, ...]
    left_out: int = 0

    @property
    def runs(self) -> list[Run]:
        """The runs of the series, each once."""
        return list({series.run.id: series.run for series in self.series}.values())

    @property
    def only(self) -> Series | None:
        """The series if there is only one."""
        return self.series[0] if len(self.series) == 1 else None

    @property
    def noun(self) -> str:
        """What each sample is: ``request``, or ``step`` if all are steps of scenarios."""
        nouns = {run.plan.sample_noun for run in self.runs}
        return nouns.pop() if len(nouns) == 1 else "request"

    @property
    def subject(self) -> str:
        """What is drawn, for the heading: runs, endpoint, number of requests."""
        runs, names = self.runs, {run.name for run in self.runs}
        endpoints = {series.endpoint for series in self.series}
        chosen = self.series[0].endpoint if len(endpoints) == 1 else None
        limit = _NAME_CHARACTERS if chosen is None and not self.left_out else _SHORT_NAME_CHARACTERS
        parts = [plain(names.pop(), limit)] if len(names) == 1 else []
        if len(runs) > 1:
            parts = [" of ".join([plural(len(runs), "run"), *parts])]
        if chosen is not None:
            parts.append(plain(", ".join(chosen), _NAME_CHARACTERS))
        count = sum(len(series.measured) for series in self.series)
        parts.append(plural(count, self.noun))
        if self.left_out:
            parts.append(f"{self.left_out:,} more not drawn")
        return " · ".join(parts)


@dataclass
class _Drawn:
    """What is on an axes: the figure's name, its parts, and the artists to remove."""

    figure: str
    parts: list[_Part]
    left_out: int
    artists: list[Artist] = field(default_factory=list)


_DRAWN: WeakKeyDictionary[Axes, _Drawn] = WeakKeyDictionary()


@contextmanager
def drawing(
    ax: Axes,
    figure: str,
    runs: Run | Sequence[Run],
    endpoint: Endpoints | None = None,
    by: By | None = None,
    *,
    adds: bool = True,
) -> Iterator[Drawing]:
    """Draw series on ``ax`` inside this block, together with those that ``figure`` drew there.

    What was drawn before is removed, except by others. A series that is there already is not added
    again. A figure that ``adds`` nothing has the new ones alone.

    Raises:
        InputError: no endpoint has this name, ``by`` is unknown, or there are too many series.
    """
    parts, left_out = _parts(runs, endpoint, by)
    drawn = _DRAWN.get(ax)
    if drawn is None or drawn.figure != figure:
        drawn = _Drawn(figure, [], 0)
    kept = drawn.parts if adds else []
    together = [*kept, *(part for part in parts if not any(map(part.is_same, kept)))]
    if len(together) > _MOST:
        raise InputError(
            f"{len(together)} series are too many for one axes: {_MOST} is the most",
            remedy="draw some of them on an axes of their own",
        )
    for artist in drawn.artists:
        artist.remove()
    before = set(ax.get_children())
    # While a drawing fails, nothing is remembered.
    _DRAWN.pop(ax, None)
    left_out += drawn.left_out if adds else 0
    labels = labels_of([part.run for part in together], [part.name for part in together])
    yield Drawing(
        tuple(
            Series(part.run, part.endpoint, label, look)
            for part, label, look in zip(together, labels, LOOKS, strict=False)
        ),
        left_out,
    )
    artists = [artist for artist in ax.get_children() if artist not in before]
    _DRAWN[ax] = _Drawn(figure, together, left_out, artists)


def labels_of(runs: Sequence[Run], parts: Sequence[str]) -> list[str]:
    """Short labels that differ: of the ``runs``, of their ``parts`` ("" is the whole), or of both.

    Runs of the same name are told apart by their tags, or else by their ids.
    """
    names = _names({run.id: run for run in runs})
    pairs = [(names[run.id], part, run) for run, part in zip(runs, parts, strict=True)]
    if len(names) == 1:
        return _shorten([part or f"all {run.plan.sample_noun}s" for _, part, run in pairs])
    if len(set(parts)) == 1:
        return _shorten([name for name, _, _ in pairs])
    return _shorten([f"{name} · {part}" if part else name for name, part, _ in pairs])


def _names(runs: Mapping[str, Run]) -> dict[str, str]:
    """A name for each run, by its id."""
    names = {key: run.name for key, run in runs.items()}
    if len(set(names.values())) == len(names):
        return names
    tags = [dict(run.plan.tags) for run in runs.values()]
    keys = sorted({key for each in tags for key in each})
    differing = [key for key in keys if len({each.get(key) for each in tags}) > 1]
    if differing:
        shown = [", ".join(f"{key}={each.get(key, '–')}" for key in differing) for each in tags]
        if len(set(shown)) == len(shown):
            return dict(zip(runs, shown, strict=True))
    same = len(set(names.values())) == 1
    return {key: f"run {key}" if same else f"{name} {key}" for key, name in names.items()}


def _shorten(labels: Sequence[str]) -> list[str]:
    """Cut labels at their end, or at their start where the ends are what differs."""
    cut = [plain(label, _LABEL_CHARACTERS) for label in labels]
    if len(set(cut)) == len(set(labels)):
        return cut
    ends = [plain(label, 10_000) for label in labels]
    return [
        end if len(end) <= _LABEL_CHARACTERS else f"…{end[1 - _LABEL_CHARACTERS :].lstrip()}"
        for end in ends
    ]


def _parts(
    runs: Run | Sequence[Run], endpoint: Endpoints | None, by: By | None
) -> tuple[list[_Part], int]:
    """The parts that are asked for, and how many were left out: those with the fewest requests."""
    every = [runs] if isinstance(runs, Run) else list(runs)
    if by is None:
        wanted = (endpoint,) if isinstance(endpoint, str) else endpoint
        fixed = None if wanted is None else tuple(wanted)
        for run in every:
            run.samples.endpoint(fixed)
        name = "" if fixed is None else ", ".join(fixed)
        return [_Part(run, fixed, name) for run in every], 0
    if by not in ("endpoint", "target"):
        raise InputError("must be 'endpoint' or 'target'", field="by", value=by)
    found = [
        (count, _Part(run, names, name))
        for run in every
        for name, (names, count) in _groups(run, endpoint, by).items()
    ]
    if not found:
        return [_Part(run, None, "") for run in every], 0
    most = sorted(range(len(found)), key=lambda index: -found[index][0])[:_MOST]
    return [found[index][1] for index in sorted(most)], len(found) - len(most)


def _groups(run: Run, endpoint: Endpoints | None, by: By) -> dict[str, tuple[tuple[str, ...], int]]:
    """Name of each endpoint or target to its endpoints and the number of its requests."""
    measured = run.measured_of(endpoint)
    counts = np.zeros(max(len(measured.endpoints), 1), dtype=np.int64)
    for codes in measured.in_blocks("endpoint"):
        found = np.bincount(codes, minlength=len(counts))
        counts = found + np.pad(counts, (0, len(found) - len(counts)))
    if by == "target":
        if run.plan.scenario is not None:
            raise InputError(
                "is not known of the steps of a scenario",
                field="by",
                value=by,
                remedy="use by='endpoint'",
            )
        targets = _targets(run)
    groups: dict[str, tuple[tuple[str, ...], int]] = {}
    for name, count in zip(measured.endpoints, counts.tolist(), strict=False):
        group = name if by == "endpoint" else targets.get(name, name)
        names, total = groups.get(group, ((), 0))
        groups[group] = ((*names, name) if name not in names else names, total + count)
    return {name: group for name, group in groups.items() if group[1]}


def _targets(run: Run) -> dict[str, str]:
    """Endpoint to target: its name, which is in the names of its requests, or else the address."""
    found: dict[str, str] = {}
    for request in run.plan.requests:
        _, separator, name = request.name.rpartition(" @ ")
        target = name if separator else str(request.origin)
        if found.setdefault(request.name, target) != target:
            raise InputError(
                f"cannot tell targets apart: requests named {request.name!r} go to several",
                field="by",
                value="target",
                remedy="give the plan targets=, or each request a name of its own",
            )
    return found
