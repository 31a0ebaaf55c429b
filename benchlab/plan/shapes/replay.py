"""Replay: arrival times that were recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, Self

from attrs import field, frozen

from benchlab.errors import InputError
from benchlab.plan.shapes.arrival_times import read_arrivals_s
from benchlab.plan.shapes.base import BLOCK, OpenLoop
from benchlab.plan.shapes.fixed_rate import ConstantRate
from benchlab.plan.validation import check_seconds
from benchlab.units import NS_PER_S

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from benchlab.samples.samples import Samples

__all__ = ["MAX_ARRIVALS", "Replay"]

MAX_ARRIVALS = 1_000_000
"""The most arrivals of one replay."""

_LONE_S = 1.0
_SHORTEST_GAP_S = 1e-6  # so that the last arrival lies inside despite rounding


def _offsets(given: Sequence[float] | NDArray[np.float64]) -> tuple[float, ...]:
    import numpy as np

    sequence: object = given
    if isinstance(sequence, str) or not isinstance(sequence, Sequence | np.ndarray):
        raise InputError(
            "cannot be read",
            field="offsets_s",
            value=given,
            remedy="give arrival times in seconds",
        )
    _check_count(len(given))
    offsets = given.tolist() if isinstance(given, np.ndarray) else given
    if not set(map(type, offsets)) <= {float, int} or not 0 <= min(offsets) <= max(offsets) < 1e8:
        for offset in offsets:
            check_seconds("offsets_s", offset, zero=True)
    return tuple(sorted(map(float, offsets)))


def _check_count(count: int) -> None:
    if not 1 <= count <= MAX_ARRIVALS:
        raise InputError(
            f"{count:,} arrival times are given, 1 to {MAX_ARRIVALS:,} are possible",
            field="offsets_s",
        )


@frozen
class Replay(OpenLoop):
    """An open loop that sends at recorded times: one request at each of ``offsets_s``.

    They are seconds from the start of the measured window, in any order; at most a million. Text
    with such times is read by `parse`, an earlier run is taken by `from_samples`. A warm-up runs
    at the mean rate.

    >>> Replay.parse("1700000000.0 1700000000.5".replace(" ", chr(10))).offsets_s
    (0.0, 0.5)
    """

    offsets_s: tuple[float, ...] = field(converter=_offsets)
    kind: ClassVar[str] = "replay"
    metavar: ClassVar[str] = "FILE"
    help: ClassVar[str] = (
        "recorded arrival times: a number of seconds per line, or first in a CSV line"
    )
    file_field: ClassVar[str] = "offsets_file"

    @classmethod
    def parse(cls, text: str, arrivals: str = "constant") -> Self:
        """The times in ``text``, one per line; the first of them becomes 0.

        They are seconds, or another unit that a header names (``timestamp_ms``, ``time [us]``), or
        that the size of a time since 1970 gives away. Of a line with columns (CSV) the first
        counts. Blank lines, lines that begin with ``#``, and a header line are skipped.

        Raises:
            InputError: a line that does not begin with a number, by its number; one such as
                ``0,5``, which may be one number or two; or no time at all.
        """
        if arrivals != "constant":
            raise InputError(
                "is not for recorded arrivals",
                field="arrivals",
                value=arrivals,
                remedy="leave it out with a replay",
            )
        return cls(read_arrivals_s(text, MAX_ARRIVALS))

    @classmethod
    def from_samples(cls, samples: Samples) -> Self:
        """The intended times of measured requests; the first of them becomes 0.

        Those of an open loop are its schedule; those of a closed loop are the times at which it
        sent, now independent of any response.

        Raises:
            InputError: no request was measured, or over a million were.
        """
        intended_ns = samples.measured.column("intended_ns")
        if len(intended_ns) == 0:
            raise InputError("no request was measured, so there is nothing to replay")
        return cls(((intended_ns - intended_ns.min()) / NS_PER_S).tolist())

    @property
    def duration_s(self) -> float:
        """The time of the last arrival and one mean gap more (a second, if there is no gap).

        So ten seconds of 100 requests/s last ten seconds again, not 9.99.
        """
        last, count = self.offsets_s[-1], len(self.offsets_s)
        gap_s = last / (count - 1) if count > 1 and last > 0 else _LONE_S
        return last + max(gap_s, _SHORTEST_GAP_S)

    def describe(self) -> str:
        """Short description."""
        count = len(self.offsets_s)
        return f"replay of {count:,} recorded arrival{'s' if count > 1 else ''}"

    @property
    def highest_rps(self) -> float:
        """The most arrivals within one of its seconds; of a shorter replay, its mean rate."""
        import numpy as np

        _, counts = np.unique(np.floor(self.offsets_s), return_counts=True)
        return max(float(counts.max()), len(self.offsets_s) / self.duration_s)

    def steady(self) -> ConstantRate:
        """The warm-up's load: the mean rate."""
        return ConstantRate(len(self.offsets_s) / self.duration_s)

    def offsets(self, duration_ns: int, seed: int) -> Iterator[NDArray[np.int64]]:
        """The recorded times below ``duration_ns``. Unseeded."""
        import numpy as np

        del seed
        for start in range(0, len(self.offsets_s), BLOCK):
            block = np.array(self.offsets_s[start : start + BLOCK]) * NS_PER_S
            offsets = np.rint(block).astype(np.int64)
            yield offsets[offsets < duration_ns]
            if offsets[-1] >= duration_ns:
                return
