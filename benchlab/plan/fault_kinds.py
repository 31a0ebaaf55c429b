"""The kinds of faults: where each acts, what its amount means and which options it has.

Data only: `benchlab.plan.faults` reads faults by this table, `benchlab.faults` carries them out,
and docs/faults.md shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

__all__ = ["COMMON_OPTIONS", "FAULT_KINDS", "FaultKind", "FaultOption", "Where"]

Where = Literal["target", "proxy", "process"]
"""What makes a fault: the service's own fault layer, a proxy before it, or signals to a process."""

Quantity = Literal["duration", "status", "size", "rate", "per byte"]


class FaultOption(NamedTuple):
    """An option of a kind, written ``name=value``.

    A ``duration`` is kept in seconds, a ``whole`` number as it is, and so are texts. An option with
    neither ``usual`` value nor ``may_lack`` has to be given.
    """

    quantity: Literal["duration", "whole", "command"]
    help: str
    usual: float | int | None = None
    may_lack: bool = False


class FaultKind(NamedTuple):
    """What a kind of fault does and what it takes.

    ``amount`` is the quantity of its amount, None if it has none; ``usual`` is the amount of a
    fault that names none, and empty if it has to. ``varies``: the amount may be drawn for each
    request (``200ms±50ms``, ``20ms exponential``, ``20ms pareto``). ``without`` has those of the
    `COMMON_OPTIONS` of its place that it lacks.
    """

    where: Where
    help: str
    example: str
    amount: Quantity | None = None
    usual: str = ""
    varies: bool = False
    without: tuple[str, ...] = ()
    options: Mapping[str, FaultOption] = MappingProxyType({})

    @property
    def common(self) -> Mapping[str, str]:
        """Its options that others at its place have too, with what they mean."""
        found = COMMON_OPTIONS[self.where]
        return {name: help for name, help in found.items() if name not in self.without}


COMMON_OPTIONS: Final[Mapping[Where, Mapping[str, str]]] = {
    "target": {
        "ratio": "the share of requests that it affects, such as 10% (all)",
        "route": "the start of the paths that it affects, such as /search (every path)",
        "seed": "draws which requests, and amounts that vary, again in the same way",
        "service": "the service, http://host:port (the first of the plan)",
    },
    "proxy": {
        "ratio": "the share of requests that it affects, such as 5% (all); of new connections, for"
        " accept_only",
        "seed": "draws which requests, and amounts that vary, again in the same way",
        "service": "the service that the proxy stands before, http://host:port (the first of the"
        " plan)",
    },
    "process": {},
}
"""Options that every kind at a place has, with what they mean."""

_EVERY = {"every": FaultOption("duration", "from the start of one to the start of the next", 1.0)}
_PID = {"pid": FaultOption("whole", "the number of the process, which must be yours")}

FAULT_KINDS: Final[Mapping[str, FaultKind]] = {
    "latency": FaultKind(
        "target",
        "adds to the time of a response",
        "latency 200ms±50ms",
        "duration",
        varies=True,
    ),
    "error": FaultKind(
        "target", "responds with this status instead", "error 503 ratio=10%", "status"
    ),
    "drop": FaultKind("target", "closes the connection without a response", "drop ratio=5%"),
    "slow_body": FaultKind(
        "target",
        "sends the first byte of a body at once, and its rest over this time",
        "slow_body 300ms",
        "duration",
        varies=True,
    ),
    "cpu": FaultKind(
        "target",
        "computes for this long before it responds",
        "cpu 20ms",
        "duration",
        varies=True,
    ),
    "block": FaultKind(
        "target",
        "blocks the event loop for this long, again and again",
        "block 100ms every=2s",
        "duration",
        without=("ratio", "route", "seed"),
        options=_EVERY,
    ),
    "pause": FaultKind(
        "target",
        "holds every response back for this long, again and again, as a collector of garbage does",
        "pause 150ms every=2s",
        "duration",
        without=("ratio", "seed"),
        options=_EVERY,
    ),
    "lock": FaultKind(
        "target",
        "lets one request at a time through, each for this long",
        "lock 20ms",
        "duration",
        varies=True,
    ),
    "dependency": FaultKind(
        "target",
        "waits for a slow dependency, which is a child span of its own",
        "dependency 50ms",
        "duration",
        varies=True,
    ),
    "leak": FaultKind("target", "keeps so much more memory with each request", "leak 1MB", "size"),
    "cache_miss": FaultKind(
        "target",
        "adds this time to the requests that miss the cache, a ratio of all",
        "cache_miss 30ms ratio=10%",
        "duration",
        varies=True,
    ),
    "payload": FaultKind(
        "target", "adds this time for each byte of the request's body", "payload 50ns", "per byte"
    ),
    "slow_instance": FaultKind(
        "target",
        "slows one instance of several down: the others respond as ever",
        "slow_instance 100ms of=4",
        "duration",
        varies=True,
        options={"of": FaultOption("whole", "how many instances there are", 4)},
    ),
    "delay": FaultKind(
        "proxy", "delays what the service sends by this time", "delay 40ms", "duration", varies=True
    ),
    "jitter": FaultKind(
        "proxy",
        "delays what the service sends by a random time up to this one",
        "jitter 20ms",
        "duration",
    ),
    "bandwidth": FaultKind(
        "proxy", "limits what all connections carry together, each way", "bandwidth 1MB/s", "rate"
    ),
    "reset": FaultKind(
        "proxy", "resets the connection instead of passing a request on", "reset ratio=5%"
    ),
    "blackhole": FaultKind(
        "proxy", "swallows what is sent, on open connections too, and closes nothing", "blackhole"
    ),
    "accept_only": FaultKind(
        "proxy", "accepts new connections and never responds on them", "accept_only"
    ),
    "delayed_ack": FaultKind(
        "proxy",
        "stalls as long as a delayed acknowledgement does",
        "delayed_ack",
        "duration",
        usual="40ms",
    ),
    "retransmission": FaultKind(
        "proxy",
        "stalls as long as a lost packet does: this time, and its doublings for further losses",
        "retransmission ratio=5%",
        "duration",
        usual="200ms",
    ),
    "freeze": FaultKind(
        "process", "stops a process (SIGSTOP) and lets it go on", "freeze pid=1234", options=_PID
    ),
    "kill": FaultKind(
        "process",
        "kills a process (SIGKILL) and starts it again by a command",
        'kill pid=1234 restart="python -m app"',
        options={
            **_PID,
            "restart": FaultOption(
                "command", "the command that starts it again, without a shell", may_lack=True
            ),
        },
    ),
}
