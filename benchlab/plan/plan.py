"""The plan of a run: what is sent, how often, for how long, and with which limits."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import InitVar, dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchlab.errors import InputError
from benchlab.plan.mix import draw_mix
from benchlab.plan.objectives import Objective, check_objectives, parse_objectives
from benchlab.plan.pairs import text_pairs
from benchlab.plan.request import Origin, Request
from benchlab.plan.scenario import Scenario
from benchlab.plan.schedule import (
    Arrivals,
    measured_offsets,
    numbered_arrivals,
    schedule_end_ns,
)
from benchlab.plan.shapes import ClosedLoop, Load, load_from_dict, load_to_dict
from benchlab.plan.targets import Targets, at_targets
from benchlab.plan.transport import Transport
from benchlab.plan.validation import check_seconds, check_whole, is_number
from benchlab.redact import public_url
from benchlab.units import NS_PER_S, seconds_to_ns

__all__ = ["COUNTED_LIMIT_S", "DRIVERS", "Plan"]

DRIVERS = ("http", "httpx")

COUNTED_LIMIT_S = 86_400.0
"""The longest that a number of requests may take when nothing else is said: a day."""

_MAX_WORKERS = 256
_MAX_REQUESTS = 10**9
_USUAL_S = 10.0
_TOLERANCE_S = 1e-9


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that decides a run. Immutable; survives JSON unchanged.

    The run takes ``warmup_s`` and then ``duration_s``; requests of the warm-up are recorded and
    flagged, and no result counts them. A shape with a length of its own (stages, steps, spike,
    replay) is ``duration_s`` long unless that is given and shorter; the others last 10 s. A
    varying shape's warm-up runs at a constant rate: its first that is not 0 (of a rise from 0 the
    mean), a replay's mean.

    With a ``request_count`` the measured window ends after so many requests. ``duration_s`` is
    then the longest it may take (if not given: a day), and of an open loop it becomes the time
    that so many requests take by the schedule.

    ``timeout_s`` bounds one request from its sending. ``max_connections`` caps an open loop, over
    all workers: a request that finds the cap full waits, and its wait shows as lag. When arrivals
    end, requests still open or waiting have ``drain_s`` to finish; what is left then is recorded
    with the error ``abandoned``.

    ``trace_ratio`` is the share (0 to 1) of requests that ask the service to trace them. With 0,
    no ``traceparent`` header is sent at all.

    ``slo`` holds objectives such as ``p99<50ms`` or ``error_ratio<0.01 over 5s`` (see
    `benchlab.plan.objectives`), against which the run's samples are held at its end.
    ``abort_on`` holds conditions of the same form, such as ``error_ratio>0.5``: when one comes
    true in the measured window, the run stops early. One with a window looks at the last so many
    seconds; none is judged before there are enough requests to judge it by.

    Requests may go to several services. ``targets`` are base URLs (or name → base URL) for the
    requests whose URL is only a path: each of them is sent to every target, in equal shares, and
    is an endpoint of its own there. A closed loop's user keeps a connection to each service.

    ``scenario`` (see `benchlab.scenario`) takes the place of the requests: each user of a closed
    loop, or each arrival of an open one, runs it once and again, through httpx. A sample is then a
    step, and ``request_count`` counts iterations.

    Raises:
        InputError: any value that cannot be used, by name, with what would do.
    """

    requests: Sequence[Request] = ()
    load: Load = field(default_factory=ClosedLoop)
    duration_s: float = None  # type: ignore[assignment]  # always a number once it is made
    request_count: int | None = None
    warmup_s: float = 0.0
    timeout_s: float = 10.0
    max_connections: int = 1000
    workers: int = 1
    driver: str = "http"
    trace_ratio: float = 0.0
    seed: int = 1
    drain_s: float = 60.0
    name: str = ""
    tags: Mapping[str, str] | Sequence[tuple[str, str]] = ()
    slo: Sequence[Objective | str] = ()
    abort_on: Sequence[Objective | str] = ()
    transport: Transport = field(default_factory=Transport)
    scenario: Scenario | None = None
    targets: InitVar[Targets] = field(default=(), kw_only=True)

    def __post_init__(self, targets: Targets) -> None:
        requests = self._whole_requests(targets)
        if not isinstance(self.transport, Transport):
            raise InputError(
                "must be a benchlab.Transport", field="transport", value=self.transport
            )
        if not isinstance(self.load, Load):
            raise InputError(
                "is not a load shape",
                field="load",
                value=self.load,
                remedy="use ClosedLoop(64), ConstantRate(500), PoissonRate(500),"
                " Stages([(10, 500)]) …",
            )
        if self.duration_s is not None:
            check_seconds("duration_s", self.duration_s)
        if self.request_count is not None:
            check_whole("request_count", self.request_count, 1, _MAX_REQUESTS)
        check_seconds("warmup_s", self.warmup_s, zero=True)
        check_seconds("timeout_s", self.timeout_s)
        check_seconds("drain_s", self.drain_s, zero=True)
        check_whole("max_connections", self.max_connections, 1, 60_000)
        check_whole("workers", self.workers, 1, _MAX_WORKERS)
        check_whole("seed", self.seed, 0, 2**63 - 1)
        if self.driver not in DRIVERS:
            raise InputError(
                "is unknown",
                field="driver",
                value=self.driver,
                remedy=f"use {' or '.join(DRIVERS)}",
            )
        if not (is_number(self.trace_ratio) and 0 <= self.trace_ratio <= 1):
            raise InputError(
                "must lie between 0 and 1", field="trace_ratio", value=self.trace_ratio
            )
        if self.connection_limit < self.workers:
            raise InputError(
                f"cannot share {self.connection_limit} connections",
                field="workers",
                value=self.workers,
                remedy="each needs at least one; use fewer workers",
            )
        put = object.__setattr__
        put(self, "requests", requests)
        put(self, "duration_s", self._duration_s())
        put(self, "tags", tuple(sorted(text_pairs("tags", self.tags))))
        put(self, "name", self.name or requests[0].name)
        names = [request.name for request in requests]
        for item in ("slo", "abort_on"):
            objectives = parse_objectives(getattr(self, item), item)
            if self.scenario is not None and item == "slo":  # its steps are not known yet
                names = [item.endpoint for item in objectives if item.endpoint]
            check_objectives(objectives, item, names, self.duration_s)
            put(self, item, objectives)

    def _whole_requests(self, targets: Targets) -> tuple[Request, ...]:
        """The requests with whole URLs; of a scenario, the one that says where it is at home."""
        given = (self.requests,) if isinstance(self.requests, Request) else tuple(self.requests)
        if self.scenario is not None:
            if not isinstance(self.scenario, Scenario):
                raise InputError(
                    "is no scenario",
                    field="scenario",
                    value=self.scenario,
                    remedy="make one with benchlab.scenario(function, base_url)",
                )
            if given not in ((), (self.scenario.anchor,)):
                raise InputError(
                    "the plan has requests too", field="scenario", remedy="give one of them"
                )
            object.__setattr__(self, "driver", "httpx")
            return (self.scenario.anchor,)
        if not given:
            raise InputError(
                "the plan has none",
                field="requests",
                remedy="give at least one Request, or a scenario",
            )
        for request in given:
            if not isinstance(request, Request):
                raise InputError(
                    f"there is a {type(request).__name__} among them",
                    field="requests",
                    remedy="each must be a benchlab.Request",
                )
        return at_targets(given, targets)

    def _duration_s(self) -> float:
        """What ``duration_s`` means: given, the shape's own, or as long as the requests take."""
        own_s, given_s = self.load.duration_s, self.duration_s
        if given_s is not None and own_s is not None and given_s > own_s + _TOLERANCE_S:
            raise InputError(
                f"is longer than the load's own {own_s:.10g} s",
                field="duration_s",
                value=given_s,
                remedy="leave it out, or make the load shape longer",
            )
        usual_s = _USUAL_S if self.request_count is None else COUNTED_LIMIT_S
        limit_s = next(length for length in (given_s, own_s, usual_s) if length is not None)
        if self.request_count is None or isinstance(self.load, ClosedLoop):
            return limit_s
        end_ns = schedule_end_ns(self.load, seconds_to_ns(limit_s), self.seed, self.request_count)
        return limit_s if end_ns is None else end_ns / NS_PER_S

    @property
    def warmup_ns(self) -> int:
        """End of the warm-up and start of the measured window, from the start of the run."""
        return seconds_to_ns(self.warmup_s)

    @property
    def end_ns(self) -> int:
        """End of the measured window, from the start of the run."""
        return self.warmup_ns + seconds_to_ns(self.duration_s)

    @property
    def origins(self) -> tuple[Origin, ...]:
        """The services of the plan, in the order of its requests."""
        return tuple(dict.fromkeys(request.origin for request in self.requests))

    @property
    def endpoint_names(self) -> list[str]:
        """What a sample's ``endpoint`` means: the requests, or a scenario and its steps."""
        steps = () if self.scenario is None else self.scenario.steps
        return [*(request.name for request in self.requests), *steps]

    @property
    def connection_limit(self) -> int:
        """The most requests open at once, over all workers, each on a connection of its own."""
        return self.load.connections if isinstance(self.load, ClosedLoop) else self.max_connections

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """``slo``, read."""
        return self.slo  # type: ignore[return-value]  # normalised in __post_init__

    @property
    def abort_conditions(self) -> tuple[Objective, ...]:
        """``abort_on``, read."""
        return self.abort_on  # type: ignore[return-value]  # normalised in __post_init__

    def describe(self) -> str:
        """The plan in one line for people, credentials hidden."""
        warmup = f" after {self.warmup_s:g} s of warm-up" if self.warmup_s else ""
        return f"{self.describe_requests()} · {self.load.describe()} · {self._length()}{warmup}"

    def _length(self) -> str:
        length = f"{self.duration_s:g} s"
        if self.request_count is None:
            return length
        planned = self.intended_count()
        if planned is not None:
            noun = "request" if planned == 1 else "requests"
            return f"{planned:,} {noun}, {length}"
        noun = "request" if self.request_count == 1 else "requests"
        limit = "" if self.duration_s >= COUNTED_LIMIT_S else f", at most {length}"
        return f"{self.request_count:,} {noun}{limit}"

    def describe_requests(self) -> str:
        """What is sent, credentials hidden: the first request, and how many more."""
        request = self.requests[0]
        if self.scenario is not None:
            return f"scenario {self.scenario.name} at {public_url(request.url)}"
        more = f" and {len(self.requests) - 1} more" if len(self.requests) > 1 else ""
        return f"{request.method} {public_url(request.url)}{more}"

    def share(self, worker: int) -> int:
        """How many of `connection_limit` connections belong to worker number ``worker``."""
        whole, rest = divmod(self.connection_limit, self.workers)
        return whole + (worker < rest)

    def arrivals(self, worker: int = 0, workers: int = 1) -> Iterator[Arrivals]:
        """The schedule of an open loop, warm-up first; nothing for a closed loop.

        Request ``seq`` belongs to worker ``seq % workers``: the union over all workers is exactly
        the plan's schedule. The measured window starts on a fresh schedule, so that its count
        does not depend on the length of the warm-up.
        """
        if isinstance(self.load, ClosedLoop):
            return
        warmup = self.load.steady().offsets(self.warmup_ns, self.seed + 1)
        phases = ((0, warmup), (self.warmup_ns, self._measured_offsets()))
        yield from numbered_arrivals(phases, worker, workers)

    def _measured_offsets(self) -> Iterator[NDArray[np.int64]]:
        if isinstance(self.load, ClosedLoop):
            return iter(())
        length_ns = self.end_ns - self.warmup_ns
        return measured_offsets(self.load, length_ns, self.seed, self.request_count)

    def intended_count(self, until_ns: int | None = None) -> int | None:
        """Requests scheduled in the measured window, up to ``until_ns`` from the run's start.

        None for a closed loop, which has no schedule.
        """
        if isinstance(self.load, ClosedLoop):
            return None
        limit_ns = (self.end_ns if until_ns is None else until_ns) - self.warmup_ns
        return sum(int(np.count_nonzero(block < limit_ns)) for block in self._measured_offsets())

    def count_share(self, worker: int) -> int | None:
        """How many of ``request_count`` requests a closed loop's worker makes; None: no limit."""
        if self.request_count is None:
            return None
        whole, rest = divmod(self.request_count, self.workers)
        return whole + (worker < rest)

    def mix(self) -> list[int]:
        """Request index by ``seq % len(mix)``: shares by weight, in an order by the seed."""
        return draw_mix([request.weight for request in self.requests], self.seed)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict of all fields."""
        data = {item.name: getattr(self, item.name) for item in fields(self)}
        data["transport"] = self.transport.to_dict()
        data["scenario"] = None if self.scenario is None else self.scenario.to_dict()
        data["requests"] = [request.to_dict() for request in self.requests]
        data["load"] = load_to_dict(self.load)
        data["tags"] = dict(self.tags)
        data["slo"] = [str(objective) for objective in self.slo]
        data["abort_on"] = [str(objective) for objective in self.abort_on]
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Plan:
        """The plan that `to_dict` wrote.

        Raises:
            InputError: an unknown or missing field.
        """
        known = {item.name for item in fields(cls)} | {"targets"}
        unknown = sorted(set(data) - known)
        if unknown:
            raise InputError(f"the plan has unknown fields {unknown}: known are {sorted(known)}")
        values = dict(data)
        try:
            found = values.get("requests", ()) if values.get("scenario") else values["requests"]
            values["requests"] = [Request.from_dict(item) for item in found]
            values["load"] = load_from_dict(values["load"])
            if "transport" in values:
                values["transport"] = Transport.from_dict(values["transport"])
            if values.get("scenario") is not None:
                values["scenario"] = Scenario.from_dict(values["scenario"])
        except KeyError as exc:
            raise InputError(f"the plan lacks the field {exc}") from exc
        return cls(**values)

    def to_json(self) -> str:
        """The plan as JSON text."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """The plan that `to_json` wrote."""
        return cls.from_dict(json.loads(text))
