"""Users of a scenario with grpcio's own channel, whose calls belong to steps."""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from typing import Any

import grpc
import grpc.aio

from benchlab.load.drivers.connection_numbers import connection_numbers
from benchlab.load.drivers.grpc.channel import channel_credentials, channel_target
from benchlab.load.drivers.headers import ServerNames, traceparent
from benchlab.load.drivers.scenario.context import Context, Step, current_step
from benchlab.load.drivers.scenario.users import Tries
from benchlab.load.recording.recording import Recording
from benchlab.plan.plan import Plan

__all__ = ["GrpcUserClient", "make_users"]

_clock = time.monotonic_ns
_PREFIX_BYTES = 5

Metadata = Iterable[tuple[str, str | bytes]]


class _GrpcUsers:
    """Makes the clients of a worker's users, each with a channel, and so a connection, of its own.

    ``opened`` counts the channels with a response: grpcio says nothing of its connections.
    """

    def __init__(self, plan: Plan, worker: int, run_id: str) -> None:
        assert plan.scenario is not None
        origin = plan.scenario.anchor.origin
        self._target, self._options = channel_target(plan.transport, origin)
        self._credentials: grpc.ChannelCredentials | None = None
        if origin.uses_tls:
            self._credentials = channel_credentials(plan.transport)
        self._numbers = connection_numbers(worker, plan.workers)
        self.run_id = run_id
        self.trace_ratio = plan.trace_ratio
        self.opened = 0
        self.local_failure_count = 0

    async def open(self) -> None:
        """Do nothing: a channel connects with its first call."""

    def make(self, context: Context, tries: Tries | None) -> GrpcUserClient:
        """The client of one user."""
        assert tries is None
        if self._credentials is None:
            channel = grpc.aio.insecure_channel(self._target, self._options)
        else:
            channel = grpc.aio.secure_channel(self._target, self._credentials, self._options)
        return GrpcUserClient(channel, context, self, next(self._numbers))

    def sweep(self, now_ns: int) -> None:
        """Do nothing: grpcio has timers of its own."""


def make_users(
    plan: Plan, worker: int, run_id: str, recording: Recording, servers: ServerNames
) -> _GrpcUsers:
    """The users of ``plan``, with grpcio."""
    del recording, servers  # grpcio shows neither connections nor who responds
    return _GrpcUsers(plan, worker, run_id)


class GrpcUserClient:
    """A user's gRPC calls: ``channel`` is for stubs, `unary` and `stream` do without.

    Calls have a trace context, and belong to the current step. Outside of steps, a call with one
    response is a step named by its method; a stream needs a step.
    """

    def __init__(
        self, channel: grpc.aio.Channel, context: Context, users: _GrpcUsers, number: int
    ) -> None:
        self._channel = channel
        self.context = context
        self.users = users
        self.number = number
        self._is_used = False
        self.channel = StepChannel(channel, self)

    async def unary(
        self,
        method: str,
        request: Any,
        *,
        response: Any = None,
        timeout: float | None = None,
        metadata: Metadata = (),
    ) -> Any:
        """Call ``pkg.Service/Method`` and return its one response.

        ``request`` is a message or bytes, or an iterable, or async iterable, of them for a client
        stream. ``response`` is the class of the response's message; without it, it is bytes. The
        call fails with DEADLINE_EXCEEDED after ``timeout`` seconds.

        Raises:
            grpc.aio.AioRpcError: it ended with another status than OK.
        """
        many = _is_many(request)
        make = self.channel.stream_unary if many else self.channel.unary_unary
        call = make(f"/{method}", _serialize, _deserializer(response))
        return await call(request, timeout=timeout, metadata=tuple(metadata))

    def stream(
        self,
        method: str,
        request: Any,
        *,
        response: Any = None,
        timeout: float | None = None,
        metadata: Metadata = (),
    ) -> AsyncIterator[Any]:
        """Call ``pkg.Service/Method`` and iterate over its responses; else like `unary`."""
        many = _is_many(request)
        make = self.channel.stream_stream if many else self.channel.unary_stream
        call = make(f"/{method}", _serialize, _deserializer(response))
        found: AsyncIterator[Any] = call(request, timeout=timeout, metadata=tuple(metadata))
        return aiter(found)

    def note(self, data: bytes) -> None:
        """Note a message that came."""
        if not self._is_used:
            self._is_used = True
            self.users.opened += 1
        step = current_step()
        if step is not None:
            step.first_byte = step.first_byte or _clock()
            step.add_response(_OK, len(data) + _PREFIX_BYTES, self.number)

    async def aclose(self) -> None:
        """Close the channel; calls in progress are cancelled."""
        await self._channel.close()


class StepChannel:
    """The part of `grpc.aio.Channel` that stubs use, for calls that belong to steps."""

    def __init__(self, channel: grpc.aio.Channel, client: GrpcUserClient) -> None:
        self._channel = channel
        self._client = client

    def unary_unary(self, method: str, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        """A call with one message each way; see `grpc.aio.Channel.unary_unary`."""
        return self._calls(self._channel.unary_unary, method, args, kwargs, many=False)

    def unary_stream(self, method: str, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        """A call with any number of responses; see `grpc.aio.Channel.unary_stream`."""
        return self._calls(self._channel.unary_stream, method, args, kwargs, many=True)

    def stream_unary(self, method: str, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        """A call with any number of requests; see `grpc.aio.Channel.stream_unary`."""
        return self._calls(self._channel.stream_unary, method, args, kwargs, many=False)

    def stream_stream(self, method: str, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        """A call with any number of messages each way; see `grpc.aio.Channel.stream_stream`."""
        return self._calls(self._channel.stream_stream, method, args, kwargs, many=True)

    def _calls(
        self,
        make: Callable[..., Any],
        method: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        *,
        many: bool,
    ) -> Callable[..., Any]:
        names = ("request_serializer", "response_deserializer")
        options = {**dict(zip(names, args, strict=False)), **kwargs}
        read = options.get("response_deserializer") or bytes
        client = self._client

        def deserialize(data: bytes) -> Any:
            client.note(data)
            return read(data)

        send = make(method, **{**options, "response_deserializer": deserialize})

        def call(*requests: Any, metadata: Any = None, **settings: Any) -> Any:
            def begin(step: Step) -> Any:
                return send(*requests, metadata=self._metadata(step, metadata), **settings)

            step = current_step()
            if step is not None:
                return begin(step)
            if many:
                raise RuntimeError(
                    f"{method} has a stream of responses, which needs a step to belong to:"
                    " async with ctx.step(…)"
                )
            return _await_alone(self._client.context.step(method.lstrip("/")), begin)

        return call

    def _metadata(self, step: Step, given: Any) -> tuple[tuple[str, str | bytes], ...]:
        metadata = tuple(given or ())
        users = self._client.users
        if users.trace_ratio > 0 and all(key.lower() != "traceparent" for key, _ in metadata):
            trace = traceparent(users.run_id, step.seq, users.trace_ratio)
            metadata += (("traceparent", trace),)
        return metadata


async def _await_alone(step: Step, begin: Callable[[Step], Any]) -> Any:
    """A call outside of steps, with one response."""
    async with step:
        return await begin(step)


class _NoHeaders:
    def multi_items(self) -> tuple[tuple[str, str], ...]:
        return ()


class _Ok:
    """The response of a call as a step sees it: gRPC's own errors are exceptions."""

    status_code = 200
    headers = _NoHeaders()
    content = b""
    is_closed = True
    num_bytes_downloaded = 0


_OK = _Ok()


def _is_many(request: Any) -> bool:
    if isinstance(request, bytes) or hasattr(request, "SerializeToString"):
        return False  # some messages are sequences too
    return isinstance(request, Iterable | AsyncIterable)


def _serialize(message: Any) -> bytes:
    return message if isinstance(message, bytes) else bytes(message.SerializeToString())


def _deserializer(response: Any) -> Any:
    return bytes if response is None else response.FromString
