"""The faults that are on, and their leases."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.trace import Tracer

from .background import Background, Pauses
from .effects import CpuEffect, Effect, Request, effect_of
from .kinds import AnyFault, RequestFault
from .turns import Turns
from .waiting import let_the_loop_turn, sleep_s

MAX_FAULTS = 100


class TooManyFaultsError(Exception):
    """As many faults are on as there may be."""


@dataclass
class _On:
    """A fault that is on until `expires_s` of the monotonic clock."""

    fault: AnyFault
    doing: Effect[Any] | Background
    expires_s: float
    expiry: asyncio.Task[None] | None = field(default=None)


class Faults:
    """The faults of one application. Everything happens in its event loop."""

    def __init__(self, tracer: Tracer) -> None:
        self.requests_served = 0
        self.pauses = Pauses()
        self.turns = Turns()
        self.effects: tuple[Effect[Any], ...] = ()
        """Those that are on, in the order in which they act."""
        self._tracer = tracer
        self._on: dict[str, _On] = {}

    async def hit(
        self, request: Request, effects: Iterable[Effect[Any]], end_turn: Callable[[], None]
    ) -> bool:
        """Do to `request` what `effects` do; whether it is done with.

        `end_turn` is called as soon as it computes no more.
        """
        # All are drawn before the first is awaited, so in the order in which requests arrive.
        actions = [
            (effect, action)
            for effect in effects
            if request.path.startswith(effect.fault.route)
            and (action := effect.arrive(request)) is not None
        ]
        await request.go_on()
        for effect, act in actions:
            if not isinstance(effect, CpuEffect):
                end_turn()
            if await act(request):
                return True
        end_turn()
        return False

    def set(self, name: str, fault: AnyFault) -> bool:
        """Set `fault` as `name`, in place of another of that name; whether it only was renewed.

        Renewing leaves what the fault has drawn and done as it is. Another lease makes no
        difference, any other setting does.

        Raises `TooManyFaultsError`.
        """
        expires_s = time.monotonic() + fault.lease_s
        if self.is_on(name, fault):
            self._on[name].expires_s = expires_s
            return True
        if name in self._on:
            self.lift(name)
        elif len(self._on) >= MAX_FAULTS:
            raise TooManyFaultsError
        doing: Effect[Any] | Background
        if isinstance(fault, RequestFault):
            doing = effect_of(fault, self._tracer)
        else:
            doing = Background(fault, self.pauses)
            doing.start()
        on = self._on[name] = _On(fault, doing, expires_s)
        on.expiry = asyncio.create_task(self._expire(name, on))
        self._choose_effects()
        return False

    def is_on(self, name: str, fault: AnyFault) -> bool:
        """Whether `fault`, of whatever lease, is on as `name`."""
        on = self._on.get(name)
        return on is not None and on.fault.model_copy(update={"lease_s": fault.lease_s}) == fault

    def lift(self, name: str) -> bool:
        """Lift the fault `name`; whether it was on."""
        on = self._on.pop(name, None)
        if on is None:
            return False
        on.doing.lift()
        if on.expiry is not None:
            on.expiry.cancel()
        self._choose_effects()
        return True

    def lift_all(self) -> list[str]:
        """Lift all faults; their names."""
        names = list(self._on)
        for name in names:
            self.lift(name)
        return names

    def describe(self, name: str) -> dict[str, Any]:
        """The fault `name`, which is on, as the control API shows it."""
        on = self._on[name]
        return {
            "id": name,
            **on.fault.model_dump(exclude_none=True),
            "expires_in_s": max(0.0, round(on.expires_s - time.monotonic(), 3)),
            "hits": on.doing.hits,
            **on.doing.state(),
        }

    def describe_all(self) -> dict[str, Any]:
        """All that `GET /faults` shows."""
        return {
            "enabled": True,
            "requests_served": self.requests_served,
            "faults": [self.describe(name) for name in self._on],
        }

    async def _expire(self, name: str, on: _On) -> None:
        while (left_s := on.expires_s - time.monotonic()) > 0:
            await sleep_s(left_s)
            # Where requests keep the loop busy, a renewal that came in time is still to be read.
            await let_the_loop_turn()
        on.expiry = None
        self.lift(name)

    def _choose_effects(self) -> None:
        effects = [on.doing for on in self._on.values() if isinstance(on.doing, Effect)]
        self.effects = tuple(sorted(effects, key=lambda effect: effect.order))
        self.turns.are_needed = any(isinstance(effect, CpuEffect) for effect in effects)
