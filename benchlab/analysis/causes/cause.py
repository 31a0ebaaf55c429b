"""What made a run slow: a cause, the evidence for it, and what to try next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, get_args

__all__ = ["CAUSES", "Cause", "CauseId", "Evidence"]

CauseId: TypeAlias = Literal[
    "queueing",
    "stall",
    "periodic_pause",
    "drift",
    "bimodal",
    "one_of_many",
    "payload_size",
    "new_connections",
    "tcp_stall",
    "contention",
    "event_loop",
    "child_span",
    "errors",
    "slow_body",
    "connection_cap",
    "generator",
    "noise",
]
"""Names of causes, as programs read them."""

CAUSES: tuple[CauseId, ...] = get_args(CauseId)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One observation that speaks for a cause: a sentence, and its figures by name.

    The names of ``numbers`` end in their unit: ``period_ns``, ``capacity_rps``, ``share_ratio``.
    """

    text: str
    numbers: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict of the fields."""
        return {"text": self.text, "numbers": dict(self.numbers)}


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause of the tail of a run.

    ``tail_ratio`` (0 to 1) is the part of the tail that it accounts for: of the time by which the
    requests above the 99th percentile (the 90th if fewer than 50 are above it) exceed the median.
    ``figure`` names the plot that shows it, ``requests`` are the sequence numbers of up to five
    examples, slowest first, and ``try_next`` says what to do about it.
    """

    cause: CauseId
    tail_ratio: float
    evidence: tuple[Evidence, ...]
    figure: str
    requests: tuple[int, ...] = ()
    try_next: str = ""

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict: ``cause``, ``tail_ratio``, ``evidence``, ``figure`` and so on."""
        return {
            "cause": self.cause,
            "tail_ratio": self.tail_ratio,
            "evidence": [item.to_dict() for item in self.evidence],
            "figure": self.figure,
            "requests": list(self.requests),
            "try": self.try_next,
        }
