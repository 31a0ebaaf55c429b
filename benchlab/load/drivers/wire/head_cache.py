"""Cache the heads of responses.

Most responses of a service under test have the same head, byte for byte, except for a date that
changes once per second. So the parsed head is cached by its bytes, with the result of the checks
unless they need the body, and a response with a cached head and a ``Content-Length`` is read by
comparing lengths.
"""

from __future__ import annotations

from benchlab.load.drivers.checking import Checker, check_status
from benchlab.load.drivers.headers import ServerNames
from benchlab.load.drivers.wire.head import Head, parse_head
from benchlab.samples.samples import ErrorKind

__all__ = ["BODY_IS_READ", "CachedHead", "HeadCache"]

_MOST_HEADS = 512


CachedHead = tuple[int, int, bool, ErrorKind, Head]
"""Status, length of the body, whether the connection is used again, error kind, and the head.

The length is `BODY_IS_READ` if a `Response` must read the body; otherwise the error kind is that of
a complete response with this head. A plain tuple, since taking apart a named one costs more.
"""

BODY_IS_READ = -1


class HeadCache:
    """Caches the heads of one request's responses; None stands for a head to be parsed again."""

    __slots__ = ("_checker", "_is_read", "_keep_alive", "_servers", "head_only", "known")

    def __init__(
        self,
        *,
        head_only: bool,
        keep_alive: bool = True,
        servers: ServerNames | None = None,
        checker: Checker | None = None,
        is_read: bool = False,
    ) -> None:
        """``head_only``: the request is HEAD, whose responses have no body. ``keep_alive``: its
        connection may be used again. ``servers`` notes the server name in every new head.
        ``is_read``: bodies are read whatever the checks need."""
        self._servers = servers or ServerNames()
        self._checker = checker
        self._is_read = is_read
        self.head_only = head_only
        self._keep_alive = keep_alive
        self.known: dict[bytes, CachedHead | None] = {}

    def learn(self, raw: bytes) -> CachedHead | None:
        """Parse ``raw``, a head with its blank line, and cache the result.

        The result is None for an interim response, or if the server switches protocols.

        Raises:
            ProtocolError: it is not exactly one valid head.
        """
        head = parse_head(raw, head_only=self.head_only)
        if len(self.known) >= _MOST_HEADS:
            self.known.clear()
        self._servers.note_head(raw)
        cached = None if head.status < 200 else self._evaluate(head)
        self.known[raw] = cached
        return cached

    def forget(self, raw: bytes) -> None:
        """Remove a head, so that its next occurrence is parsed."""
        self.known.pop(raw, None)

    def _evaluate(self, head: Head) -> CachedHead:
        checker, length = self._checker, head.length
        reusable = head.reusable and self._keep_alive
        if length is None or self._is_read or (checker is not None and checker.needs_body):
            return head.status, BODY_IS_READ, reusable, ErrorKind.OK, head
        if checker is None:
            error, _ = check_status(head.status)
        else:
            error, _ = checker.evaluate(head.status, None, length)
        return head.status, length, reusable, error, head
