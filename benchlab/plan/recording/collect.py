"""Collect the entries of a log into columns, within bounds, however long the log is."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from benchlab.errors import InputError
from benchlab.plan.recording.columns import Columns, Labels
from benchlab.plan.recording.moments import Moment, Window
from benchlab.plan.recording.skipped import Skip
from benchlab.plan.recording.target import read_target
from benchlab.plan.shapes.replay import MAX_ARRIVALS
from benchlab.plan.validation import check_choice, check_whole
from benchlab.text import plural
from benchlab.units import NS_PER_S, utc_from_ns

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["BODY_METHODS", "SPREADS", "Collected", "Collector", "Entry"]

SPREADS = ("even", "random")
"""How requests whose times are whole seconds are placed inside their second."""

BODY_METHODS = frozenset(
    ("POST", "PUT", "PATCH", "QUERY", "PROPFIND", "PROPPATCH", "REPORT", "SEARCH", "LOCK")
)
"""Methods whose requests have a body, unless the recording says that there was none."""

_UNKNOWN, _NO_BODY = -1, 0
_MOST_STATUS = 999
_MOST_DURATION_S = 1e6
_MOST_TEXT = 500_000_000


class Entry(NamedTuple):
    """One request as an entry of a log has it.

    ``client`` and ``session`` are never kept, only whether they are the same as another's.
    ``ended`` says that the time is that of the response's end, from which the duration is taken
    away. ``body_bytes`` is the size of the request's body, as far as the log has it.
    ``is_masked`` says that a secret was masked in its body.
    """

    moment: Moment
    method: str
    target: str
    host: str = ""
    status: int = 0
    duration_s: float = math.nan
    ended: bool = False
    client: tuple[str, ...] = ()
    session: tuple[str, ...] = ()
    body_bytes: int | None = None
    body: bytes | None = None
    content_type: str = ""
    is_masked: bool = False


class Collected(NamedTuple):
    """What was collected: the columns, the time of their first, counts and what to know of them."""

    columns: Columns
    started_ns: int
    zone_s: int
    read: int
    skipped: dict[str, int]
    masked: int
    notes: tuple[str, ...]


class Collector:
    """Takes entries one by one and keeps those inside a window, as numbers.

    Raises:
        InputError: ``spread`` or ``seed`` cannot be used.
    """

    def __init__(self, window: Window | None = None, spread: str = "even", seed: int = 1) -> None:
        check_choice("spread", spread, SPREADS)
        check_whole("seed", seed, 0, 2**63 - 1)
        self._window, self._spread, self._seed = window, spread, seed
        self._days: set[int] = set()
        self._outside: tuple[int, int] | None = None  # the first and the last local time
        self._zone_s = 0
        self.read = self.masked = 0
        self._late = 0  # requests whose time is that of the response, and whose duration is unknown
        self.skipped: Counter[str] = Counter()
        self._ns, self._taken_ns = array("q"), array("q")  # logged; and what it took, if it ended
        self._whole = array("b")
        self._methods, self._paths, self._hosts = _Interned(), _Interned(), _Interned()
        self._types = _Interned()
        self._status, self._ms = array("H"), array("f")
        self._sessions: dict[int, int] = {}
        self._session, self._body = array("i"), array("i")
        self._bodies: dict[bytes, int] = {b"": _NO_BODY}

    def skip(self, reason: Skip) -> None:
        """Count an entry that cannot be replayed."""
        self.read += 1
        self.skipped[reason] += 1

    def take(self, entry: Entry) -> None:
        """Keep an entry, or count why not.

        Raises:
            InputError: there are more than a million, or their paths are longer than 500 MB.
        """
        moment = entry.moment
        is_known = math.isfinite(entry.duration_s) and 0 <= entry.duration_s < _MOST_DURATION_S
        taken_ns = round(entry.duration_s * NS_PER_S) if is_known and entry.ended else 0
        if self._window is not None:
            arrival = moment._replace(ns=moment.ns - taken_ns)
            day = self._window.day_of(arrival)
            if day is None:
                self.skip(Skip.OUTSIDE)
                local_ns = arrival.ns + arrival.zone_s * NS_PER_S
                first, last = self._outside or (local_ns, local_ns)
                self._outside = min(first, local_ns), max(last, local_ns)
                return
            self._days.add(day)
        target = read_target(entry.method, entry.target)
        if not isinstance(target, tuple):
            self.skip(target)
            return
        if entry.status == 101:  # Switching Protocols
            self.skip(Skip.WEBSOCKET)
            return
        self.read += 1
        if len(self._ns) >= MAX_ARRIVALS:
            raise self._too_many()
        if not self._ns:
            self._zone_s = moment.zone_s
        self.masked += target.is_masked or entry.is_masked
        self._ns.append(moment.ns)
        self._taken_ns.append(taken_ns)
        self._late += entry.ended and not is_known
        self._whole.append(moment.is_whole)
        self._methods.append(entry.method)
        self._paths.append(target.path)
        self._hosts.append(target.host or entry.host.lower())
        self._status.append(entry.status if 0 <= entry.status <= _MOST_STATUS else 0)
        self._ms.append(entry.duration_s * 1000 if is_known else math.nan)
        self._session.append(self._session_of(entry))
        self._body.append(self._body_of(entry))
        self._types.append(entry.content_type)

    def _session_of(self, entry: Entry) -> int:
        key = entry.session or entry.client
        if not any(key):
            return -1
        # Only the hash is kept, which differs from process to process: no address, no cookie.
        return self._sessions.setdefault(hash(key), len(self._sessions))

    def _body_of(self, entry: Entry) -> int:
        if entry.body is not None:
            return self._bodies.setdefault(entry.body, len(self._bodies))
        if entry.body_bytes is not None:
            return _UNKNOWN if entry.body_bytes else _NO_BODY
        return _UNKNOWN if entry.method in BODY_METHODS else _NO_BODY

    def _too_many(self) -> InputError:
        first, last = (utc_from_ns(ns) for ns in (min(self._ns), max(self._ns)))
        return InputError(
            f"there are more than {MAX_ARRIVALS:,} requests; the first of these are from"
            f" {first:%Y-%m-%dT%H:%M:%S}Z to {last:%Y-%m-%dT%H:%M:%S}Z",
            field="window",
            remedy="take a part of them, such as"
            f" {first:%Y-%m-%dT%H:%M:%SZ}/{last:%Y-%m-%dT%H:%M:%SZ}",
        )

    def finish(self) -> Collected:
        """The columns, in the order of arrival.

        Raises:
            InputError: a window of the day is on several days of the log, or has no request.
        """
        import numpy as np

        if self._window is not None and len(self._days) > 1:
            raise self._several_days(self._window)
        if self._window is not None and not self._ns and self._outside is not None:
            raise self._none_inside(self._window, *self._outside)
        logged = np.array(self._ns, dtype=np.int64)
        whole = np.array(self._whole, dtype=np.bool_)
        taken = np.array(self._taken_ns, dtype=np.int64)
        arrived = self._spread_out(logged, whole) - taken
        order = np.argsort(arrived, kind="stable")
        arrived = arrived[order]
        started_ns = int(arrived[0]) if len(arrived) else 0
        columns = Columns(
            offset_s=(arrived - started_ns) / NS_PER_S,
            method=self._methods.labels()[order],
            path=self._paths.labels()[order],
            host=self._hosts.labels()[order],
            status=np.array(self._status, dtype=np.uint16)[order],
            duration_ms=np.array(self._ms, dtype=np.float32)[order],
            session=_renumbered(np.array(self._session, dtype=np.int32)[order]),
            body=np.array(self._body, dtype=np.int32)[order],
            content_type=self._types.labels()[order],
            bodies=tuple(self._bodies),
        )
        return Collected(
            columns,
            started_ns,
            self._zone_s,
            self.read,
            {str(reason): count for reason, count in self.skipped.items()},
            self.masked,
            tuple(self._notes(whole, taken)),
        )

    def _several_days(self, window: Window) -> InputError:
        days = [utc_from_ns(day * 86_400 * NS_PER_S) for day in sorted(self._days)]
        start, end = (
            f"{utc_from_ns(ns):%H:%M:%S}"
            for ns in (window.start_ns, window.end_ns % (86_400 * NS_PER_S))
        )
        return InputError(
            f"is on {len(days):,} days of the log, from {days[0]:%Y-%m-%d} to {days[-1]:%Y-%m-%d}",
            field="window",
            value=window.text,
            remedy=f"give a date, such as {days[0]:%Y-%m-%d}T{start}/{days[0]:%Y-%m-%d}T{end}",
        )

    def _none_inside(self, window: Window, first_ns: int, last_ns: int) -> InputError:
        first, last = (f"{utc_from_ns(ns):%Y-%m-%dT%H:%M:%S}" for ns in (first_ns, last_ns))
        return InputError(
            f"has none of {plural(self.skipped[Skip.OUTSIDE], 'request')}, which are from {first}"
            f" to {last}",
            field="window",
            value=window.text,
            remedy="take another, with times as the recording writes them",
        )

    def _spread_out(self, logged: NDArray[np.int64], whole: NDArray[np.bool_]) -> NDArray[np.int64]:
        """The times, those of whole seconds spread over their second, in the order of the log."""
        import numpy as np

        rows = np.flatnonzero(whole)
        if not len(rows):
            return logged
        rows = rows[np.argsort(logged[rows], kind="stable")]
        _, first, counts = np.unique(logged[rows], return_index=True, return_counts=True)
        of = np.repeat(counts, counts)
        if self._spread == "even":
            within = (np.arange(len(rows)) - np.repeat(first, counts) + 0.5) / of
        else:
            drawn = np.random.default_rng(self._seed).random(len(rows))
            group = np.repeat(np.arange(len(counts)), counts)
            within = drawn[np.lexsort((drawn, group))]
        spread = logged.copy()
        spread[rows] += np.minimum((within * NS_PER_S).astype(np.int64), NS_PER_S - 1)
        return spread

    def _notes(self, whole: NDArray[np.bool_], taken: NDArray[np.int64]) -> list[str]:
        notes = []
        if seconds := int(whole.sum()):
            how = "evenly" if self._spread == "even" else f"at random (seed {self._seed})"
            share = "" if seconds == len(whole) else f" of {plural(seconds, 'request')}"
            notes.append(f"times{share} are whole seconds: spread {how} over their second")
        if int((taken > 0).sum()):
            notes.append("times are those of responses: what each took was taken away from them")
        if self._late:
            notes.append(
                f"times of {plural(self._late, 'request')} are those of responses, and what they"
                " took is not known: they are sent that much too late"
            )
        if self.masked:
            notes.append(f"secrets were masked in {plural(self.masked, 'request')}")
        return notes


class _Interned:
    """A column of texts that are kept once each."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._index = array("I")
        self._length = 0

    def append(self, text: str) -> None:
        if text not in self._numbers:
            self._length += len(text)
            if self._length > _MOST_TEXT:
                raise InputError(
                    "the recording has over 500 MB of different paths",
                    remedy="take a part of it with a window",
                )
        self._index.append(self._numbers.setdefault(text, len(self._numbers)))

    def labels(self) -> Labels:
        import numpy as np

        return Labels(tuple(self._numbers), np.array(self._index, dtype=np.uint32))


def _renumbered(sessions: NDArray[np.int32]) -> NDArray[np.int32]:
    """Sessions numbered in the order in which they begin."""
    import numpy as np

    known = sessions[sessions >= 0]
    if not len(known):
        return sessions
    values, first = np.unique(known, return_index=True)
    number = np.full(int(values[-1]) + 2, -1, dtype=np.int32)  # the last one is that of -1
    number[values[np.argsort(first)]] = np.arange(len(values))
    renumbered: NDArray[np.int32] = number[sessions]
    return renumbered
