"""A trial: which causes are injected where, how strongly, and under which load; drawn by a seed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from tests.trials.drawing import Drawing
from tests.trials.proxy_causes import PROXY_CAUSES
from tests.trials.server_causes import SERVER_CAUSES
from tests.trials.target_causes import TARGET_CAUSES, TargetDrawing

__all__ = ["CAUSES", "Kind", "Place", "Rates", "Trial", "draw"]

Kind = Literal["single", "healthy", "double"]
Rates = Literal["dev", "report"]
Place = Literal["server", "target", "proxy"]

CAUSES = tuple(SERVER_CAUSES)
"""The causes that are injected, in the order in which seeds go through them."""

_TARGET_SHARE = 0.33
_PROXY_SHARE = 0.35
_PAUSES = {"stall", "periodic_pause", "event_loop"}

_DOUBLE = (
    "stall",
    "periodic_pause",
    "event_loop",
    "drift",
    "bimodal",
    "one_of_many",
    "payload_size",
    "tcp_stall",
    "errors",
    "slow_body",
    "child_span",
    "contention",
)
"""Causes of which two occur at once."""


@dataclass
class Trial:
    """What is done in a trial; all of it follows from ``seed``, ``attempt``, kind and rates.

    ``place`` is where causes are injected: into the fault ``server`` of these tests, into the
    bundled ``target`` by its own faults, or by the run's faults into a ``proxy`` before the fault
    server, or into its process. ``service`` are the settings of either, ``plan`` the parameters of
    the load, and ``beside`` what disturbs the machine or the generator meanwhile.
    """

    seed: int
    attempt: int
    kind: Kind
    rates: Rates
    place: Place
    causes: list[str]
    traced: bool
    length_s: float
    service: dict[str, Any]
    plan: dict[str, Any]
    beside: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict of the fields."""
        return asdict(self)


def _two(rng: np.random.Generator, traced: bool) -> list[str]:
    while True:
        first, second = (str(name) for name in rng.permutation(_DOUBLE)[:2])
        if not traced and "child_span" in {first, second}:
            continue
        if {first, second} <= _PAUSES:
            continue
        return [first, second]


def _place(kind: Kind, causes: list[str], drawn: float) -> Place:
    """Where causes are injected, by a number between 0 and 1."""
    if kind == "double":
        return "server"
    if all(cause in TARGET_CAUSES for cause in causes) and drawn < _TARGET_SHARE:
        return "target"
    if causes and causes[0] in PROXY_CAUSES and drawn >= 1 - _PROXY_SHARE:
        return "proxy"
    return "server"


def draw(seed: int, kind: Kind, rates: Rates, attempt: int = 0) -> Trial:
    """The trial of a ``seed``; another ``attempt`` has the same causes and draws the rest again.

    Consecutive seeds go through all causes. A slow child span can only be seen with traces. Causes
    that the target or the proxy can have are injected there in a part of the trials.
    """
    rng = np.random.default_rng([seed, len(kind)])
    traced = bool(rng.random() < 0.5)
    causes: list[str] = []
    if kind == "single":
        causes = [CAUSES[seed % len(CAUSES)]]
        traced = traced or causes == ["child_span"]
    elif kind == "double":
        causes = _two(rng, traced)
    place = _place(kind, causes, float(rng.random()))
    detail = np.random.default_rng([seed, attempt, len(kind), len(rates)])
    drawing: Drawing | TargetDrawing
    if place == "target":
        drawing = TargetDrawing(detail, seed, rates, traced)
        for cause in causes:
            TARGET_CAUSES[cause](drawing)
    elif place == "proxy":
        drawing = Drawing(detail, seed, rates, traced)
        for cause in causes:
            PROXY_CAUSES[cause](drawing)
    else:
        drawing = Drawing(detail, seed, rates, traced)
        for number, cause in enumerate(causes):
            SERVER_CAUSES[cause](drawing, number)
    service, plan = drawing.settings()
    return Trial(
        seed,
        attempt,
        kind,
        rates,
        place,
        causes,
        traced,
        drawing.length_s,
        service,
        plan,
        drawing.beside,
    )
