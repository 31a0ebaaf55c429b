"""The spans that servers made of the requests of a run, as arrays on the clock of the samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["ChildSpans", "RequestSpans"]


@dataclass(frozen=True, slots=True, eq=False)
class ChildSpans:
    """All spans of one name and service below the SERVER spans of the requests.

    ``index`` is the position of each span's request in `RequestSpans.seq`; a request may have
    several spans, or none. Spans may overlap each other, and may be spans of spans. ``start_ns`` is
    on the clock of the samples.
    """

    name: str
    service: str
    index: NDArray[np.int32]
    start_ns: NDArray[np.int64]
    duration_ns: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.index)

    def __repr__(self) -> str:
        return f"<ChildSpans {self.service} · {self.name}: {len(self):,}>"


@dataclass(frozen=True, slots=True, eq=False)
class RequestSpans:
    """The SERVER span of each request that has one, and the spans below it.

    ``seq`` increases. ``start_ns`` is when the span began, in ns from the start of the run as the
    samples count it, the offset between the two clocks applied; ``server_ns`` is its duration.
    ``instance`` is a position in ``instances``, the values of ``service.instance.id``, and -1 where
    a span has none.

    Of a run with very many spans, the requests whose latency is above ``whole_above_ns`` are all
    here, and of the others one of ``every``: 1 means that all are here.
    """

    seq: NDArray[np.int64]
    start_ns: NDArray[np.int64]
    server_ns: NDArray[np.int64]
    instance: NDArray[np.int32]
    instances: tuple[str, ...] = ()
    children: tuple[ChildSpans, ...] = ()
    every: int = 1
    whole_above_ns: int = 0

    def __len__(self) -> int:
        return len(self.seq)

    def __repr__(self) -> str:
        return f"<RequestSpans: {len(self):,} requests, {len(self.children)} kinds of child spans>"
