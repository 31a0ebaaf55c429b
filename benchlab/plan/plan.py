"""The plan of a run: what is sent, how often, for how long, and with which limits."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

import attrs
from attrs import field, frozen

from benchlab.decoding import convert, decode, naming_field
from benchlab.displayed import Displayed
from benchlab.errors import DamagedError, InputError
from benchlab.plan.driver_choice import USUAL_DRIVER, check_driver, choose_driver
from benchlab.plan.drivers import DRIVERS, drivers_for
from benchlab.plan.faults import Fault, FaultSchedule, check_faults
from benchlab.plan.grpc.request import GrpcRequest, is_call_url
from benchlab.plan.mix import limited, lookup, mix_name, request_order, turns
from benchlab.plan.objectives import Objective, check_objectives, parse_objectives
from benchlab.plan.recorded import Content, Recorded, rolled
from benchlab.plan.request import Headers, Origin, Request, with_content_type
from benchlab.plan.scenario import Scenario
from benchlab.plan.schedule import (
    Arrivals,
    measured_offsets,
    numbered_arrivals,
    schedule_end_ns,
)
from benchlab.plan.schema import PlanData
from benchlab.plan.shapes import ClosedLoop, LoadShape, load_from_dict, load_to_dict
from benchlab.plan.shapes.registry import SHAPES, load_from_options
from benchlab.plan.targets import Targets, at_targets
from benchlab.plan.transport import Transport
from benchlab.plan.validation import (
    check_choice,
    check_seconds,
    check_text,
    check_whole,
    is_number,
    text_pairs,
)
from benchlab.redact import public_url
from benchlab.text import plural
from benchlab.units import NS_PER_S, seconds_to_ns

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["COUNTED_LIMIT_S", "Plan"]

COUNTED_LIMIT_S = 86_400.0
"""The longest that a number of requests may take without a duration: a day."""

_MAX_WORKERS = 1_000  # tests/benchmarks/test_scale.py
_MAX_STREAMS = 1000
_MAX_COUNT = 10**9
_USUAL_S = 10.0
_TOLERANCE_S = 1e-9
_USUAL_LOAD = ClosedLoop()
_USUAL_TRANSPORT = Transport()

Tags = Mapping[str, str] | Iterable[tuple[str, str]]
Objectives = str | Objective | Iterable[str | Objective]
Faults = FaultSchedule | str | Fault | Iterable[str | Fault | Mapping[str, Any]]


class RecordedTraffic(Protocol):
    """What a plan can be made of: `benchlab.Recording`, which is above this layer."""

    def plan(
        self,
        base_url: str,
        speed: float = 1.0,
        bodies: str | bytes | Mapping[str, str | bytes] = "skip",
        *,
        headers: Headers = (),
    ) -> Plan:
        """The plan that sends it to the service at ``base_url``."""


@frozen(init=False)
class Plan(Displayed):
    """Everything that decides a run. Immutable; survives JSON unchanged.

    The run takes ``warmup_s`` and then ``length_s``; requests of the warm-up are recorded and
    flagged, and count in no result. ``length_s`` is ``duration_s`` if that is given. Otherwise
    it is the load's own length (stages, steps, spike, replay), or 10 s. A varying shape's warm-up
    runs at a constant rate: its first that is not 0, or the mean of a rise from 0; a replay's at
    its mean rate.

    With a ``request_count`` the measured window ends after so many requests. ``duration_s`` is
    then the longest it may take (if not given: a day), and for an open loop ``length_s`` is the
    time that so many requests take by the schedule.

    ``timeout_s`` bounds one request from its sending. ``max_connections`` caps an open loop, over
    all workers: a request that finds no free connection waits, and its wait shows as lag. When
    arrivals end, requests still open or waiting have ``drain_s`` to finish; the others are recorded
    with the error ``abandoned``.

    With HTTP/2 a connection carries ``streams`` requests at a time. The users of a closed loop then
    share connections, as few as carry them, and an open loop has ``max_connections`` × ``streams``
    requests in flight at most.

    ``trace_ratio`` is the share (0 to 1) of requests that ask the service to trace them. With 0,
    no ``traceparent`` header is sent at all.

    ``slo`` holds objectives such as ``p99<50ms`` or ``error_ratio<0.01 over 5s`` (see
    `benchlab.plan.objectives`), which are evaluated on the run's samples at its end.
    ``abort_on`` holds conditions of the same form, such as ``error_ratio>0.5``: when one becomes
    true in the measured window, the run stops early. One with a window covers the last seconds of
    that length; none is evaluated before there are enough requests.

    ``driver`` names one of `benchlab.plan.drivers`; gRPC calls and scenarios take the one that can
    make them, whatever it says. Requests of HTTP and of gRPC cannot be mixed.

    Requests may go to several services. ``targets`` are base URLs (or name → base URL) for the
    requests whose URL is only a path: each of them is sent to every target, in equal shares, and
    is an endpoint of its own there. A closed loop's user keeps a connection to each service.

    ``scenario`` (see `benchlab.scenario`) replaces the requests: each user of a closed loop runs it
    again and again, each arrival of an open loop once. A sample is then a step, and
    ``request_count`` counts iterations. Its client and the ``driver`` are the same; either of them
    chooses it.

    ``faults`` (see `benchlab.plan.faults`) are what is broken on purpose, such as ``latency 200ms
    at 10s for 5s``. They begin and end on the run's clock, and a run whose faults cannot be set
    or lifted ends early.

    ``recorded`` (see `benchlab.Recording`) is what each arrival sends, in the recorded order:
    ``requests`` are then the endpoints that it numbers. The measured window begins with the first
    of them, and after the last one it starts over; the warm-up sends those that would come before
    the first, which are the last.

    Plans are equal if they mean the same: a ``duration_s`` that is given, or follows from the rest.

    Raises:
        InputError: a value that cannot be used.

    >>> plan = Plan(Request("GET", "http://127.0.0.1:8000/"), ClosedLoop(8), request_count=100)
    >>> plan.describe()
    'GET http://127.0.0.1:8000/ · closed loop of 8 connections · 100 requests'
    """

    requests: tuple[Request, ...]
    load: LoadShape
    duration_s: float | None = field(eq=False)
    request_count: int | None
    warmup_s: float
    timeout_s: float
    max_connections: int
    streams: int
    workers: int
    driver: str
    trace_ratio: float
    seed: int
    drain_s: float
    name: str
    tags: tuple[tuple[str, str], ...]
    slo: tuple[Objective, ...]
    abort_on: tuple[Objective, ...]
    transport: Transport
    scenario: Scenario | None
    faults: FaultSchedule
    recorded: Recorded | None
    length_s: float = field(init=False)
    """The length of the measured window in seconds."""

    def __init__(
        self,
        requests: Request | Iterable[Request] = (),
        load: LoadShape = _USUAL_LOAD,
        duration_s: float | None = None,
        request_count: int | None = None,
        warmup_s: float = 0.0,
        timeout_s: float = 10.0,
        max_connections: int = 1000,
        workers: int = 1,
        driver: str = USUAL_DRIVER,
        trace_ratio: float = 0.0,
        seed: int = 1,
        drain_s: float = 60.0,
        name: str = "",
        tags: Tags = (),
        slo: Objectives = (),
        abort_on: Objectives = (),
        transport: Transport = _USUAL_TRANSPORT,
        scenario: Scenario | None = None,
        faults: Faults = (),
        streams: int = 1,
        *,
        targets: Targets = (),
        recorded: Recorded | None = None,
    ) -> None:
        whole = _whole_requests(requests, scenario, targets)
        if not isinstance(transport, Transport):
            raise InputError("must be a benchlab.Transport", field="transport", value=transport)
        if not isinstance(load, LoadShape):
            raise InputError(
                "is not a load shape",
                field="load",
                value=load,
                remedy=f"use one of {_shape_names()}, such as ConstantRate(500)",
            )
        if duration_s is not None:
            check_seconds("duration_s", duration_s)
        if request_count is not None:
            check_whole("request_count", request_count, 1, _MAX_COUNT)
        check_text("name", name)
        check_seconds("warmup_s", warmup_s, zero=True)
        check_seconds("timeout_s", timeout_s)
        check_seconds("drain_s", drain_s, zero=True)
        check_whole("max_connections", max_connections, 1, 60_000)
        check_whole("workers", workers, 1, _MAX_WORKERS)
        check_whole("seed", seed, 0, 2**63 - 1)
        check_choice("driver", driver, DRIVERS)
        check_whole("streams", streams, 1, _MAX_STREAMS)
        if not (is_number(trace_ratio) and 0 <= trace_ratio <= 1):
            raise InputError("must lie between 0 and 1", field="trace_ratio", value=trace_ratio)
        if load.connection_limit(max_connections) < workers:
            raise InputError(
                f"cannot share {load.connection_limit(max_connections)} connections",
                field="workers",
                value=workers,
                remedy="each needs at least one; use fewer workers",
            )
        driver = choose_driver(driver, whole, scenario)
        if scenario is not None:
            scenario = attrs.evolve(scenario, client=driver)
        self.__attrs_init__(
            requests=whole,
            load=load,
            duration_s=duration_s,
            request_count=request_count,
            warmup_s=warmup_s,
            timeout_s=timeout_s,
            max_connections=max_connections,
            streams=streams,
            workers=workers,
            driver=driver,
            trace_ratio=trace_ratio,
            seed=seed,
            drain_s=drain_s,
            name=name or mix_name(whole),
            tags=tuple(sorted(text_pairs("tags", tags))),
            slo=parse_objectives(slo, "slo"),
            abort_on=parse_objectives(abort_on, "abort_on"),
            transport=transport,
            scenario=scenario,
            faults=faults if isinstance(faults, FaultSchedule) else FaultSchedule(faults),
            recorded=recorded,
        )
        if recorded is not None:
            _check_recorded(recorded, whole, scenario)
        check_driver(driver, whole, scenario, transport, streams=streams, timeout_s=timeout_s)
        check_faults(self.faults, self.origins, self.length_s)
        names_known = [request.name for request in whole]
        check_objectives(self.abort_on, "abort_on", names_known, self.length_s)
        if scenario is not None:  # its steps are not known yet
            names_known = [item.endpoint for item in self.slo if item.endpoint]
        check_objectives(self.slo, "slo", names_known, self.length_s)

    @length_s.default
    def _resolve_length_s(self) -> float:
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
        if self.request_count is None or not self.load.has_schedule:
            return limit_s
        end_ns = schedule_end_ns(self.load, seconds_to_ns(limit_s), self.seed, self.request_count)
        return limit_s if end_ns is None else end_ns / NS_PER_S

    def replace(self, **changes: Any) -> Plan:
        """A copy with other values for some of `Plan`'s parameters: ``plan.replace(seed=2)``.

        What follows from the rest and was not given, such as the name and the length, follows from
        the new values. A ``scenario`` replaces the requests.

        Raises:
            InputError: an unknown parameter, or a value that cannot be used.

        >>> plan = Plan(Request("GET", "http://127.0.0.1:8000/"))
        >>> plan.replace(requests=Request("GET", "http://127.0.0.1:8000/x")).name
        'GET /x'
        """
        known = [item.name for item in attrs.fields(Plan) if item.init]
        unknown = sorted(set(changes) - {*known, "targets"})
        if unknown:
            raise InputError(f"a plan has no {unknown[0]}: known are {', '.join(known)}")
        values = {name: getattr(self, name) for name in known}
        if self.name == mix_name(self.requests):
            values["name"] = ""
        if self.scenario is not None or changes.get("scenario") is not None:
            values["requests"] = ()
            values["driver"] = USUAL_DRIVER
        elif "requests" in changes and self.driver not in drivers_for("http"):
            values["driver"] = USUAL_DRIVER  # these requests' own may not send others
        if self.scenario is not None and "driver" in changes:
            values["scenario"] = attrs.evolve(self.scenario, client=USUAL_DRIVER)
        return Plan(**{**values, **changes})

    @property
    def warmup_ns(self) -> int:
        """End of the warm-up and start of the measured window, from the start of the run."""
        return seconds_to_ns(self.warmup_s)

    @property
    def end_ns(self) -> int:
        """End of the measured window, from the start of the run."""
        return self.warmup_ns + seconds_to_ns(self.length_s)

    @cached_property
    def origins(self) -> tuple[Origin, ...]:
        """The services of the plan, in the order of its requests."""
        return tuple(dict.fromkeys(request.origin for request in self.requests))

    def service_of(self, fault: Fault) -> Origin:
        """The service that ``fault`` is for: the one it names, or the first of the plan."""
        return fault.origin or self.origins[0]

    @property
    def endpoint_names(self) -> list[str]:
        """Names by a sample's ``endpoint``: the requests, or a scenario and its steps."""
        steps = () if self.scenario is None else self.scenario.steps
        return [*(request.name for request in self.requests), *steps]

    @property
    def scheduled_noun(self) -> str:
        """What the load makes and ``request_count`` counts: ``request``, or ``iteration``."""
        return "request" if self.scenario is None else "iteration"

    @property
    def sample_noun(self) -> str:
        """What each sample is: a ``request``, or a ``step`` of a scenario."""
        return "request" if self.scenario is None else "step"

    @property
    def has_streams(self) -> bool:
        """Whether the responses to some requests are read as streams."""
        return any(request.is_stream for request in self.requests)

    @property
    def shortest_limit_s(self) -> float:
        """The least time that some request may take: the plan's limit, or a call's deadline."""
        calls = (request for request in self.requests if isinstance(request, GrpcRequest))
        return min([self.timeout_s, *filter(None, (call.deadline_s for call in calls))])

    @property
    def stall_limits_s(self) -> tuple[float, ...]:
        """The gaps, in seconds, above which streams of its requests stall; each once."""
        return tuple(sorted({request.stall_s for request in self.requests if request.is_stream}))

    @property
    def connection_limit(self) -> int:
        """The most requests open at once, over all workers, each in a stream of its own."""
        streams = self.streams if self.load.has_schedule else 1
        return streams * self.load.connection_limit(self.max_connections)

    def describe(self) -> str:
        """The plan in one line for people, credentials hidden."""
        warmup = f" after {self.warmup_s:g} s of warm-up" if self.warmup_s else ""
        faults = f" · {self.faults.describe()}" if self.faults else ""
        load = f"{self._describe_load()} · {self._length()}{warmup}"
        return f"{self.describe_requests()} · {load}{faults}"

    def _describe_load(self) -> str:
        if self.streams == 1:
            return self.load.describe()
        if not isinstance(self.load, ClosedLoop):
            return f"{self.load.describe()}, {self.streams} streams per connection"
        connections = plural(self.most_connections, "connection")
        return f"{self.load.describe(self.user_noun)} on {connections}"

    def _length(self) -> str:
        length = f"{self.length_s:g} s"
        if self.request_count is None:
            return length
        planned = self.intended_count()
        if planned is not None:
            return f"{plural(planned, self.scheduled_noun)}, {length}"
        limit = "" if self.length_s >= COUNTED_LIMIT_S else f", at most {length}"
        return f"{plural(self.request_count, self.scheduled_noun)}{limit}"

    def describe_requests(self) -> str:
        """Short description of the requests, credentials hidden: of a mix only the number."""
        request = self.requests[0]
        if self.scenario is not None:
            return f"scenario {self.scenario.name} at {public_url(request.url)}"
        if len(self.requests) == 1 and self.recorded is None:
            return request.describe()
        services = f"{request.parts.scheme}://{request.parts.netloc}"
        if len(self.origins) > 1:
            services = plural(len(self.origins), "service")
        if self.recorded is not None:
            recorded = f"{plural(len(self.recorded), 'recorded request')}"
            return f"{recorded} to {plural(len(self.requests), 'endpoint')} at {services}"
        return f"mix of {plural(len(self.requests), 'request')} at {services}"

    def share(self, worker: int) -> int:
        """How many of `connection_limit` requests may be open in worker number ``worker``."""
        if self.load.has_schedule:
            return self.streams * self.connection_share(worker)
        whole, rest = divmod(self.connection_limit, self.workers)
        return whole + (worker < rest)

    def connection_share(self, worker: int) -> int:
        """How many connections worker number ``worker`` may need for its `share` of requests."""
        if not self.load.has_schedule:
            return -(-self.share(worker) // self.streams)
        whole, rest = divmod(self.load.connection_limit(self.max_connections), self.workers)
        return whole + (worker < rest)

    @property
    def most_connections(self) -> int:
        """The most connections open at once, over all workers."""
        return sum(map(self.connection_share, range(self.workers)))

    @property
    def user_noun(self) -> str:
        """What each request of a closed loop follows the last one of: a ``connection``, or a
        ``user`` that shares one."""
        return "connection" if self.streams == 1 else "user"

    def arrivals(self, worker: int = 0, workers: int = 1) -> Iterator[Arrivals]:
        """The schedule of an open loop, warm-up first; empty for a closed loop.

        Request ``seq`` belongs to worker ``seq % workers``: the union over all workers is exactly
        the plan's schedule. The measured window starts on a fresh schedule, so that its count
        does not depend on the length of the warm-up.
        """
        if not self.load.has_schedule:
            return
        warmup = self.load.steady().offsets(self.warmup_ns, self.seed + 1)
        phases = ((0, warmup), (self.warmup_ns, self._measured_offsets()))
        yield from numbered_arrivals(phases, worker, workers)

    def _measured_offsets(self) -> Iterator[NDArray[np.int64]]:
        length_ns = self.end_ns - self.warmup_ns
        return measured_offsets(self.load, length_ns, self.seed, self.request_count)

    def intended_count(self, until_ns: int | None = None) -> int | None:
        """Requests scheduled in the measured window, up to ``until_ns`` from the run's start.

        None for a closed loop, which has no schedule.
        """
        if not self.load.has_schedule:
            return None
        import numpy as np

        limit_ns = (self.end_ns if until_ns is None else until_ns) - self.warmup_ns
        return sum(int(np.count_nonzero(block < limit_ns)) for block in self._measured_offsets())

    def count_share(self, worker: int) -> int | None:
        """How many of ``request_count`` requests a closed loop's worker makes; None: no limit."""
        if self.request_count is None:
            return None
        whole, rest = divmod(self.request_count, self.workers)
        return whole + (worker < rest)

    @cached_property
    def request_of(self) -> Callable[[int], int]:
        """A function of a sequence number: the index in ``requests`` of what it sends.

        Shares follow the weights, in an order drawn by the seed; what was ``recorded`` is sent in
        that order. Prepared once, for hot loops to keep.
        """
        return lookup(self._order)

    @cached_property
    def turn_of(self) -> Callable[[int], int]:
        """A function of a sequence number: how often the request it sends was sent before it."""
        return turns(self._order)

    @cached_property
    def content_of(self) -> Callable[[int], Content]:
        """A function of a sequence number: what was ``recorded`` that it sends.

        Prepared once, for hot loops to keep.
        """
        assert self.recorded is not None
        content_at, first, count = self.recorded.contents(), self.warmup_count, len(self.recorded)
        return lambda seq: content_at((seq - first) % count)

    @cached_property
    def warmup_count(self) -> int:
        """The requests scheduled before the measured window; 0 for a closed loop."""
        warmup = self.load.steady().offsets(self.warmup_ns, self.seed + 1)
        return sum(map(len, warmup)) if self.load.has_schedule else 0

    @cached_property
    def _order(self) -> Sequence[int]:
        if self.recorded is not None:
            return rolled(self.recorded.order.tolist(), self.warmup_count)
        return request_order([request.weight for request in self.requests], self.seed)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict of all fields; ``length_s`` follows from the others."""
        data = {item.name: getattr(self, item.name) for item in attrs.fields(Plan)}
        data["transport"] = self.transport.to_dict()
        data["scenario"] = None if self.scenario is None else self.scenario.to_dict()
        data["requests"] = [request.to_dict() for request in self.requests]
        data["load"] = load_to_dict(self.load)
        data["tags"] = dict(self.tags)
        data["slo"] = [str(objective) for objective in self.slo]
        data["abort_on"] = [str(objective) for objective in self.abort_on]
        data["faults"] = self.faults.to_list()
        if self.recorded is None:
            del data["recorded"]
        else:
            data["recorded"] = self.recorded.to_dict()
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Plan:
        """The plan that `to_dict` wrote.

        Raises:
            DamagedError: a field is unknown, missing, of another type or cannot be used.
        """
        known = {item.name for item in attrs.fields(cls)} | {"targets"}
        unknown = sorted(set(data) - known)
        if unknown:
            raise DamagedError(f"the plan has unknown fields {unknown}: known are {sorted(known)}")
        convert(data, PlanData)
        values = dict(data)
        values.pop("length_s", None)
        needed = ["load"] if values.get("scenario") else ["load", "requests"]
        for name in needed:
            if name not in values:
                raise DamagedError("the plan lacks it", field=name)
        if values.get("scenario") is not None:
            with naming_field("scenario"):
                values["scenario"] = Scenario.from_dict(values["scenario"])
        scenario = values.get("scenario")
        usual = Request if scenario is None else type(scenario.anchor)
        requests = []
        for index, item in enumerate(values.get("requests", ())):
            with naming_field(f"requests[{index}]"):
                kind = GrpcRequest if "grpc" in item else usual
                requests.append(kind.from_dict(item))
        values["requests"] = requests
        with naming_field("load"):
            values["load"] = load_from_dict(values["load"])
        if "transport" in values:
            with naming_field("transport"):
                values["transport"] = Transport.from_dict(values["transport"])
        if "faults" in values:
            with naming_field("faults"):
                values["faults"] = FaultSchedule(values["faults"])
        if values.get("recorded") is not None:
            with naming_field("recorded"):
                values["recorded"] = Recorded.from_dict(values["recorded"])
        with naming_field(""):
            return cls(**values)

    def to_json(self) -> str:
        """The plan as JSON text."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """The plan that `to_json` wrote.

        Raises:
            DamagedError: the text is something else.
        """
        return cls.from_dict(decode(text, dict, where="the plan", exact=True))

    @classmethod
    def from_options(
        cls,
        url: str,
        *,
        method: str = "GET",
        headers: Headers = (),
        body: str | bytes = b"",
        proto: str = "",
        import_paths: Sequence[str] = (),
        protoset: str = "",
        stream: str | Mapping[str, Any] = "",
        rate_rps: float = 0.0,
        arrivals: str = "constant",
        shape: str = "",
        connections: int = 64,
        think_time: str = "",
        duration_s: float = 10.0,
        request_count: int = 0,
        warmup_s: float = 2.0,
        timeout_s: float = 10.0,
        max_connections: int = 1000,
        streams: int = 1,
        workers: int = 1,
        driver: str = USUAL_DRIVER,
        trace_ratio: float = 0.0,
        seed: int = 1,
        name: str = "",
        slo: Objectives = (),
        abort_on: Objectives = (),
        transport: Mapping[str, Any] = MappingProxyType({}),
        scenario: Scenario | None = None,
        recording: RecordedTraffic | None = None,
        speed: float = 1.0,
        bodies: str | bytes | Mapping[str, str | bytes] = "skip",
        tags: Tags = (),
        faults: Faults = (),
    ) -> Plan:
        """The plan of one request from plain values, such as a notebook's parameters.

        The load is an open loop at ``rate_rps``, or a closed one when that is 0. A ``shape`` lets
        the rate vary: ``stages 30s:500,1m:500``, ``steps …`` or ``spike …`` (see
        `benchlab.plan.shapes.varying_rate`); ``think_time`` is ``100ms`` or ``100ms,exponential``.
        With a ``duration_s`` of 0 a run is as long as its load; a ``request_count`` above 0 ends it
        after so many requests. A body that looks like JSON gets that content type unless
        ``headers`` has another. Of gRPC (``grpc://…``) it is the message and they are the metadata;
        ``proto``, ``import_paths`` and ``protoset`` are as in `GrpcRequest`. ``stream`` reads the
        response as a stream: a kind, or fields of `Stream`. ``transport`` has fields of
        `Transport`. A ``scenario`` is what is sent instead of the request.

        A ``recording`` (`benchlab.Recording`) is what is sent instead of the request and the load,
        ``speed`` times as fast; ``headers`` are added to each of its requests, and ``bodies`` is
        the rule for those whose body was not recorded. The run is as long as the recording with a
        ``duration_s`` of 0.

        Raises:
            InputError: any value that cannot be used.

        >>> Plan.from_options("http://127.0.0.1:8000/", connections=8, warmup_s=0).describe()
        'GET http://127.0.0.1:8000/ · closed loop of 8 connections · 10 s'
        """
        pairs = text_pairs("headers", headers)
        requests: tuple[Request, ...] = ()
        if scenario is None and is_call_url(url):
            described = GrpcRequest(
                url,
                body,
                pairs,
                proto=proto,
                import_paths=import_paths,
                protoset=protoset,
                stream=stream or None,
            )
            requests = (described,)
        elif scenario is None and recording is None:
            typed = with_content_type(pairs, body)
            requests = (Request(method, url, headers=typed, body=body, stream=stream or None),)
        load = load_from_options(rate_rps, arrivals, connections, shape, think_time)
        recorded = None
        if recording is not None:
            if shape:
                raise InputError(
                    "has times of its own", field="recording", remedy="leave shape out"
                )
            replay = recording.plan(url, speed, bodies, headers=pairs)
            requests, load, recorded = replay.requests, replay.load, replay.recorded
        return cls(
            requests=requests,
            load=load,
            duration_s=duration_s or None,
            request_count=request_count or None,
            warmup_s=warmup_s,
            timeout_s=timeout_s,
            max_connections=max_connections,
            streams=streams,
            workers=workers,
            driver=driver,
            trace_ratio=trace_ratio,
            seed=seed,
            name=name,
            slo=slo,
            abort_on=abort_on,
            transport=Transport.from_dict(transport),
            scenario=scenario,
            tags=tags,
            faults=faults,
            recorded=recorded,
        )


def _shape_names() -> str:
    return ", ".join(shape.__name__ for shape in SHAPES if not shape.is_imported)


def _check_recorded(
    recorded: Recorded, requests: Sequence[Request], scenario: Scenario | None
) -> None:
    """Refuse an order of other requests than those of the plan."""
    remedy = "make the plan with Recording.plan, and then replace what is to be different"
    if not isinstance(recorded, Recorded):
        raise InputError(
            f"must be what Recording.plan makes, not {type(recorded).__name__}",
            field="recorded",
            remedy=remedy,
        )
    if scenario is not None or any(isinstance(request, GrpcRequest) for request in requests):
        raise InputError("is of plain HTTP requests only", field="recorded", remedy=remedy)
    if (highest := int(recorded.order.max())) >= len(requests):
        raise InputError(
            f"has requests to {highest + 1:,} endpoints, and the plan has {len(requests):,}",
            field="recorded",
            remedy=remedy,
        )


def _whole_requests(
    requests: Request | Iterable[Request], scenario: Scenario | None, targets: Targets
) -> tuple[Request, ...]:
    """The requests with whole URLs; of a scenario, its anchor."""
    given = limited(requests) if isinstance(requests, Iterable) else (requests,)
    if scenario is not None:
        if not isinstance(scenario, Scenario):
            raise InputError(
                "is not a scenario",
                field="scenario",
                value=scenario,
                remedy="make one with benchlab.scenario(function, base_url)",
            )
        if given not in ((), (scenario.anchor,)):
            raise InputError(
                "the plan has requests too", field="scenario", remedy="give one of them"
            )
        return (scenario.anchor,)
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
    return limited(at_targets(given, targets))
