"""A recording: requests that a service got, to be sent again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from os import PathLike
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from attrs import evolve, field, frozen

from benchlab.displayed import Displayed
from benchlab.errors import InputError
from benchlab.plan.checks import Check
from benchlab.plan.plan import Plan
from benchlab.plan.recording.collect import Collected, Collector
from benchlab.plan.recording.columns import Columns
from benchlab.plan.recording.moments import Moment, Window
from benchlab.plan.recording.skipped import Skip, describe_skipped
from benchlab.plan.request import Headers
from benchlab.text import plural
from benchlab.units import NS_PER_S, utc_from_ns

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Counts", "Recording"]

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@frozen
class Counts:
    """How many entries were read, and how many of them are kept; ``skipped`` has reasons.

    ``masked`` counts the requests in which a secret was replaced by stars.
    """

    read: int
    kept: int
    skipped: Mapping[str, int] = field(default=_NOTHING, hash=False)
    masked: int = 0


@frozen(eq=False)
class Recording(Displayed):
    """Requests that were recorded: when each arrived, what it was, and to which session it belongs.

    It is read from an access log (`from_access_log`), from a browser's HAR file (`from_har`), from
    the traces of a store (`Store.recording`) or from a table (`from_table`). `plan` makes the load
    of it.

    ``requests`` are columns (see `benchlab.plan.recording.columns.Columns`; `to_pandas` makes a
    frame of them). ``started_at`` is the arrival of the first of them. ``notes`` say what to know
    of their times, a sentence each. Secrets were masked, and addresses left out, when it was read.

    >>> recording = Recording.from_table(
    ...     offset_s=[0, 0.5, 0.75], method=["GET"] * 3, path=["/", "/items/1", "/items/2"]
    ... )
    >>> recording.plan("http://127.0.0.1:8000").describe()
    '3 recorded requests to 2 endpoints at http://127.0.0.1:8000 · replay of 3 recorded arrivals · \
1.125 s'
    """

    requests: Columns = field(repr=lambda columns: f"<{plural(len(columns), 'request')}>")
    source: str
    counts: Counts
    started_ns: int
    zone_s: int = 0
    notes: tuple[str, ...] = ()
    main_host: str = ""
    """The host whose requests are replayed; empty if all are."""
    made_by: Mapping[str, Any] = _NOTHING
    """The arguments that read it from its file again; empty if it is from no file."""

    @classmethod
    def from_access_log(
        cls,
        path: str | PathLike[str],
        format: str = "auto",  # what servers call it
        window: str | tuple[Any, Any] | None = None,
        *,
        spread: str = "even",
        seed: int = 1,
    ) -> Self:
        """The requests in the access log of a web server, which may be compressed with gzip.

        ``format`` is ``common``, ``combined``, ``envoy``, ``json`` (one object per line, as Caddy,
        Traefik and Envoy write them), or the server's own format string: nginx' ``log_format``,
        Apache's ``LogFormat``, Envoy's ``text_format``. ``auto`` finds it out. Only what is in
        ``window`` is kept: a time of the day such as ``10:00-10:05``, or ISO times
        ``2026-03-14T10:00/2026-03-14T10:05``, both in the zone of the log; what counts is the
        arrival.

        Times are those of arrival: where a log has that of the response, what the request took is
        taken away. Requests whose times are whole seconds are spread over their second, evenly or
        at ``random`` (by ``seed``).

        Raises:
            InputError: the file cannot be read, has no line of the format, or over a million
                requests.
        """
        from benchlab.plan.recording.access_log import read_access_log

        found = None if window is None else Window.parse(window)
        collector = Collector(found, spread, seed)
        log = read_access_log(path, format, collector)
        made_by = {
            "file": log.path,
            **({"format": format} if format != "auto" else {}),
            **({"window": found.text} if found else {}),
            **({"spread": spread, "seed": seed} if spread != "even" else {}),
        }
        source = f"access log {log.name} ({log.format})"
        return cls._of(collector.finish(), source, made_by=made_by)

    @classmethod
    def from_har(
        cls, path: str | PathLike[str], window: str | tuple[Any, Any] | None = None
    ) -> Self:
        """The requests in a HAR file (version 1.2), as browsers and proxies write it.

        Bodies are kept, with the secrets in them masked. Each page is a session. A plan sends the
        requests to the host of the first of them; those to other hosts are counted, unless the
        plan is given a URL for them.

        Raises:
            InputError: the file cannot be read, or is not HAR.
        """
        from benchlab.plan.recording.har import read_har

        found = None if window is None else Window.parse(window)
        collector = Collector(found)
        har = read_har(path, collector)
        made_by = {
            "file": har.path,
            **({} if har.path.lower().endswith((".har", ".har.gz")) else {"format": "har"}),
            **({"window": found.text} if found else {}),
        }
        return cls._of(
            collector.finish(), f"HAR {har.name}", main_host=har.main_host, made_by=made_by
        )

    @classmethod
    def from_table(
        cls,
        *,
        offset_s: Sequence[float] | Any,
        method: Sequence[str] | Any,
        path: Sequence[str] | Any,
        host: Sequence[str] | Any = None,
        status: Sequence[int] | Any = None,
        duration_ms: Sequence[float] | Any = None,
        session: Sequence[Any] | Any = None,
        body: Sequence[bytes | None] | Any = None,
        content_type: Sequence[str] | Any = None,
        started_at: datetime | None = None,
        source: str = "a table",
        skipped: Mapping[str, int] = _NOTHING,
        notes: Iterable[str] = (),
    ) -> Self:
        """The requests in columns of the same length, in any order.

        ``offset_s`` are seconds, of which only the differences count. ``path`` may have a query,
        and be a whole URL. Equal values of ``session`` belong together; None and "" to none. A
        ``body`` of None was not recorded where the method has one; others are sent as they are,
        and secrets in them too. ``skipped`` counts, by a reason of
        `benchlab.plan.recording.skipped.Skip`, what was left out before.

        Raises:
            InputError: columns of different lengths, over a million rows, or a time that is none.
        """
        columns = {
            "offset_s": offset_s,
            "method": method,
            "path": path,
            "host": host,
            "status": status,
            "duration_ms": duration_ms,
            "session": session,
            "body": body,
            "content_type": content_type,
        }
        from benchlab.plan.recording.rows import entries

        collector = Collector()
        for reason, count in skipped.items():
            collector.skipped[Skip(reason)] += count
            collector.read += count
        base_ns = 0 if started_at is None else round(started_at.timestamp()) * NS_PER_S
        for entry in entries(columns, base_ns):
            collector.take(entry)
        return cls._of(collector.finish(), source, notes=tuple(notes))

    @classmethod
    def _of(
        cls,
        found: Collected,
        source: str,
        *,
        main_host: str = "",
        made_by: Mapping[str, Any] = _NOTHING,
        notes: tuple[str, ...] = (),
    ) -> Self:
        return cls(
            requests=found.columns,
            source=source,
            counts=Counts(found.read, len(found.columns), found.skipped, found.masked),
            started_ns=found.started_ns,
            zone_s=found.zone_s,
            notes=(*found.notes, *notes),
            main_host=main_host,
            made_by=made_by,
        )

    def __len__(self) -> int:
        """The number of requests."""
        return len(self.requests)

    @property
    def started_at(self) -> datetime:
        """When the first request arrived."""
        return utc_from_ns(self.started_ns)

    @property
    def length_s(self) -> float:
        """The time from the first arrival to the last, in seconds."""
        return float(self.requests.offset_s[-1]) if len(self) else 0.0

    @property
    def session_count(self) -> int:
        """The number of known sessions."""
        import numpy as np

        sessions = self.requests.session
        return len(np.unique(sessions[sessions >= 0]))

    def window(self, start: Any, end: Any = None) -> Self:
        """The part from ``start`` to ``end``, or of a text such as ``10:00-10:05``.

        As in `from_access_log`: times of the day or ISO times, as the recording's own zone has
        them, or `datetime` objects.

        Raises:
            InputError: it is not a window, or is on several days of the recording.
        """
        import numpy as np

        window = Window.parse(start, end)
        at_ns = self.started_ns + np.rint(self.requests.offset_s * NS_PER_S).astype(np.int64)
        days = [window.day_of(Moment(int(ns), self.zone_s, False)) for ns in at_ns]
        inside = np.array([day is not None for day in days], dtype=np.bool_)
        if len(found := {day for day in days if day is not None}) > 1:
            raise InputError(
                f"is on {len(found):,} days of the recording",
                field="window",
                value=window.text,
                remedy="give dates too, such as 2026-03-14T10:00/2026-03-14T10:05",
            )
        kept = self.requests[inside]
        first_s = float(kept.offset_s[0]) if len(kept) else 0.0
        outside = len(self) - len(kept)
        skipped = dict(self.counts.skipped)
        skipped[Skip.OUTSIDE.value] = skipped.get(Skip.OUTSIDE.value, 0) + outside
        again = self.made_by and "part" not in self.made_by
        return evolve(
            self,
            requests=evolve(kept, offset_s=kept.offset_s - first_s),
            counts=evolve(self.counts, kept=len(kept), skipped=skipped),
            started_ns=self.started_ns + round(first_s * NS_PER_S),
            made_by={**self.made_by, "part": window.text} if again else _NOTHING,
        )

    def plan(
        self,
        base_url: str | Mapping[str, str],
        speed: float = 1.0,
        bodies: str | bytes | Mapping[str, str | bytes] = "skip",
        *,
        headers: Headers = (),
        checks: Check | Iterable[Check] = (),
        **settings: Any,
    ) -> Plan:
        """The plan that sends these requests to the service at ``base_url``.

        Each is sent at its time, divided by ``speed``, whatever the number of workers. ``base_url``
        may map hosts of the recording to URLs; requests to other hosts are then left out.
        ``bodies`` says what becomes of requests with a body that was not recorded: ``skip`` leaves
        them out, and counts them; any other text is sent as the body; a mapping has bodies for
        endpoints such as ``POST /cart``, and leaves the others out. ``{{seq}}``, ``{{uuid}}`` and
        ``{{session}}`` (the number of the session) are fields in them, and in ``headers``, which
        every request gets. ``settings`` are those of `Plan`, such as ``slo`` and ``workers``.

        Raises:
            InputError: nothing is left to send, or a value that cannot be used.
        """
        from benchlab.plan.recording.planning import make_plan

        return make_plan(self, base_url, speed, bodies, headers, checks, settings)

    def to_pandas(self) -> pd.DataFrame:
        """A row per request, in the order of arrival."""
        import pandas as pd

        columns = self.requests
        return pd.DataFrame(
            {
                "offset_s": columns.offset_s,
                "method": columns.method.to_array(),
                "path": columns.path.to_array(),
                "host": columns.host.to_array(),
                "status": columns.status,
                "duration_ms": columns.duration_ms,
                "session": columns.session,
                "body_bytes": [
                    len(columns.bodies[number]) if number >= 0 else None for number in columns.body
                ],
                "content_type": columns.content_type.to_array(),
            }
        )

    def describe(self) -> str:
        """The recording in one line."""
        sessions = f" in {plural(self.session_count, 'session')}" if self.session_count else ""
        text = f"{plural(len(self), 'request')}{sessions} over {round(self.length_s, 3):.10g} s"
        text = f"{text} of {self.source}"
        skipped = describe_skipped(self.counts.skipped)
        return f"{text}; not taken: {', '.join(skipped)}" if skipped else text
