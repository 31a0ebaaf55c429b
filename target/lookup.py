"""A lookup that requests wait for, if their URL asks for it: a slower variant of the service.

`?lookup_ms=2` makes every request of that URL wait 2 ms, as if for a database.
`?lookup_ms=20&miss_ratio=0.03` does so for three requests in a hundred, drawn at random: the others
find the value in a cache, at once. The wait holds up no other request. It is an INTERNAL span
`lookup`, whose attribute `cache.hit` says which it was.
"""

import asyncio
import random
from typing import Annotated

from fastapi import Query
from opentelemetry.trace import Tracer

MAX_LOOKUP_MS = 10_000.0

LookupMs = Annotated[float, Query(ge=0, le=MAX_LOOKUP_MS, allow_inf_nan=False)]
MissRatio = Annotated[float, Query(ge=0, le=1, allow_inf_nan=False)]


async def look_up(tracer: Tracer, lookup_ms: float, miss_ratio: float) -> None:
    """Wait for `lookup_ms` in a share of the requests; without a `lookup_ms` do nothing."""
    if not lookup_ms:
        return
    is_hit = random.random() >= miss_ratio
    with tracer.start_as_current_span("lookup", attributes={"cache.hit": is_hit}):
        if not is_hit:
            await asyncio.sleep(lookup_ms / 1000)
