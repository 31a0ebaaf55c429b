"""Parse server-sent events (WHATWG HTML, section 9.2.6, "Interpreting an event stream").

https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from __future__ import annotations

__all__ = ["MOST_EVENT_BYTES", "EventParser", "EventTooLongError", "check_event_size"]

MOST_EVENT_BYTES = 16 * 1024 * 1024
"""An event, or a line of one, that is longer is an error: it would fill the memory."""

_BOM = b"\xef\xbb\xbf"
_DATA = b"data"


class EventTooLongError(ValueError):
    """An event has more than `MOST_EVENT_BYTES`."""


class EventParser:
    """Parses the bytes of an event stream, fed in pieces of any size, into the data of its events.

    Lines end with LF, CR or CRLF; an event ends with an empty line, and is complete with the CR of
    that. As in browsers, a block without ``data`` is no event, and neither is an incomplete block
    at the end of the stream. The type and the id of events, and the time to reconnect, are read
    over: nothing here depends on them.
    """

    __slots__ = ("_after_cr", "_begun", "_data", "_held", "_held_bytes", "_size")

    def __init__(self) -> None:
        self._begun = False
        self._after_cr = False
        self._held: list[bytes] = []  # parts of a line that is not complete
        self._held_bytes = 0
        self._data: list[bytes] = []
        self._size = 0

    @property
    def is_inside(self) -> bool:
        """Whether an event has begun that is not complete."""
        return bool(self._data) or any(self._held)

    def feed(self, piece: bytes) -> list[bytes]:
        """Parse ``piece``; returns the data of the events that it completes, in UTF-8.

        Raises:
            EventTooLongError: an event does not end.
        """
        if not self._begun:
            piece = self._without_bom(piece)
        if not piece:
            return []
        if self._after_cr:
            self._after_cr = False
            if piece.startswith(b"\n"):
                piece = piece[1:]
        if b"\r" in piece:
            self._after_cr = piece.endswith(b"\r")
            piece = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        first, *lines = piece.split(b"\n")
        self._hold(first)
        if not lines:
            return []
        first, self._held, self._held_bytes = b"".join(self._held), [], 0
        lines.insert(0, first)
        self._hold(lines.pop())
        found: list[bytes] = []
        for line in lines:
            if not line:
                if self._data:
                    found.append(b"\n".join(self._data))
                    self._data, self._size = [], 0
                continue
            name, _, value = line.partition(b":")
            if name == _DATA:
                self._add(value[1:] if value.startswith(b" ") else value)
        return found

    def _without_bom(self, piece: bytes) -> bytes:
        """``piece`` without a byte order mark; empty while it may still be one."""
        whole = b"".join(self._held) + piece
        if len(whole) < len(_BOM) and _BOM.startswith(whole):
            self._held = [whole]
            return b""
        self._begun = True
        self._held = []
        return whole.removeprefix(_BOM)

    def _hold(self, part: bytes) -> None:
        if part:
            self._held.append(part)
            self._held_bytes += len(part)
            check_event_size(self._held_bytes)

    def _add(self, value: bytes) -> None:
        self._data.append(value)
        self._size += len(value) + 1
        check_event_size(self._size)


def check_event_size(size: int) -> None:
    """Refuse an event of more than `MOST_EVENT_BYTES`.

    Raises:
        EventTooLongError: it is longer.
    """
    if size > MOST_EVENT_BYTES:
        raise EventTooLongError(f"an event has more than {MOST_EVENT_BYTES:,} bytes")
