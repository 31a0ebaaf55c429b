"""One connection through a proxy: two ends, each of which passes on what the other receives."""

from __future__ import annotations

import asyncio
import math
import socket
import struct
from collections import deque
from collections.abc import Collection
from contextlib import suppress
from enum import IntFlag
from typing import Protocol, cast

from benchlab.faults.proxy.effects import Effect, now_s

__all__ = ["Connection", "Owner"]

_MOST_HELD, _FEW_HELD = 256 * 1024, 64 * 1024  # bytes: an end stops reading, and reads again
_LEAST_TIMER_S = 0.001  # what the event loop's timers can do
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Owner(Protocol):
    """The proxy that a connection belongs to."""

    effects: tuple[Effect, ...]
    """The faults that are on; empty most of the time."""

    def connect(self, connection: Connection) -> None:
        """Begin to connect a connection with the service."""

    def closed(self, connection: Connection) -> None:
        """Forget a connection both of whose ends are closed."""


class _Pause(IntFlag):
    """Reasons why an end reads nothing."""

    OTHER_FULL = 1
    MUCH_HELD = 2


class _Held:
    """Bytes that wait, or the end of them (None); ``waits`` has the seconds by each effect."""

    __slots__ = ("arrived_s", "data", "due_s", "waits")

    def __init__(self, data: bytes | None, waits: dict[Effect, float], after_s: float) -> None:
        self.data = data
        self.waits = waits
        self.arrived_s = now_s()
        self.due_s = 0.0
        self.reckon(after_s)

    def reckon(self, after_s: float) -> float:
        """When it is due: bytes never overtake those that are due at ``after_s``."""
        self.due_s = max(after_s, self.arrived_s + sum(self.waits.values()))
        return self.due_s


class Connection:
    """A client's connection and the one to the service that belongs to it."""

    def __init__(self, owner: Owner, number: int) -> None:
        self.owner = owner
        self.number = number
        self.client: _End = _End(self, to_client=False)
        self.service: _End = _End(self, to_client=True)
        self.client.other, self.service.other = self.service, self.client
        self.is_dead = False
        """Bytes of it were lost in a blackhole: nothing of it can ever be passed on again."""
        self._exchange = 0
        self._begins = True
        self._responds = False

    @property
    def held_bytes(self) -> int:
        """How many bytes of it wait in the proxy, both ways."""
        return self.client.held_bytes + self.service.held_bytes

    def begin_exchange(self) -> None:
        """Let what the client sends next be a new exchange: a fault begins."""
        self._begins = True

    def is_held_by(self, effects: Collection[Effect]) -> bool:
        """Whether the connection, which is new, is accepted and no more."""
        return any(
            effect.kind == "accept_only" and effect.hits(self.number, 0) for effect in effects
        )

    def pass_under_faults(self, end: _End, data: bytes) -> None:
        """Pass on what ``end`` received, as the faults that are on let it."""
        if self.is_dead:
            return
        first = self._count(end)
        hitting = [
            effect for effect in self.owner.effects if effect.hits(self.number, self._exchange)
        ]
        kinds = {effect.kind for effect in hitting}
        if "reset" in kinds:
            self.reset()
            return
        if "blackhole" in kinds:
            self._die()
            return
        sizes = [effect.piece for effect in hitting if effect.piece]
        size = min(sizes, default=len(data))
        for start in range(0, len(data), size):
            piece = data[start : start + size]
            waits = {
                effect: effect.wait_s(
                    len(piece),
                    to_client=end.to_client,
                    first=first and start == 0,
                    connection=self.number,
                    exchange=self._exchange,
                )
                for effect in hitting
            }
            end.pass_later(piece, waits)

    def end_effect(self, effect: Effect) -> None:
        """Release what ``effect``, which is no longer on, holds back."""
        self.client.release(effect)
        self.service.release(effect)

    def reset(self) -> None:
        """Close both connections at once; the client gets a reset (RST), and so does the service.

        Bytes that wait are lost.
        """
        self.client.reset()
        self.service.reset()

    def close(self) -> None:
        """Close both connections once what has been written is sent; bytes that wait are lost."""
        self.client.close()
        self.service.close()

    def end_lost(self, end: _End, error: Exception | None) -> None:
        """Close the other end as ``end`` was closed, and let the proxy forget it all."""
        if end.other.is_open:
            if error is not None or self.is_dead:
                end.other.reset()
            else:
                end.other.close()
        if not (self.client.is_open or self.service.is_open):
            self.owner.closed(self)

    def _count(self, end: _End) -> bool:
        """Number the exchanges; whether these are the first bytes of a response."""
        if end.to_client:
            first = self._responds
            self._responds, self._begins = False, True
            return first
        if self._begins:
            self._exchange += 1
            self._begins, self._responds = False, True
        return False

    def _die(self) -> None:
        self.is_dead = True
        self.client.drop()
        self.service.drop()


class _End(asyncio.Protocol):
    """One end: what it receives, the other end sends. ``to_client``: it receives a service's."""

    other: _End

    def __init__(self, connection: Connection, *, to_client: bool) -> None:
        self.to_client = to_client
        self._connection = connection
        self._owner = connection.owner
        self.is_open = False
        self._transport: asyncio.Transport  # from when it is open
        self._pauses = _Pause(0)
        self._held: deque[_Held] = deque()
        self.held_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._passed_end = False  # no more is received, and the other end has sent that

    @property
    def is_paused(self) -> bool:
        """Whether it reads no more for now."""
        return bool(self._pauses)

    # --- what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start; the client's end has the service's connected."""
        self._transport = cast(asyncio.Transport, transport)
        self.is_open = True
        if not self.to_client:
            self._owner.connect(self._connection)
        elif not self.other.is_open:  # the client has left in the meantime
            self.reset()
        else:
            self.other.start_passing()

    def data_received(self, data: bytes) -> None:
        """Pass ``data`` on."""
        if self._owner.effects or self._held or self._connection.is_dead or not self.other.is_open:
            self._connection.pass_under_faults(self, data)
        else:
            self.other.write(data)

    def eof_received(self) -> bool:
        """Pass on that no more follows; the other direction stays open (half-closed)."""
        if self._connection.is_dead:
            return self.to_client  # a client that gives up is let go; a service is kept
        if self._held or not self.other.is_open:
            self._hold(_Held(None, {}, self._last_due_s()))
        else:
            self._pass_end()
        return True

    def pause_writing(self) -> None:
        """The transport has much to send: the other end reads no more."""
        self.other._pause(_Pause.OTHER_FULL)

    def resume_writing(self) -> None:
        """The transport has little left."""
        self.other._resume(_Pause.OTHER_FULL)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed, by either side."""
        self._end()
        self._connection.end_lost(self, exc)

    # --- what the connection and the other end call

    def write(self, data: bytes) -> None:
        """Send ``data``."""
        if self.is_open:
            self._transport.write(data)

    def write_end(self) -> None:
        """Send that no more follows; close, if no more is received either."""
        if not self.is_open:
            return
        if self._passed_end:
            self.close()
            self.other.close()
            return
        with suppress(OSError, RuntimeError):  # closed by its peer in this very moment
            self._transport.write_eof()

    def pass_later(self, data: bytes, waits: dict[Effect, float]) -> None:
        """Pass ``data`` on when ``waits`` are over, and after all that waits already."""
        if not self._held and not any(waits.values()) and self.other.is_open:
            self.other.write(data)
            return
        self.held_bytes += len(data)
        self._hold(_Held(data, waits, self._last_due_s()))
        if self.held_bytes > _MOST_HELD:
            self._pause(_Pause.MUCH_HELD)

    def start_passing(self) -> None:
        """Pass on what has come before the other end was connected."""
        if self._held:
            self._set_timer()

    def release(self, effect: Effect) -> None:
        """Let what waits no longer wait for ``effect``."""
        after_s = 0.0
        for held in self._held:
            held.waits.pop(effect, None)
            after_s = held.reckon(after_s)
        if self._held:
            self._set_timer()

    def drop(self) -> None:
        """Forget what waits."""
        self._held.clear()
        self.held_bytes = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._resume(_Pause.MUCH_HELD)

    def close(self) -> None:
        """Close it when all that was written is sent."""
        if self.is_open:
            self._end()
            self._transport.close()

    def reset(self) -> None:
        """Close it now, with a reset if it is TCP."""
        if not self.is_open:
            return
        self._end()
        raw = self._transport.get_extra_info("socket")
        with suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._transport.abort()

    # --- its own

    def _end(self) -> None:
        self.is_open = False
        self.drop()

    def _last_due_s(self) -> float:
        return self._held[-1].due_s if self._held else 0.0

    def _hold(self, held: _Held) -> None:
        self._held.append(held)
        if self._timer is None:
            self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self.other.is_open:  # who connects it calls `start_passing`
            return
        left_s = max(0.0, self._held[0].due_s - now_s())
        whole = math.ceil(left_s / _LEAST_TIMER_S) * _LEAST_TIMER_S
        self._timer = asyncio.get_running_loop().call_later(whole, self._pass_due)

    def _pass_due(self) -> None:
        self._timer = None
        now = now_s()
        held = self._held
        while held and held[0].due_s <= now:
            first = held.popleft()
            if first.data is None:
                self._pass_end()
                continue
            self.held_bytes -= len(first.data)
            self.other.write(first.data)
        if self.held_bytes < _FEW_HELD:
            self._resume(_Pause.MUCH_HELD)
        if held:
            self._set_timer()

    def _pass_end(self) -> None:
        self._passed_end = True
        self.other.write_end()

    def _pause(self, reason: _Pause) -> None:
        if not self._pauses and self.is_open:
            self._transport.pause_reading()
        self._pauses |= reason

    def _resume(self, reason: _Pause) -> None:
        if not self._pauses & reason:
            return
        self._pauses &= ~reason
        if not self._pauses and self.is_open:
            self._transport.resume_reading()
