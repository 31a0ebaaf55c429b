"""The tries of requests that were sent more than once.

Each try is a sample. The request as its user sees it is its last try, whose latency counts from the
intended time of the first one; the others have `Flag.FAILED_TRY`, and are no results of requests.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from benchlab.samples.record_array import RecordArray
from benchlab.samples.records import ErrorKind, Flag
from benchlab.samples.samples import Samples

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TRY_DTYPE", "Tries", "TryCounts", "TryReason", "count_tries"]


class TryReason(IntEnum):
    """Why a request was sent again. The numbers are stored: never renumber."""

    RETRY = 1
    """The try before it failed."""
    HEDGE = 2
    """No response came in time, and the request was sent once more."""
    REUSED = 3
    """Its reused connection turned out to be closed, and it was sent on a new one."""


TRY_DTYPE = np.dtype([("seq", "<i8"), ("parent_seq", "<i8"), ("number", "<u4"), ("reason", "<u4")])
"""Layout of a record, in memory and in the spool.

There is one for each try but the first. ``seq`` is its sample, ``parent_seq`` that of the first try
of the same request; ``number`` counts the tries of a request in the order of sending, so the lowest
is 2; ``reason`` is a `TryReason`.
"""


class Tries(RecordArray):
    """The further tries of a run's requests, in order of ``seq``. Length: their number."""

    __slots__ = ()

    dtype = TRY_DTYPE

    def __repr__(self) -> str:
        return f"<Tries: {len(self):,} besides the first ones>"

    def to_pandas(self) -> pd.DataFrame:
        """One row per further try: seq, parent_seq, number, and reason by name."""
        import pandas as pd

        names = {int(reason): reason.name.lower() for reason in TryReason}
        return pd.DataFrame(
            {
                **{name: self.records[name] for name in ("seq", "parent_seq", "number")},
                "reason": [names[int(reason)] for reason in self.records["reason"]],
            }
        )


@dataclass(frozen=True, slots=True)
class TryCounts:
    """How often requests of the measured window were sent, and what became of it.

    ``retries``, ``hedges`` and ``resent`` (on a new connection, since a reused one was closed) are
    tries besides the first; ``failed_tries`` those, of all, that another one replaced.
    ``given_up`` are requests that failed in the end although their failure is one to retry:
    there were no tries, budget or time left. ``not_sent`` met an open circuit.
    """

    retries: int = 0
    hedges: int = 0
    resent: int = 0
    failed_tries: int = 0
    given_up: int = 0
    not_sent: int = 0

    def to_dict(self) -> dict[str, int]:
        """Name to count."""
        return asdict(self)

    def describe(self) -> str:
        """The counts in words, without what did not occur.

        >>> TryCounts(retries=1200, hedges=1, given_up=18).describe()
        '1,200 retries, 1 hedge, 18 given up'
        """
        parts = {
            ("retry", "retries"): self.retries,
            ("hedge", "hedges"): self.hedges,
            ("resent on a new connection",) * 2: self.resent,
            ("given up",) * 2: self.given_up,
            ("not sent, the circuit was open",) * 2: self.not_sent,
        }
        found = [f"{count:,} {names[count != 1]}" for names, count in parts.items() if count]
        return ", ".join(found) or "one for each request"

    @property
    def extra(self) -> int:
        """Tries besides the first ones."""
        return self.retries + self.hedges + self.resent


def count_tries(samples: Samples, tries: Tries, *, given_up: int) -> TryCounts:
    """Count the tries among ``samples``, failed ones included."""
    seqs = {reason: tries.records["seq"][tries.records["reason"] == reason] for reason in TryReason}
    found = dict.fromkeys(TryReason, 0)
    failed = not_sent = 0
    for block in samples.blocks():
        for reason, of_reason in seqs.items():
            if len(of_reason):
                found[reason] += int(np.count_nonzero(np.isin(block.column("seq"), of_reason)))
        failed += int(np.count_nonzero(block.column("flags") & Flag.FAILED_TRY))
        not_sent += int(np.count_nonzero(block.column("error") == ErrorKind.CIRCUIT_OPEN))
    return TryCounts(
        retries=found[TryReason.RETRY],
        hedges=found[TryReason.HEDGE],
        resent=found[TryReason.REUSED],
        failed_tries=failed,
        given_up=given_up,
        not_sent=not_sent,
    )
