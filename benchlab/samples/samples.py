"""One record per request: the only currency between the layers.

Times are integer nanoseconds on the generator's monotonic clock, from the start of the run.
Three durations are derived from them, always by these names:

- ``latency_ns = done_ns - intended_ns``: what a user feels, waiting for a late send included;
- ``service_ns = done_ns - sent_ns``: what the service and the network took;
- ``lag_ns = sent_ns - intended_ns``: how late the generator was, or how long the connection cap
  held the request back.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchlab.displayed import Displayed
from benchlab.errors import InputError
from benchlab.samples.records import (
    BLOCK_RECORDS,
    OPAQUE,
    SAMPLE_DTYPE,
    ErrorKind,
    Flag,
    join_records,
)
from benchlab.samples.statistics import DURATIONS

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = [
    "SAMPLE_DTYPE",
    "Column",
    "Endpoints",
    "ErrorKind",
    "Flag",
    "Samples",
    "check_endpoints",
]

Endpoints: TypeAlias = str | Sequence[str]
"""The name of an endpoint, or those of several that are taken together."""

_NOT_MEASURED = Flag.WARMUP | Flag.FAILED_TRY
_MOST_LISTED = 20  # names in a message
_MOST_COPIED = 500_000  # records; a larger selection is evaluated again, by block, at each use


class Samples(Displayed):
    """The records of a run, or a view of some of them. Length: number of requests.

    Filtering returns new views; the records are never changed. They may be in a mapped file and
    larger than memory: `blocks` and `in_blocks` iterate over any number of them in bounded memory,
    while `records`, `column` and the durations of a view may be copies.

    >>> records = np.zeros(3, dtype=SAMPLE_DTYPE)
    >>> records["done_ns"] = [1_000_000, 2_000_000, 4_000_000]
    >>> records["error"][2] = ErrorKind.TIMEOUT
    >>> samples = Samples(records, ["GET /"])
    >>> samples.errors, samples.succeeded.latency_ns.tolist()
    ({'timeout': 1}, [1000000, 2000000])
    """

    __slots__ = ("_chosen_by", "_count", "_records", "endpoints")

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
        self._records = records
        self._chosen_by: tuple[_Choice, ...] = ()
        self._count = len(records)
        self.endpoints = tuple(endpoints)

    @classmethod
    def empty(cls, endpoints: Sequence[str] = ()) -> Samples:
        """No samples."""
        return cls(np.empty(0, dtype=SAMPLE_DTYPE), endpoints)

    def __len__(self) -> int:
        return self._count

    def __reduce__(self) -> tuple[type[Samples], tuple[Any, ...]]:
        return Samples, (self.records, self.endpoints)  # a choice need not be picklable

    def __repr__(self) -> str:
        return f"<Samples: {len(self):,} requests, {self.error_count:,} failed>"

    @property
    def records(self) -> NDArray[np.void]:
        """All records, a 1-d array of `SAMPLE_DTYPE`; of a large selection a copy at each use."""
        if not self._chosen_by:
            return self._records
        return join_records(block.records for block in self.blocks())

    def blocks(self) -> Iterator[Samples]:
        """The same samples in order, at most `BLOCK_RECORDS` at a time."""
        for block, mask in self._pieces():
            yield block if mask is None else block.where(mask)

    def in_blocks(self, value: str | Callable[[Samples], NDArray[Any]]) -> Column:
        """A value of each sample, in blocks.

        ``value`` is a field, ``latency_ns``, ``service_ns`` or ``lag_ns``, or a function from
        samples to an array of the same length.
        """
        return Column(self, value)

    def where(self, mask: NDArray[Any] | slice) -> Samples:
        """The samples that ``mask`` selects: a bool array, an index array or a slice.

        A contiguous selection is not copied.
        """
        if isinstance(mask, np.ndarray) and mask.dtype == np.bool_:
            mask = _as_slice(mask)
        picked = self.records.view(OPAQUE)[mask].view(SAMPLE_DTYPE)
        return Samples(picked, self.endpoints)

    def choose(self, choice: _Choice) -> Samples:
        """The samples for which ``choice``, a function from records to an array of bool, is true.

        Like `where`, in bounded memory: ``choice`` is evaluated block by block. A large selection
        that is not contiguous is not copied but evaluated again at each use.
        """
        first = end = count = start = 0
        copied: list[NDArray[np.void]] = []
        for block, before in self._pieces():
            mask = choice(block.records)
            if before is not None:
                mask = mask & before
            found = int(np.count_nonzero(mask))
            if found:
                first = first if count else start + int(np.argmax(mask))
                end = start + len(mask) - int(np.argmax(mask[::-1]))
                count += found
                copied = [*copied, block.where(mask).records] if count <= _MOST_COPIED else []
            start += len(mask)
        if count == end - first:
            return Samples(self._records[first:end], self.endpoints)
        if count <= _MOST_COPIED:
            return Samples(join_records(copied), self.endpoints)
        chosen = Samples(self._records[first:end], self.endpoints)
        chosen._chosen_by = (*self._chosen_by, choice)
        chosen._count = count
        return chosen

    def column(self, name: str) -> NDArray[Any]:
        """A field of the records as a 1-d array; a copy only of a large selection."""
        if not self._chosen_by:
            return self._records[name]
        return np.concatenate(list(self.in_blocks(name)))

    @property
    def latency_ns(self) -> NDArray[np.int64]:
        """Response time, counted from the intended send, int64 ns."""
        return self._between("intended_ns", "done_ns")

    @property
    def service_ns(self) -> NDArray[np.int64]:
        """Service time, counted from the actual send, int64 ns."""
        return self._between("sent_ns", "done_ns")

    @property
    def lag_ns(self) -> NDArray[np.int64]:
        """How late each request was sent, int64 ns."""
        return self._between("intended_ns", "sent_ns")

    @property
    def measured(self) -> Samples:
        """The requests of the measured window: without the warm-up and `failed_tries`."""
        return self.choose(lambda records: (records["flags"] & _NOT_MEASURED) == 0)

    @property
    def requests(self) -> Samples:
        """The requests as their users see them: without `failed_tries`, the warm-up included."""
        return self.choose(lambda records: (records["flags"] & Flag.FAILED_TRY) == 0)

    @property
    def failed_tries(self) -> Samples:
        """The tries whose outcome another try of the same request replaced."""
        return self.choose(lambda records: (records["flags"] & Flag.FAILED_TRY) != 0)

    @property
    def warmup(self) -> Samples:
        """The samples of the warm-up."""
        return self.choose(lambda records: (records["flags"] & Flag.WARMUP) != 0)

    @property
    def succeeded(self) -> Samples:
        """The requests that did not fail."""
        return self.choose(lambda records: records["error"] == ErrorKind.OK)

    @property
    def failed(self) -> Samples:
        """The requests that failed."""
        return self.choose(lambda records: records["error"] != ErrorKind.OK)

    @property
    def iteration_starts(self) -> Samples:
        """The first step of each iteration of a scenario; empty without a scenario."""
        return self.choose(lambda records: (records["flags"] & Flag.FIRST_STEP) != 0)

    @property
    def in_order(self) -> bool:
        """Whether ``seq`` never decreases."""
        last = None
        for seqs in self.in_blocks("seq"):
            if (last is not None and seqs[0] < last) or np.any(np.diff(seqs) < 0):
                return False
            last = seqs[-1]
        return True

    @property
    def error_count(self) -> int:
        """Number of failed requests."""
        return sum(int(np.count_nonzero(errors)) for errors in self.in_blocks("error"))

    @property
    def errors(self) -> dict[str, int]:
        """Failed requests by kind, most frequent first, without kinds that did not occur."""
        counts = np.zeros(len(ErrorKind), dtype=np.int64)
        for errors in self.in_blocks("error"):
            counts += np.bincount(errors, minlength=len(ErrorKind))
        found = [(kind.label, int(counts[kind])) for kind in ErrorKind if kind and counts[kind]]
        return dict(sorted(found, key=lambda item: -item[1]))

    def done_by(self, end_ns: int) -> int:
        """Number of requests that had completed or failed at ``end_ns``."""
        return sum(int(np.count_nonzero(done <= end_ns)) for done in self.in_blocks("done_ns"))

    def endpoint(self, name: Endpoints | None) -> Samples:
        """The requests of one endpoint, or of several together; all for None.

        Raises:
            InputError: no endpoint has this name.
        """
        if name is None:
            return self
        wanted = [name] if isinstance(name, str) else list(name)
        known = list(dict.fromkeys(self.endpoints))
        check_endpoints(wanted, known)
        if set(wanted) == set(known):
            return self
        chosen = [index for index, known in enumerate(self.endpoints) if known in wanted]
        return self._of_endpoints(np.array(chosen))

    def by_endpoint(self) -> Iterator[tuple[str, Samples]]:
        """The requests of every endpoint, by name, in any order.

        It takes bounded memory, and about as long for thousands of endpoints as for some.
        """
        names = list(dict.fromkeys(self.endpoints))
        numbers = {name: number for number, name in enumerate(names)}
        number_of = np.full(_ENDPOINT_CODES, len(names))
        number_of[: len(self.endpoints)] = [numbers[name] for name in self.endpoints]
        counts = np.zeros(len(names) + 1, dtype=np.int64)
        for codes in self.in_blocks("endpoint"):
            counts += np.bincount(number_of[codes], minlength=len(counts))
        for group in _groups(counts[:-1], _MOST_COPIED):
            chosen = self._of_endpoints(np.flatnonzero(np.isin(number_of, group)))
            if len(group) == 1:
                yield names[group[0]], chosen
                continue
            order = np.argsort(number_of[chosen.column("endpoint")], kind="stable")
            chosen, end = chosen.where(order), 0
            for number in group:
                start, end = end, end + int(counts[number])
                yield names[number], chosen.where(slice(start, end))

    def _of_endpoints(self, codes: NDArray[np.integer[Any]]) -> Samples:
        if len(codes) == 1:  # several times as fast as to look codes up
            (code,) = codes
            return self.choose(lambda records: records["endpoint"] == code)
        is_one = np.zeros(_ENDPOINT_CODES, dtype=np.bool_)
        is_one[codes] = True
        return self.choose(lambda records: is_one[records["endpoint"]])

    def to_pandas(self) -> pd.DataFrame:
        """One row per request, in order of ``seq``: names instead of codes, durations in ms.

        Columns: seq, endpoint, status, error ("" when none), warmup, new_connection, cap_wait,
        connection (its number), retry, hedge, failed_try, bytes_in, intended_ns, sent_ns,
        first_byte_ns, done_ns, latency_ms, service_ms, lag_ms.
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
                "connection": rows.column("connection"),
                "retry": (flags & Flag.RETRY) != 0,
                "hedge": (flags & Flag.HEDGE) != 0,
                "failed_try": (flags & Flag.FAILED_TRY) != 0,
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
        """The raw fields as an Arrow table, one column per field of `SAMPLE_DTYPE`."""
        import pyarrow as pa

        columns = {name: np.ascontiguousarray(self.column(name)) for name in _FIELDS}
        return pa.table(columns)

    def _pieces(self) -> Iterator[tuple[Samples, NDArray[np.bool_] | None]]:
        """Blocks of samples, and a mask of which of each are selected; None: all."""
        for start in range(0, len(self._records), BLOCK_RECORDS):
            block = Samples(self._records[start : start + BLOCK_RECORDS], self.endpoints)
            masks = [choice(block.records) for choice in self._chosen_by]
            yield block, functools.reduce(np.logical_and, masks) if masks else None

    def _between(self, start: str, end: str) -> NDArray[np.int64]:
        duration: NDArray[np.int64] = self.column(end) - self.column(start)
        return duration


class Column:
    """A value of each sample in order, as non-empty arrays.

    It can be iterated any number of times and holds one array at a time.
    """

    def __init__(self, samples: Samples, value: str | Callable[[Samples], NDArray[Any]]) -> None:
        self._samples = samples
        self._value = value

    def __len__(self) -> int:
        return len(self._samples)

    def __iter__(self) -> Iterator[NDArray[Any]]:
        for block, mask in self._samples._pieces():
            values = self._of(block)
            chosen = values if mask is None else values[mask]
            if len(chosen):
                yield chosen

    def _of(self, block: Samples) -> NDArray[Any]:
        if callable(self._value):
            return self._value(block)
        values: NDArray[Any] = (
            getattr(block, self._value) if self._value in _PROPERTIES else block.column(self._value)
        )
        return values


_ENDPOINT_CODES = np.iinfo(SAMPLE_DTYPE["endpoint"]).max + 1
_FIELDS: tuple[str, ...] = SAMPLE_DTYPE.names or ()
_PROPERTIES = tuple(f"{name}_ns" for name in DURATIONS)
_Choice = Callable[[NDArray[np.void]], NDArray[np.bool_]]


def _as_slice(mask: NDArray[np.bool_]) -> NDArray[np.bool_] | slice:
    """The slice that selects the same as ``mask``, or ``mask`` if there is none."""
    count = int(np.count_nonzero(mask))
    first = int(np.argmax(mask)) if count else 0
    whole = bool(mask[first : first + count].all())
    return slice(first, first + count) if whole else mask


def check_endpoints(wanted: Sequence[str], known: Sequence[str]) -> None:
    """Refuse names that are not among the ``known`` ones, and none at all.

    Raises:
        InputError: the message lists the known names, or the first of thousands.
    """
    unknown = [name for name in wanted if name not in set(known)]
    if wanted and not unknown:
        return
    more = len(known) - _MOST_LISTED
    listed = f"{list(known[:_MOST_LISTED])}{f' and {more:,} more' if more > 0 else ''}"
    raise InputError(
        f"is not an endpoint of these requests: there are {listed}",
        field="endpoint",
        value=unknown[0] if unknown else list(wanted),
    )


def _groups(counts: NDArray[np.int64], most: int) -> Iterator[list[int]]:
    """Neighbouring indexes of ``counts`` whose sum is at most ``most``; a larger one is alone."""
    group: list[int] = []
    total = 0
    for index, count in enumerate(counts.tolist()):
        if group and total + count > most:
            yield group
            group, total = [], 0
        group.append(index)
        total += count
    if group:
        yield group
