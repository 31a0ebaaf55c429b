"""The proxies of a run: what its requests see, through the drivers that load is made with."""

from __future__ import annotations

import asyncio
import math
import statistics
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvloop

from benchlab import ClosedLoop, Plan, Request, Transport, run
from benchlab.errors import FaultError
from benchlab.faults.proxy import ProxyInjector
from benchlab.faults.proxy.injector import effect_of
from benchlab.plan.faults import Fault
from benchlab.samples.samples import ErrorKind
from tests.faults.proxy.services import in_loop
from tests.load.servers import always, ok, serving


class Loop:
    """An event loop in a thread of its own, as the process of faults has one."""

    def __init__(self) -> None:
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@contextmanager
def prepared(plan: Plan) -> Iterator[tuple[Loop, ProxyInjector]]:
    loop, injector = Loop(), ProxyInjector(plan, tuple(plan.faults))
    try:
        loop.do(injector.prepare())
        yield loop, injector
        loop.do(injector.close())
    finally:
        loop.close()


def test_the_kind_of_error_that_requests_get() -> None:
    reset, blackhole = Fault("reset", at_s=1), Fault("blackhole", at_s=2)
    with serving(always(ok())) as url:
        plan = Plan(
            [Request("GET", url)],
            ClosedLoop(2),
            duration_s=600.0,
            timeout_s=60.0,
            faults=[reset, blackhole],
        )
        with prepared(plan) as (loop, injector):
            (place,) = injector.resolve
            assert place in url
            measured = plan.replace(
                faults=(),
                duration_s=None,
                request_count=4,
                transport=Transport(resolve=injector.resolve),
            )
            for fault, timeout_s, kind in (
                (reset, 60.0, ErrorKind.RESET),
                (blackhole, 0.3, ErrorKind.TIMEOUT),  # whatever the time, it passes
            ):
                loop.do(injector.set(fault, 3.0))
                loop.do(injector.renew(fault, 3.0))
                made = run(measured.replace(timeout_s=timeout_s))
                assert set(made.samples.column("error").tolist()) == {kind}
                loop.do(injector.lift(fault))
            assert run(measured).summary.error_count == 0


def test_each_service_that_a_fault_names_has_a_proxy_of_its_own() -> None:
    first, second, third = (f"http://service-{number}.test:80" for number in (1, 2, 3))
    plan = Plan(
        [Request("GET", url + "/") for url in (first, second, third)],
        ClosedLoop(1),
        transport=Transport(resolve={f"service-{number}.test": "127.0.0.1:1" for number in (1, 2)}),
        faults=["delay 40ms", f"jitter 1ms service={second}", f"reset service={second} at 1s"],
    )
    with prepared(plan) as (_, injector):
        resolve = injector.resolve
        assert set(resolve) == {"service-1.test:80", "service-2.test:80"}
        assert len(set(resolve.values())) == 2
        merged = Transport(resolve={**dict(plan.transport.resolve), **resolve})
        host, port = merged.address_of("service-1.test", 80)
        assert f"{host}:{port}" == resolve["service-1.test:80"]


def test_a_proxy_that_cannot_start_is_named() -> None:
    plan = Plan([Request("GET", "http://nowhere.invalid/")], ClosedLoop(1), faults=["blackhole"])

    async def case() -> None:
        injector = ProxyInjector(plan, tuple(plan.faults))
        with pytest.raises(FaultError, match=r"nowhere\.invalid"):
            await injector.prepare()
        await injector.close()

    in_loop(case)


def test_which_exchanges_are_hit_follows_from_the_seed_and_the_fault() -> None:
    def hits(text: str, seed: int = 1) -> list[bool]:
        effect = effect_of(Fault.parse(text), seed)
        return [effect.hits(connection, 1) for connection in range(2000)]

    first = hits("reset ratio=5%")
    assert 60 < sum(first) < 140
    assert hits("reset ratio=5%") == first
    for other in (
        hits("reset ratio=5%", 2),
        hits("reset ratio=5% seed=7"),
        hits("blackhole ratio=5%"),
    ):
        assert other != first
        assert 60 < sum(other) < 140
    assert hits("reset ratio=5% seed=7", 2) == hits("reset ratio=5% seed=7", 3)
    assert all(hits("reset"))


@pytest.mark.parametrize(
    ("amount", "least_ms", "median_ms", "mean_ms"),
    [
        ("20ms±5ms", 15, 20, 20),
        ("20ms exponential", 0, 20 * math.log(2), 20),
        ("20ms pareto", 20, 20 * 2 ** (1 / 1.5), None),  # its variance is infinite
    ],
)
def test_a_delay_that_varies_has_its_distribution_over_the_requests(
    amount: str, least_ms: float, median_ms: float, mean_ms: float | None
) -> None:
    effect = effect_of(Fault("delay", amount), 1)

    def wait_ms(connection: int, *, first: bool) -> float:
        return 1000 * effect.wait_s(
            1, to_client=True, first=first, connection=connection, exchange=1
        )

    waits = [wait_ms(connection, first=True) for connection in range(4000)]
    assert min(waits) >= least_ms
    assert statistics.median(waits) == pytest.approx(median_ms, rel=0.05)
    if mean_ms is not None:
        assert statistics.fmean(waits) == pytest.approx(mean_ms, rel=0.05)
    assert [wait_ms(connection, first=False) for connection in range(4000)] == waits


def test_retransmissions_double_their_wait_as_often_as_segments_are_lost() -> None:
    effect = effect_of(Fault.parse("retransmission ratio=20%"), 1)

    def wait_ms(connection: int) -> int:
        wait = effect.wait_s(1, to_client=True, first=True, connection=connection, exchange=1)
        return round(wait * 1000)

    waits = [wait_ms(connection) for connection in range(2000)]
    assert set(waits) == {200, 600, 1400, 3000}
    assert 300 < sum(wait > 200 for wait in waits) < 500
    assert wait_ms(3) == waits[3]
    assert effect.wait_s(1, to_client=True, first=False, connection=1, exchange=1) == 0
    assert effect.wait_s(1, to_client=False, first=True, connection=1, exchange=1) == 0
