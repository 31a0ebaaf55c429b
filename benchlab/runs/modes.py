"""Kinds of requests that show in the latency: cache hits and misses, fast and slow paths."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchlab.displayed import Result
from benchlab.samples.samples import Samples
from benchlab.statistics.modes import BINS_PER_UNIT, find_modes
from benchlab.units import NS_PER_MS, format_ms

if TYPE_CHECKING:
    import pandas as pd

    from benchlab.runs.run import Run

__all__ = ["LatencyMode", "Modes", "modes_of"]

_BINS = 64 * BINS_PER_UNIT  # e^64 ns is beyond any duration
_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True, slots=True)
class LatencyMode:
    """A mode: where its peak is, and the share of requests from ``low_ns`` to ``high_ns``."""

    at_ns: int
    low_ns: int
    high_ns: int
    share_ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Modes(Result):
    """The modes of the latency of successful requests, fastest first; none if there are too few."""

    modes: tuple[LatencyMode, ...]
    count: int
    endpoint: str | None = None

    @property
    def several(self) -> bool:
        """Whether there is more than one mode."""
        return len(self.modes) > 1

    @property
    def listed(self) -> str:
        """Each mode with its share of the requests; empty if there is none."""
        parts = [f"{mode.share_ratio:.0%} around {format_ms(mode.at_ns)}" for mode in self.modes]
        if not parts:
            return ""
        *others, last = parts
        text = f"{', '.join(others)} and {last}" if others else last
        return text.replace("%", " %").replace("around", "of requests around", 1)

    @property
    def hint(self) -> str:
        """What several modes are, in one sentence; empty if there are not several."""
        if not self.several:
            return ""
        of = f" of {self.endpoint}" if self.endpoint else ""
        return f"the latency{of} has {len(self.modes)} peaks: {self.listed}"

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict of the fields."""
        return asdict(self) | {"modes": [asdict(mode) for mode in self.modes]}

    def to_pandas(self) -> pd.DataFrame:
        """A row for each mode, in ms."""
        import pandas as pd

        columns = ["at_ms", "low_ms", "high_ms", "share_ratio"]
        rows = [
            (*(value / NS_PER_MS for value in (mode.at_ns, mode.low_ns, mode.high_ns)),
             mode.share_ratio)
            for mode in self.modes
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=columns)


def modes_of(run: Run, endpoint: str | None) -> Modes:
    """The modes of the latency in the measured window of ``run``.

    Raises:
        InputError: the run has no endpoint of this name.
    """
    measured = run.measured if endpoint is None else run.measured.endpoint(endpoint)
    succeeded = measured.succeeded
    grain = _grain(succeeded)
    counts = np.zeros(_BINS, dtype=np.int64)
    for latency_ns in succeeded.in_blocks("latency_ns"):
        values = np.maximum(latency_ns, 1).astype(np.float64)
        if grain > 1:  # times in whole ms would be peaks of their own: spread each over its ms
            values += grain * (np.arange(len(values)) * _GOLDEN % 1 - 0.5)
        bins = (np.log(np.maximum(values, 1)) * BINS_PER_UNIT).astype(np.int64)
        counts += np.bincount(bins, minlength=_BINS)
    found = tuple(
        LatencyMode(_value(mode.peak + 0.5), _value(mode.start), _value(mode.end), mode.share)
        for mode in find_modes(counts)
    )
    return Modes(modes=found, count=len(succeeded), endpoint=endpoint)


def _value(place: float) -> int:
    return round(math.exp(place / BINS_PER_UNIT))


def _grain(samples: Samples) -> int:
    """What all latencies are multiples of, such as 1 ms in the files of many tools."""
    grain = 0
    for latency_ns in samples.in_blocks("latency_ns"):
        for part in (latency_ns[:1000], latency_ns):
            grain = int(np.gcd(grain, np.gcd.reduce(part)))
            if grain == 1:
                return 1
    return grain
