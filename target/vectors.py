"""Element-wise addition and subtraction of two vectors: the routes and their limits.

Invalid input gets a 422 response with one entry per error in `detail` (`type`, `loc`, `msg`): a
field that is missing or not a list, an element that is not a finite number, a vector longer than
`arithmetic.MAX_LENGTH`, two vectors of unequal length, and a result outside the range of a double.
Numbers are IEEE 754 doubles, and strings are not numbers. Only a body that the JSON parser cannot
process (for example, nested too deeply) gets a 400 response.

A URL may ask for a lookup before the computation: see `lookup`.
"""

from typing import Annotated, Self

from fastapi import APIRouter
from fastapi.exceptions import RequestValidationError
from opentelemetry.trace import Tracer
from pydantic import BaseModel, FailFast, Field, model_validator
from pydantic_core import PydanticCustomError

from .arithmetic import MAX_LENGTH, Operation, OutOfRangeError, compute
from .lookup import LookupMs, MissRatio, look_up, usual_lookup_ms

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
# FailFast: ten thousand bad elements give one error, not ten thousand.
Vector = Annotated[list[Number], Field(max_length=MAX_LENGTH), FailFast()]


class VectorPair(BaseModel):
    """The two operands, equally long. Both may be empty."""

    a: Vector
    b: Vector

    @model_validator(mode="after")
    def _equally_long(self) -> Self:
        if len(self.a) != len(self.b):
            raise PydanticCustomError(
                "vector_length_mismatch",
                "Vectors must be equally long, but a has length {a_length} and b has length "
                "{b_length}",
                {"a_length": len(self.a), "b_length": len(self.b)},
            )
        return self


class VectorResult(BaseModel):
    """One number per pair of operands, in order."""

    result: list[float]


def vector_router(tracer: Tracer) -> APIRouter:
    """Build the routes `/api/vector/add` and `/api/vector/sub`.

    Raises `ValueError` if the environment has a lookup that cannot be waited for.
    """
    router = APIRouter(prefix="/api/vector", tags=["vector"])
    usual_ms = usual_lookup_ms()

    # `async def` also for the arithmetic: FastAPI would run a plain function in a thread pool,
    # which costs far more and would blur what is measured.
    @router.post("/add")
    async def add(
        pair: VectorPair, lookup_ms: LookupMs = usual_ms, miss_ratio: MissRatio = 1.0
    ) -> VectorResult:
        await look_up(tracer, lookup_ms, miss_ratio)
        return _computed(tracer, "add", pair)

    @router.post("/sub")
    async def sub(
        pair: VectorPair, lookup_ms: LookupMs = usual_ms, miss_ratio: MissRatio = 1.0
    ) -> VectorResult:
        await look_up(tracer, lookup_ms, miss_ratio)
        return _computed(tracer, "sub", pair)

    return router


def _computed(tracer: Tracer, operation: Operation, pair: VectorPair) -> VectorResult:
    try:
        return VectorResult(result=compute(tracer, operation, pair.a, pair.b))
    except OutOfRangeError as exc:
        # Of finite operands: JSON has no way to write an infinity.
        raise RequestValidationError(
            [{"type": "result_out_of_range", "loc": ("body",), "msg": str(exc)}]
        ) from None
