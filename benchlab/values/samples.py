"""One record per request: the only currency between the layers.

Times are integer nanoseconds on the generator's monotonic clock, from the start of the run.
Three durations are derived from them, always by these names:

- ``latency_ns = done_ns - intended_ns``: what a user feels, waiting for a late send included;
- ``service_ns = done_ns - sent_ns``: what the service and the network took;
- ``lag_ns = sent_ns - intended_ns``: how late the generator was, or how long the connection cap
  held the request back.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum, IntFlag
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchlab.errors import InputError, MissingPackageError
from benchlab.values.scramble import GOLDEN, scrambled

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["SAMPLE_DTYPE", "ErrorKind", "Flag", "Samples", "is_traced", "trace_id"]


class ErrorKind(IntEnum):
    """Why a request failed; ``OK`` when it did not. The numbers are stored: never renumber."""

    OK = 0
    CONNECT = 1
    """No connection: refused, unreachable, host name unknown."""
    TIMEOUT = 2
    """No complete answer within ``timeout_s`` of sending."""
    RESET = 3
    """The connection was reset by the peer."""
    CLOSED = 4
    """The connection was closed before the answer was complete."""
    PROTOCOL = 5
    """The answer was not HTTP, or broke its rules."""
    TLS = 6
    """The TLS handshake or the certificate failed."""
    CHECK = 7
    """The answer came but is not what the plan expects."""
    STATUS = 8
    """The answer has a status of 400 or above."""
    ABANDONED = 9
    """The generator stopped waiting: interrupted, or the drain limit passed."""

    @property
    def label(self) -> str:
        """The name people see."""
        return self.name.lower()


class Flag(IntFlag):
    """Circumstances of a request."""

    WARMUP = 1
    """Sent before the measured window."""
    NEW_CONNECTION = 2
    """Opened a connection, so service time includes connecting."""
    CAP_WAIT = 4
    """Waited for a free connection under the cap: the lag is not the generator's own."""
    BEGINS = 8
    """The first step of a scenario's iteration: intended when the iteration was."""


SAMPLE_DTYPE = np.dtype(
    {
        "names": [
            "seq",
            "intended_ns",
            "sent_ns",
            "first_byte_ns",
            "done_ns",
            "bytes_in",
            "status",
            "endpoint",
            "error",
            "flags",
        ],
        "formats": ["<i8", "<i8", "<i8", "<i8", "<i8", "<i8", "<u2", "<u2", "u1", "u1"],
        "offsets": [0, 8, 16, 24, 32, 40, 48, 50, 52, 53],
        "itemsize": 56,
    }
)
"""Layout of a record, in memory and in the spool.

``seq`` numbers requests over the whole run; ``sent_ns`` is the moment the generator acted: wrote
the request, or began to connect for it; ``first_byte_ns`` is 0 when nothing came; ``bytes_in``
counts body bytes as transferred; ``endpoint`` indexes the plan's requests.
"""


class Samples:
    """The records of a run, or a view of some of them. Length: number of requests.

    Slicing and filtering give new views; the records are never changed.
    """

    __slots__ = ("endpoints", "records")

    def __init__(self, records: NDArray[np.void], endpoints: Sequence[str] = ()) -> None:
        """``records`` is a 1-d array of `SAMPLE_DTYPE`; ``endpoints`` names the plan's requests.

        Raises:
            InputError: another dtype or shape.
        """
        if records.dtype != SAMPLE_DTYPE or records.ndim != 1:
            raise InputError(
                f"records have dtype {records.dtype} and {records.ndim} dimensions:"
                " samples need a 1-d array of SAMPLE_DTYPE"
            )
        self.records = records
        self.endpoints = tuple(endpoints)

    @classmethod
    def empty(cls, endpoints: Sequence[str] = ()) -> Samples:
        """No samples."""
        return cls(np.empty(0, dtype=SAMPLE_DTYPE), endpoints)

    def __len__(self) -> int:
        return len(self.records)

    def __repr__(self) -> str:
        return f"<Samples: {len(self):,} requests, {self.error_count:,} failed>"

    def where(self, mask: NDArray[Any] | slice) -> Samples:
        """The records that ``mask`` selects: bool or index array, or slice.

        Where it selects all from one place to another, this copies none.
        """
        if isinstance(mask, np.ndarray) and mask.dtype == np.bool_:
            mask = _as_slice(mask)
        return Samples(self.records[mask], self.endpoints)

    def column(self, name: str) -> NDArray[Any]:
        """A field of the records, without a copy."""
        return self.records[name]

    @property
    def latency_ns(self) -> NDArray[np.int64]:
        """Response time from the intended send, int64 ns."""
        latency: NDArray[np.int64] = self.records["done_ns"] - self.records["intended_ns"]
        return latency

    @property
    def service_ns(self) -> NDArray[np.int64]:
        """Service time from the actual send, int64 ns."""
        service: NDArray[np.int64] = self.records["done_ns"] - self.records["sent_ns"]
        return service

    @property
    def lag_ns(self) -> NDArray[np.int64]:
        """How late the send was, int64 ns."""
        lag: NDArray[np.int64] = self.records["sent_ns"] - self.records["intended_ns"]
        return lag

    @property
    def measured(self) -> Samples:
        """Without the warm-up; a copy only where the warm-up does not come first."""
        warmup = (self.records["flags"] & Flag.WARMUP) != 0
        first = int(np.count_nonzero(warmup))
        if not warmup[first:].any():
            return Samples(self.records[first:], self.endpoints)
        return self.where(~warmup)

    @property
    def warmup(self) -> Samples:
        """The warm-up alone."""
        return self.where((self.records["flags"] & Flag.WARMUP) != 0)

    @property
    def succeeded(self) -> Samples:
        """Without the failed requests."""
        return self.where(self.records["error"] == ErrorKind.OK)

    @property
    def beginning(self) -> Samples:
        """The first steps of a scenario's iterations, one for each; empty without a scenario."""
        return self.where((self.records["flags"] & Flag.BEGINS) != 0)

    @property
    def error_count(self) -> int:
        """Number of failed requests."""
        return int(np.count_nonzero(self.records["error"]))

    @property
    def errors(self) -> dict[str, int]:
        """Failed requests by kind, most frequent first; kinds that did not occur are absent."""
        counts = np.bincount(self.records["error"], minlength=len(ErrorKind))
        found = [(kind.label, int(counts[kind])) for kind in ErrorKind if kind and counts[kind]]
        return dict(sorted(found, key=lambda item: -item[1]))

    def endpoint(self, name: str) -> Samples:
        """The requests of one endpoint.

        Raises:
            InputError: no endpoint has this name.
        """
        indexes = [index for index, known in enumerate(self.endpoints) if known == name]
        if not indexes:
            raise InputError(f"endpoint {name!r} is unknown: there are {list(self.endpoints)}")
        return self.where(np.isin(self.records["endpoint"], indexes))

    def to_pandas(self) -> pd.DataFrame:
        """One row per request, in order of ``seq``: names instead of codes, durations in ms.

        Columns: seq, endpoint, status, error ("" when none), warmup, new_connection, cap_wait,
        bytes_in, intended_ns, sent_ns, first_byte_ns, done_ns, latency_ms, service_ms, lag_ms.
        """
        import pandas as pd

        rows = self.where(np.argsort(self.records["seq"], kind="stable"))
        flags = rows.column("flags")
        labels = [kind.label if kind else "" for kind in ErrorKind]
        codes = rows.column("endpoint")
        names = self.endpoints or [str(code) for code in range(int(codes.max(initial=0)) + 1)]
        unique = list(dict.fromkeys(names))
        by_name = np.array([unique.index(name) for name in names], dtype=np.int64)
        return pd.DataFrame(
            {
                "seq": rows.column("seq"),
                "endpoint": pd.Categorical.from_codes(by_name[codes], pd.Index(unique)),
                "status": rows.column("status"),
                "error": pd.Categorical.from_codes(
                    rows.column("error").astype(np.int64), pd.Index(labels)
                ),
                "warmup": (flags & Flag.WARMUP) != 0,
                "new_connection": (flags & Flag.NEW_CONNECTION) != 0,
                "cap_wait": (flags & Flag.CAP_WAIT) != 0,
                "bytes_in": rows.column("bytes_in"),
                "intended_ns": rows.column("intended_ns"),
                "sent_ns": rows.column("sent_ns"),
                "first_byte_ns": rows.column("first_byte_ns"),
                "done_ns": rows.column("done_ns"),
                "latency_ms": rows.latency_ns / 1e6,
                "service_ms": rows.service_ns / 1e6,
                "lag_ms": rows.lag_ns / 1e6,
            }
        )

    def to_arrow(self) -> pa.Table:
        """The raw fields as an Arrow table, one column per field of `SAMPLE_DTYPE`.

        Raises:
            MissingPackageError: pyarrow is not installed.
        """
        try:
            import pyarrow as pa
        except ImportError as exc:
            raise MissingPackageError("to_arrow needs pyarrow: pip install pyarrow") from exc
        columns = {name: np.ascontiguousarray(self.records[name]) for name in _FIELDS}
        return pa.table(columns)


_FIELDS: tuple[str, ...] = SAMPLE_DTYPE.names or ()


def _as_slice(mask: NDArray[np.bool_]) -> NDArray[np.bool_] | slice:
    """The slice that selects the same as ``mask``, or ``mask`` where there is none."""
    count = int(np.count_nonzero(mask))
    first = int(np.argmax(mask)) if count else 0
    whole = bool(mask[first : first + count].all())
    return slice(first, first + count) if whole else mask


def trace_id(run_id: str, seq: int) -> str:
    """The W3C trace id of request ``seq``: the run's id, then the sequence number, in hex."""
    return f"{run_id}{seq:016x}"


def is_traced(seq: NDArray[np.int64], ratio: float) -> NDArray[np.bool_]:
    """Which requests of a run ask to be traced: a fixed pseudo-random share ``ratio`` of them.

    The sequence number is scrambled, so that the choice follows no period of the load and needs no
    state.
    """
    if ratio >= 1:
        return np.ones(len(seq), dtype=np.bool_)
    mixed = scrambled(seq.astype(np.uint64) + np.uint64(GOLDEN))
    chosen: NDArray[np.bool_] = mixed < np.uint64(int(ratio * 2**64))
    return chosen
