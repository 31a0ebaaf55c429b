"""The kinds of faults and their settings, as `PUT /faults/{id}` takes them.

Amounts are plain numbers, with their unit in the name. A setting that a kind lacks is refused, like
any other bad input, with 422 and the setting's name.
"""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from ..rpc import CALLS

API = "/api/"
"""What the paths of HTTP requests begin with that faults can hit."""

MIB = 1024 * 1024

MAX_MS = 3_600_000.0
MAX_BLOCKING_MS = 5_000.0
"""The limit of what holds up the control API as well."""

Ms = Annotated[float, Field(strict=True, gt=0, le=MAX_MS, allow_inf_nan=False)]
BlockingMs = Annotated[float, Field(strict=True, gt=0, le=MAX_BLOCKING_MS, allow_inf_nan=False)]
Ratio = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Bytes = Annotated[int, Field(strict=True, gt=0, le=1024 * MIB)]


class Fault(BaseModel):
    """What all faults have. `lease_s` is for how long it stays on unless it is renewed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    amount: ClassVar[str]
    """The name of the setting that is the kind's time, of kinds that have one."""

    lease_s: Annotated[float, Field(strict=True, gt=0, le=86_400, allow_inf_nan=False)] = 60.0

    @property
    def amount_ms(self) -> float:
        """The kind's time."""
        amount_ms: float = getattr(self, self.amount)
        return amount_ms


class RoutedFault(Fault):
    """A fault of the requests whose path begins with `route`; all, if that is empty."""

    route: str = ""

    @field_validator("route")
    @classmethod
    def _can_match(cls, route: str) -> str:
        if not any(route.startswith(paths) or paths.startswith(route) for paths in (API, CALLS)):
            raise PydanticCustomError(
                "route_without_requests",
                "Faults hit paths that begin with {api} or {calls} only, and none of these begins "
                "with {route}",
                {"api": API, "calls": CALLS, "route": route},
            )
        return route


class RequestFault(RoutedFault):
    """A fault of a share of the requests, drawn in the order in which they arrive.

    The same `seed` hits the same requests in order; without one they differ each time.
    """

    ratio: Ratio = 1.0
    seed: Annotated[int, Field(strict=True)] | None = None


class PeriodicFault(Fault):
    """A fault by the clock: at once, and again every `every_ms`; only once if that is None."""

    every_ms: Ms | None = None

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        if self.every_ms is not None and self.every_ms <= self.amount_ms:
            raise PydanticCustomError(
                "period_too_short",
                "every_ms must be longer than the {amount_ms} ms that each one takes",
                {"amount_ms": self.amount_ms},
            )
        return self


class TimedFault(RequestFault):
    """A fault that costs a request a time, which may be drawn for each.

    constant     the amount
    uniform      evenly from the amount ± `spread_ms`
    normal       with the amount as mean and the standard deviation `spread_ms`, never below 0
    exponential  with the amount as mean: many short times, few long ones
    pareto       the amount and more, with a heavy tail: P(time > x) = (amount / x) ** `shape`
    """

    distribution: Literal["constant", "uniform", "normal", "exponential", "pareto"] = "constant"
    spread_ms: Ms | None = None
    shape: Annotated[float, Field(strict=True, gt=0, le=10, allow_inf_nan=False)] = 1.5

    @model_validator(mode="after")
    def _spread_fits(self) -> Self:
        if (self.spread_ms is not None) != (self.distribution in ("uniform", "normal")):
            raise PydanticCustomError(
                "spread_without_use",
                "spread_ms belongs to the distributions uniform and normal, which need it",
            )
        if self.distribution == "uniform" and (self.spread_ms or 0) > self.amount_ms:
            raise PydanticCustomError(
                "spread_too_wide",
                "spread_ms may be {amount_ms} at most, so that no time is below 0",
                {"amount_ms": self.amount_ms},
            )
        return self


class Latency(TimedFault):
    """Requests wait for `latency_ms`."""

    amount = "latency_ms"
    kind: Literal["latency"]
    latency_ms: Ms


class Error(RequestFault):
    """Requests get the response `status` instead of the service's own.

    `retry_after_s` is its header Retry-After, which 429 always has: 1 s if it is not given.
    """

    kind: Literal["error"]
    status: Annotated[int, Field(strict=True, ge=400, le=599)] = 503
    retry_after_s: Annotated[int, Field(strict=True, ge=0, le=86_400)] | None = None


class Drop(RequestFault):
    """The connection of the request is closed without a response."""

    kind: Literal["drop"]


class SlowBody(TimedFault):
    """The response begins as usual, and its body takes `body_ms` more, in `pieces`."""

    amount = "body_ms"
    kind: Literal["slow_body"]
    body_ms: Ms
    pieces: Annotated[int, Field(strict=True, ge=2, le=100)] = 4


class Cpu(TimedFault):
    """Each request takes `cpu_ms` of processor time, and others wait meanwhile."""

    amount = "cpu_ms"
    kind: Literal["cpu"]
    cpu_ms: BlockingMs


class Block(PeriodicFault):
    """The event loop is blocked for `block_ms`: nothing is read, computed or written."""

    amount = "block_ms"
    kind: Literal["block"]
    block_ms: BlockingMs


class Pause(PeriodicFault, RoutedFault):
    """No request goes on for `pause_ms`, wherever it is, as when a garbage collector stops all."""

    amount = "pause_ms"
    kind: Literal["pause"]
    pause_ms: Ms


class Lock(TimedFault):
    """Requests hold a lock for `hold_ms`, one at a time, in order of arrival (span `lock.wait`)."""

    amount = "hold_ms"
    kind: Literal["lock"]
    hold_ms: Ms


class Dependency(TimedFault):
    """Requests wait for another service for `dependency_ms` (span `dependency`)."""

    amount = "dependency_ms"
    kind: Literal["dependency"]
    dependency_ms: Ms


class Leak(RequestFault):
    """Requests leave `leak_bytes` behind until `max_bytes` are held, which lifting releases.

    With `slowdown_ms_per_mib` each request also waits so long per MiB that is held, as where a list
    is searched that is never emptied.
    """

    kind: Literal["leak"]
    leak_bytes: Bytes
    max_bytes: Bytes = 256 * MIB
    slowdown_ms_per_mib: Annotated[float, Field(strict=True, ge=0, le=1000)] = 0.0


class CacheMiss(TimedFault):
    """A cache: `ratio` of the requests miss it and wait for `miss_ms` (attribute `cache.hit`)."""

    amount = "miss_ms"
    kind: Literal["cache_miss"]
    miss_ms: Ms


class Payload(RequestFault):
    """Requests take `ns_per_byte` of their body longer."""

    kind: Literal["payload"]
    ns_per_byte: Annotated[float, Field(strict=True, gt=0, le=1e6, allow_inf_nan=False)]


class SlowInstance(TimedFault):
    """Connections are dealt to the instances 0 to `of` - 1 (attribute `service.instance.id`).

    Requests of one of them, which the seed decides, wait for `slow_ms`.
    """

    amount = "slow_ms"
    kind: Literal["slow_instance"]
    slow_ms: Ms
    of: Annotated[int, Field(strict=True, ge=2, le=100)] = 4


AnyRequestFault = (
    Latency
    | Error
    | Drop
    | SlowBody
    | Cpu
    | Lock
    | Dependency
    | Leak
    | CacheMiss
    | Payload
    | SlowInstance
)
AnyPeriodicFault = Block | Pause
AnyFault = Annotated[AnyRequestFault | AnyPeriodicFault, Field(discriminator="kind")]
