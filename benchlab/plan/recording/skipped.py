"""Why an entry of a log is not replayed."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

__all__ = ["Skip", "describe_skipped"]


class Skip(StrEnum):
    """A reason, as the keys of `benchlab.Recording.counts` name it."""

    MALFORMED = "malformed"
    NOT_HTTP = "not_http"
    NO_TIME = "no_time"
    CONNECT = "connect"
    ASTERISK = "asterisk"
    WEBSOCKET = "websocket"
    OTHER_SCHEME = "other_scheme"
    TOO_LONG = "too_long"
    NO_ACCESS = "no_access"
    NOT_SENT = "not_sent"
    OUTSIDE = "outside_window"
    BODY = "body_not_recorded"
    HOST = "other_host"


_MEANINGS = {
    Skip.MALFORMED: "not of the format",
    Skip.NOT_HTTP: "no HTTP request (empty, or TLS sent to a plain port)",
    Skip.NO_TIME: "without a readable time",
    Skip.CONNECT: "CONNECT, which asks a proxy for a tunnel",
    Skip.ASTERISK: "about the server as a whole (OPTIONS *)",
    Skip.WEBSOCKET: "web sockets",
    Skip.OTHER_SCHEME: "of another scheme, such as data: or blob:",
    Skip.TOO_LONG: "with a path of over 65,536 characters",
    Skip.NO_ACCESS: "messages other than of an access",
    Skip.NOT_SENT: "that the browser did not send: cached, or blocked",
    Skip.OUTSIDE: "outside the window",
    Skip.BODY: "with a body that was not recorded",
    Skip.HOST: "to other hosts",
}


def describe_skipped(skipped: Mapping[str, int]) -> list[str]:
    """A phrase per reason, the most frequent first.

    >>> describe_skipped({"outside_window": 12, "connect": 0, "malformed": 3})
    ['12 outside the window', '3 not of the format']
    """
    ordered = sorted(skipped.items(), key=lambda item: (-item[1], item[0]))
    return [f"{count:,} {_MEANINGS[Skip(reason)]}" for reason, count in ordered if count]
