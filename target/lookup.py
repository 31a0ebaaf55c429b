"""A lookup that requests wait for, if their URL asks for it: a slower variant of the service.

`?lookup_ms=2` makes every request of that URL wait 2 ms, as if for a database.
`?lookup_ms=20&miss_ratio=0.03` does so for three requests in a hundred, drawn at random: the others
find the value in a cache, at once. The wait holds up no other request. It is an INTERNAL span
`lookup`, whose attribute `cache.hit` says which it was.

`BENCHLAB_TARGET_LOOKUP_MS` is the time for URLs that do not name one: a slower version of the
service, at the same address.
"""

import asyncio
import os
import random
from typing import Annotated

from fastapi import Query
from opentelemetry.trace import Tracer

MAX_LOOKUP_MS = 10_000.0
LOOKUP_MS = "BENCHLAB_TARGET_LOOKUP_MS"

LookupMs = Annotated[float, Query(ge=0, le=MAX_LOOKUP_MS, allow_inf_nan=False)]
MissRatio = Annotated[float, Query(ge=0, le=1, allow_inf_nan=False)]


def usual_lookup_ms() -> float:
    """The time for URLs that do not name one, from the environment; 0 if that does not say.

    Raises `ValueError` if it is no time that can be waited.
    """
    text = os.environ.get(LOOKUP_MS) or "0"
    try:
        usual = float(text)
    except ValueError:
        usual = -1.0
    if not 0 <= usual <= MAX_LOOKUP_MS:
        raise ValueError(f"{LOOKUP_MS} must be 0 to {MAX_LOOKUP_MS:,.0f} ms, not {text!r}")
    return usual


async def look_up(tracer: Tracer, lookup_ms: float, miss_ratio: float) -> None:
    """Wait for `lookup_ms` in a share of the requests; without a `lookup_ms` do nothing."""
    if not lookup_ms:
        return
    is_hit = random.random() >= miss_ratio
    with tracer.start_as_current_span("lookup", attributes={"cache.hit": is_hit}):
        if not is_hit:
            await asyncio.sleep(lookup_ms / 1000)
