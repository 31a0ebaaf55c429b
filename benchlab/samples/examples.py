"""Examples of failures: the first failed requests of each kind."""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchlab.decoding import Count, Integer
from benchlab.redact import header_value, public_text
from benchlab.text import one_line

__all__ = [
    "BODY_BYTES",
    "Example",
    "Quota",
    "make_example",
    "pick",
    "show_first",
]

PER_KIND = 5
"""Examples stored for each kind of error and endpoint: so many of the warm-up, and of the rest."""

MOST = 200
"""Maximum number of examples; a kind that has none yet is added even above it."""

BODY_BYTES = 2048
"""How much of a response body an example holds."""

_HEADERS, _VALUE_LENGTH, _MESSAGE_LENGTH = 40, 300, 500


@dataclass(frozen=True, slots=True)
class Example:
    """One failed request.

    ``kind`` is the label of its `ErrorKind`, ``endpoint`` the name of the request, ``message`` the
    error message. ``status`` is 0 without a response. ``headers`` are the response headers, secrets
    hidden; ``body`` is the start of the response body as text (invalid UTF-8 replaced), as far as
    it was collected, and ``body_bytes`` the length of all that was received.
    """

    kind: str
    endpoint: str
    seq: Integer
    intended_ns: Integer
    status: Count
    message: str
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    body_bytes: Count = 0

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict of all fields."""
        return {**asdict(self), "headers": [list(pair) for pair in self.headers]}

    def describe(self, *, warmup: bool = False) -> str:
        """Describe the failure in one line without control characters."""
        parts = ["in the warm-up"] if warmup else []
        # Of a call over gRPC, the HTTP status says nothing: it is 200 however the call ended.
        is_call = self.kind.startswith("grpc:")
        if self.status and not is_call and str(self.status) not in self.message:
            parts.append(f"status {self.status}")
        parts.append(one_line(self.message, 200))
        shown = one_line(self.body, 100)
        return f"{', '.join(parts)}{f' · body: {shown}' if shown else ''}"


class Quota:
    """Decides which examples to store: the first of each kind and endpoint, up to `MOST`."""

    def __init__(self) -> None:
        self._taken: Counter[tuple[str, str, bool]] = Counter()
        self._kinds: set[str] = set()
        self._count = 0

    def wants(self, kind: str, endpoint: str, warmup: bool) -> bool:
        """Whether another example of this kind would be stored."""
        if self._taken[kind, endpoint, warmup] >= PER_KIND:
            return False
        return self._count < MOST or kind not in self._kinds

    def take(self, kind: str, endpoint: str, warmup: bool) -> None:
        """Count one that is stored."""
        self._taken[kind, endpoint, warmup] += 1
        self._kinds.add(kind)
        self._count += 1


def make_example(
    kind: str,
    endpoint: str,
    seq: int,
    intended_ns: int,
    status: int,
    message: str,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    body_bytes: int = 0,
) -> Example:
    """Make an example of anything that a service sent: bounded, without secrets."""
    pairs = list(headers)
    shown = tuple(
        (_text(name), _text(public_text(header_value(name, value))))
        for name, value in pairs[:_HEADERS]
    )
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    whole = len(body) <= BODY_BYTES and len(body) >= body_bytes
    return Example(
        kind=kind,
        endpoint=endpoint,
        seq=seq,
        intended_ns=intended_ns,
        status=status,
        message=_text(public_text(message), _MESSAGE_LENGTH),
        headers=shown,
        body=decoder.decode(body[:BODY_BYTES], final=whole),
        body_bytes=max(body_bytes, len(body)),
    )


def pick(examples: Iterable[Example], warmup_ns: int) -> tuple[Example, ...]:
    """Choose from several workers' examples what one would have stored, in order of ``seq``."""
    quota, picked = Quota(), []
    for example in sorted(examples, key=lambda item: item.seq):
        key = example.kind, example.endpoint, example.intended_ns < warmup_ns
        if quota.wants(*key):
            quota.take(*key)
            picked.append(example)
    return tuple(picked)


def show_first(
    examples: Sequence[Example], warmup_ns: int, count: int
) -> list[tuple[Example, bool]]:
    """Choose at most ``count`` distinct examples to show, each with whether it is of the warm-up.

    Examples are distinct by kind, endpoint, status and message. Those of the warm-up are shown only
    if nothing failed after it.
    """
    measured = [item for item in examples if item.intended_ns >= warmup_ns]
    seen: dict[tuple[str, str, int, str], Example] = {}
    for item in measured or examples:
        seen.setdefault((item.kind, item.endpoint, item.status, item.message), item)
    before: Counter[tuple[str, str]] = Counter()
    ranked: list[tuple[int, Example]] = []
    for item in seen.values():
        ranked.append((before[item.kind, item.endpoint], item))
        before[item.kind, item.endpoint] += 1
    ranked.sort(key=lambda pair: pair[0])  # one of each kind and endpoint, then a second …
    return [(item, not measured) for _, item in ranked[:count]]


def _text(text: str, length: int = _VALUE_LENGTH) -> str:
    cut = text if len(text) <= length else f"{text[: length - 1]}…"
    return cut.encode("utf-8", "replace").decode()
