"""What is done around each call: telemetry's interceptor is the library's, this one is for ours."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import grpc

from . import CALLS

Around = Callable[[str, Any], AbstractAsyncContextManager[None]]
"""Called with the path and the context of a call; the call is made within what it returns."""


class AroundInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[misc]  # untyped
    """Make the calls of the vector service within `around`."""

    def __init__(self, around: Around) -> None:
        self._around = around

    async def intercept_service(self, continuation: Any, details: Any) -> Any:
        handler = await continuation(details)
        if handler is None or not details.method.startswith(CALLS):
            return handler
        return _within(partial(self._around, details.method), handler)


def _within(around: Callable[[Any], AbstractAsyncContextManager[None]], handler: Any) -> Any:
    behavior: Any
    if handler.response_streaming:
        many = handler.stream_stream if handler.request_streaming else handler.unary_stream

        async def stream(request: Any, context: Any) -> AsyncIterator[Any]:
            async with around(context):
                async for response in many(request, context):
                    yield response

        behavior = stream
    else:
        one = handler.stream_unary if handler.request_streaming else handler.unary_unary

        async def unary(request: Any, context: Any) -> Any:
            async with around(context):
                return await one(request, context)

        behavior = unary
    make = _MAKERS[handler.request_streaming, handler.response_streaming]
    return make(behavior, handler.request_deserializer, handler.response_serializer)


_MAKERS = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}
