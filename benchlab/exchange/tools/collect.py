"""Collect the requests in another tool's file into a run.

Samples have only the times that the file has. No file has intended times, so a request counts as
intended when it was sent, as in a closed loop; the reader of each format lists what else is
missing. The run's verdict is ``imported``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import numpy as np
from attrs import evolve
from numpy.typing import NDArray

from benchlab.errors import InputError
from benchlab.exchange.parsing import content_digest
from benchlab.plan.plan import Plan
from benchlab.plan.request import Request
from benchlab.plan.shapes import Imported
from benchlab.redact import public_url
from benchlab.runs.run import Run
from benchlab.samples.records import BLOCK_RECORDS, SAMPLE_DTYPE, ErrorKind
from benchlab.samples.samples import Samples
from benchlab.spool.storage import RecordFile
from benchlab.text import one_line, plural
from benchlab.units import NS_PER_S

__all__ = ["UNKNOWN_URL", "Collector"]

UNKNOWN_URL = "http://unknown.invalid/"
"""Replaces an address that the file lacks (RFC 2606 reserves the domain ``.invalid``)."""

_ENDPOINTS_MAX = 1_000
_ERROR_TEXTS_MAX = 20
_OTHERS = "(other requests)"
_LAST_NS = 2**63 - 1
_LONGEST_NAME = 1_000
_LONGEST_URL = 8_000
_LONGEST_MESSAGE = 300
_URL = re.compile(r"""(https?://)(?:[^\s/"'<>@]*@)?([^\s"'<>?#]*)[^\s"'<>]*""")


class Collector:
    """Collects requests in any order, with times in ns since 1970 or since any other moment.

    They are held in a temporary file until `close`.
    """

    def __init__(self, url: str | None = None) -> None:
        """``url`` is the measured address, for files that do not contain it."""
        self.url = _address(url) if url else None
        self._file = RecordFile()
        self._block = np.zeros(BLOCK_RECORDS, dtype=SAMPLE_DTYPE)
        self._filled = 0
        self._endpoints: dict[tuple[str, str, str], int] = {}
        self._requests: list[Request] = []
        self._unreadable_url_count = 0
        self._set_aside_count = 0
        self._error_texts: Counter[str] = Counter()

    def close(self) -> None:
        """Delete the temporary file."""
        self._file.close()

    def add(
        self,
        sent_ns: int,
        first_byte_ns: int,
        done_ns: int,
        *,
        bytes_in: int = 0,
        status: int,
        endpoint: int,
        error: ErrorKind = ErrorKind.OK,
        message: str = "",
        flags: int = 0,
    ) -> None:
        """Add a request; ``first_byte_ns`` is 0 without a response or if the file lacks it.

        One that ends before it starts, as when a clock was set back, has no duration. It is set
        aside, and counted in a note.

        Raises:
            ValueError: a time, the status, or the number of bytes is out of range.
        """
        if not (0 <= sent_ns <= _LAST_NS and 0 <= done_ns <= _LAST_NS):
            raise ValueError(f"a request from {sent_ns} to {done_ns} ns is out of range")
        if status and not 100 <= status <= 999:
            raise ValueError(f"{status} is not an HTTP status")
        if bytes_in < 0:
            raise ValueError(f"a response of {bytes_in} bytes")
        if done_ns < sent_ns:
            self._set_aside_count += 1
            return
        if not sent_ns <= first_byte_ns <= done_ns:
            first_byte_ns = 0
        if message:
            bare = _URL.sub(r"\1\2", message[:_LONGEST_URL])
            message = one_line(bare, _LONGEST_MESSAGE)
            known = message in self._error_texts or len(self._error_texts) < _ERROR_TEXTS_MAX
            self._error_texts[message if known else "other"] += 1
        self._block[self._filled] = (
            0, sent_ns, sent_ns, first_byte_ns, done_ns, bytes_in, status, endpoint, error, flags,
            0,
        )  # fmt: skip
        self._filled += 1
        if self._filled == BLOCK_RECORDS:
            self._flush()

    def endpoint(self, method: str, url: str, name: str = "") -> int:
        """The number of an endpoint: one for each method and name, or URL without query.

        Where the file has names, they are the endpoints, however many addresses each of them has;
        the first is kept. After the first 1,000 endpoints, all others share one number. An address
        that no request can have is unknown, and counted in a note.
        """
        key = (method, url, name)
        number = self._endpoints.get(key)
        if number is None:
            bare = _address(url) if url else self.url
            if bare is None:
                self._unreadable_url_count += bool(url)
                bare = UNKNOWN_URL
            if "://" in name:
                name = _address(name) or name
            name = one_line(name, _LONGEST_NAME)
            merged = (method, "" if name else bare, name)
            number = self._endpoints.get(merged)
            if number is None:
                number = self._endpoints[merged] = self._new_endpoint(method, bare, name)
            elif self._requests[number].url == UNKNOWN_URL and number != _ENDPOINTS_MAX:
                self._requests[number] = evolve(self._requests[number], url=bare)
            known = bare != UNKNOWN_URL or not url  # the others are counted
            if known and len(self._endpoints) < 100 * _ENDPOINTS_MAX and len(url) <= _LONGEST_URL:
                self._endpoints[key] = number
        return number

    def run(
        self,
        path: Path,
        format: str,
        tool: str,
        *,
        missing: Sequence[str],
        notes: Sequence[str] = (),
        clock: bool = True,
    ) -> Run:
        """Make the run of the collected requests.

        ``missing`` is what the file lacks beside addresses, which are seen to here. ``clock``:
        times are since 1970.

        Raises:
            InputError: the file has no requests.
        """
        self._flush()
        notes = [*notes, *self._notes()]
        if self._file.count == 0:
            raise InputError(f"{path} holds no requests", remedy="; ".join(self._notes()))
        with closing(RecordFile()) as ordered:
            start_ns, end_ns, open_max = _order(self._file.mapped(), ordered)
            samples = Samples(ordered.mapped(), [request.name for request in self._requests])
        started_at_ns = start_ns
        if not clock:
            started_at_ns = path.stat().st_mtime_ns - end_ns
            notes.append("the file has no wall clock: the run is taken to end at its last change")
        environment: dict[str, Any] = {
            "format": format,
            "file": one_line(path.name, _LONGEST_NAME),
            "not_in_the_file": ["intended times", *missing, *self._missing_addresses()],
            "notes": notes,
        }
        if self._error_texts:
            environment["errors"] = dict(self._error_texts.most_common())
        try:
            plan = Plan(
                requests=self._weighted(samples),
                load=Imported(open_max, source=tool),
                duration_s=max(end_ns, 1) / NS_PER_S,
                name=one_line(path.name.split(".")[0], _LONGEST_NAME) or tool,
                tags={"imported_from": tool},
            )
        except InputError as exc:  # such as requests that are years apart
            raise exc.within(str(path)) from exc
        return Run(
            id=content_digest(path, format),
            plan=plan,
            started_at_ns=started_at_ns,
            samples=samples,
            environment={
                "imported": environment,
                "calibration": {"note": f"the floor of {tool} on its machine is unknown"},
            },
        )

    def _missing_addresses(self) -> list[str]:
        known = any(request.url != UNKNOWN_URL for request in self._requests)
        return [] if known or self._unreadable_url_count else ["addresses"]

    def _notes(self) -> list[str]:
        notes = []
        if self._set_aside_count:
            count = plural(self._set_aside_count, "request")
            notes.append(f"left out, because they end before they start: {count}")
        if self._unreadable_url_count:
            count = plural(self._unreadable_url_count, "request")
            notes.append(f"the address is not one that can be requested, and so unknown: {count}")
        return notes

    def _new_endpoint(self, method: str, url: str, name: str) -> int:
        if len(self._requests) == _ENDPOINTS_MAX:
            parts = urlsplit(self._requests[0].url)
            self._requests.append(
                Request("GET", urlunsplit(parts._replace(path="/")), name=_OTHERS)
            )
        if len(self._requests) > _ENDPOINTS_MAX:
            return _ENDPOINTS_MAX
        try:
            request = Request(method, url, name=name)
        except InputError:  # of the method: the address was tried
            request = Request("GET", url, name=name or one_line(method, _LONGEST_NAME))
        self._requests.append(request)
        return len(self._requests) - 1

    def _weighted(self, samples: Samples) -> list[Request]:
        counts = np.bincount(samples.column("endpoint"), minlength=len(self._requests))
        if len(self._requests) == 1:
            return self._requests
        return [
            evolve(request, weight=float(max(count, 1)))
            for request, count in zip(self._requests, counts, strict=True)
        ]

    def _flush(self) -> None:
        self._file.append(self._block[: self._filled])
        self._filled = 0


def _order(records: NDArray[np.void], ordered: RecordFile) -> tuple[int, int, int]:
    """Write the records in the order of sending, numbered, with times relative to the first.

    Returns that first time, the relative time of the last response, and the most requests that
    were in flight at once.
    """
    order = np.argsort(records["sent_ns"], kind="stable")
    start_ns = int(records["sent_ns"][order[0]])
    for first in range(0, len(order), BLOCK_RECORDS):
        chosen = order[first : first + BLOCK_RECORDS]
        block = np.zeros(len(chosen), dtype=SAMPLE_DTYPE)
        for name in SAMPLE_DTYPE.names or ():
            block[name] = records[name][chosen]
        block["seq"] = np.arange(first, first + len(block))
        for name in ("intended_ns", "sent_ns", "done_ns"):
            block[name] -= start_ns
        block["first_byte_ns"][block["first_byte_ns"] != 0] -= start_ns
        ordered.append(block)
    done_ns = np.sort(records["done_ns"])
    finished = np.searchsorted(done_ns, records["sent_ns"][order], side="right")
    open_max = int((np.arange(1, len(order) + 1) - finished).max())
    return start_ns, int(done_ns[-1]) - start_ns, max(open_max, 1)


def _address(url: str) -> str | None:
    """``url`` without query and fragment, which vary by request, and without credentials.

    None if it is not the address of a request.
    """
    if len(url) > _LONGEST_URL:
        return None
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        bare = public_url(urlunsplit(parts._replace(netloc=host, query="", fragment="")))
        bare.encode()  # not possible with half a character, which JSON can hold
        Request("GET", bare)
    except ValueError:  # InputError is one too
        return None
    return bare
