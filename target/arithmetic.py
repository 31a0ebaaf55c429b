"""Element-wise addition and subtraction of two vectors, however they arrive."""

import math
import operator
from collections.abc import Sequence
from typing import Literal

from opentelemetry.trace import Tracer

MAX_LENGTH = 10_000
"""Maximum length of a vector. It limits how long a request blocks the event loop."""

Operation = Literal["add", "sub"]

_OPERATORS = {"add": operator.add, "sub": operator.sub}


class OutOfRangeError(ValueError):
    """A number of a result is outside the range of a double; the message says which."""


def compute(
    tracer: Tracer, operation: Operation, a: Sequence[float], b: Sequence[float]
) -> list[float]:
    """The operation of each pair of numbers; the vectors are equally long.

    `tracer` records the computation alone as an INTERNAL span below the request's SERVER
    span: the difference between the two is what the protocol and validation cost.

    Raises `OutOfRangeError`, if an operand is not finite as well.
    """
    with tracer.start_as_current_span(
        f"vector.{operation}",
        attributes={"vector.operation": operation, "vector.length": len(a)},
    ):
        result = list(map(_OPERATORS[operation], a, b))
    # Checked outside the span: an overflow is the client's fault, not a failed computation.
    for index, value in enumerate(result):
        if not math.isfinite(value):
            raise OutOfRangeError(
                f"The result at index {index} is outside the range of a double "
                f"({operation} of {a[index]!r} and {b[index]!r})"
            )
    return result
