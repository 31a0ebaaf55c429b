"""The methods of the service `benchlab.Vectors`."""

import asyncio
import itertools
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
from opentelemetry.trace import Tracer

from ..arithmetic import MAX_LENGTH, Operation, OutOfRangeError, compute
from ..lookup import MAX_LOOKUP_MS, look_up, usual_lookup_ms
from . import SERVICE
from .vectors_pb2 import Pair, PartialSum, Result, Series, Vector

MAX_GAP_MS = 10_000.0


class InvalidArgumentError(ValueError):
    """A message that the service cannot use; the error says why."""


def vector_handlers(tracer: Tracer) -> Any:
    """Build the handlers of all methods; their spans are recorded with `tracer`.

    They need `refuse_invalid` around them.

    Raises `ValueError` if the environment has a lookup that cannot be waited for.
    """
    vectors = Vectors(tracer)
    from_pair, from_result = Pair.FromString, Result.SerializeToString
    return grpc.method_handlers_generic_handler(
        SERVICE,
        {
            "Add": grpc.unary_unary_rpc_method_handler(vectors.add, from_pair, from_result),
            "Sub": grpc.unary_unary_rpc_method_handler(vectors.sub, from_pair, from_result),
            "PartialSums": grpc.unary_stream_rpc_method_handler(
                vectors.partial_sums, Series.FromString, PartialSum.SerializeToString
            ),
            "Total": grpc.stream_unary_rpc_method_handler(
                vectors.total, Vector.FromString, from_result
            ),
            "AddEach": grpc.stream_stream_rpc_method_handler(
                vectors.add_each, from_pair, from_result
            ),
        },
    )


@asynccontextmanager
async def refuse_invalid(_path: str, context: Any) -> AsyncIterator[None]:
    """End a call that is invalid with INVALID_ARGUMENT."""
    try:
        yield
    except (InvalidArgumentError, OutOfRangeError) as exc:
        await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(exc))


class Vectors:
    """The methods; what they raise is for `refuse_invalid`."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._usual_lookup_ms = usual_lookup_ms()

    async def add(self, pair: Pair, _context: Any) -> Result:
        return await self._computed("add", pair)

    async def sub(self, pair: Pair, _context: Any) -> Result:
        return await self._computed("sub", pair)

    async def partial_sums(self, series: Series, _context: Any) -> AsyncIterator[PartialSum]:
        _check_range("gap_ms", series.gap_ms, MAX_GAP_MS)
        _check_length("values", series.values)
        with self._tracer.start_as_current_span(
            "vector.partial_sums", attributes={"vector.length": len(series.values)}
        ):
            sums = list(itertools.accumulate(series.values))
        # What is not finite stays so in all later sums.
        if sums and not math.isfinite(sums[-1]):
            raise InvalidArgumentError("A sum is outside the range of a double")
        for count, value in enumerate(sums, start=1):
            if count > 1 and series.gap_ms:
                await asyncio.sleep(series.gap_ms / 1000)
            yield PartialSum(count=count, sum=value)

    async def total(self, vectors: AsyncIterator[Vector], _context: Any) -> Result:
        total: Sequence[float] | None = None
        async for vector in vectors:
            _check_length("values", vector.values)
            if total is None:  # from zeros, so that the first is checked like the others
                total = [0.0] * len(vector.values)
            _check_equally_long(total, vector.values)
            total = compute(self._tracer, "add", total, vector.values)
        return Result(result=total or ())

    async def add_each(self, pairs: AsyncIterator[Pair], _context: Any) -> AsyncIterator[Result]:
        async for pair in pairs:
            yield await self._computed("add", pair)

    async def _computed(self, operation: Operation, pair: Pair) -> Result:
        lookup_ms = pair.lookup_ms if pair.HasField("lookup_ms") else self._usual_lookup_ms
        miss_ratio = pair.miss_ratio if pair.HasField("miss_ratio") else 1.0
        _check_range("lookup_ms", lookup_ms, MAX_LOOKUP_MS)
        _check_range("miss_ratio", miss_ratio, 1)
        _check_length("a", pair.a)
        _check_equally_long(pair.a, pair.b)
        await look_up(self._tracer, lookup_ms, miss_ratio)
        return Result(result=compute(self._tracer, operation, pair.a, pair.b))


def _check_range(name: str, value: float, highest: float) -> None:
    if not 0 <= value <= highest:
        raise InvalidArgumentError(f"{name} must be 0 to {highest:,.0f}, not {value:g}")


def _check_length(name: str, values: Sequence[float]) -> None:
    if len(values) > MAX_LENGTH:
        raise InvalidArgumentError(f"{name} has length {len(values):,}, above {MAX_LENGTH:,}")


def _check_equally_long(a: Sequence[float], b: Sequence[float]) -> None:
    if len(a) != len(b):
        raise InvalidArgumentError(
            f"Vectors must be equally long, but one has length {len(a)} and the other {len(b)}"
        )
