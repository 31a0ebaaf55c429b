from __future__ import annotations

from typing import Any

import pytest

from benchlab.store import Store
from benchlab.store.spans.lost_spans import lost_spans
from benchlab.units import NS_PER_S

T0_S = 1_800_000_000
RUN = (T0_S * NS_PER_S + NS_PER_S // 2, (T0_S + 20) * NS_PER_S + NS_PER_S // 2)
PROCESSED, EXPORTED = "otel.sdk.processor.span.processed", "otel.sdk.exporter.span.exported"
FULL, FAILED = {"error.type": "queue_full"}, {"error.type": "RpcError"}
DELTA, CUMULATIVE = 1, 2


def point(
    metric: str,
    value: float,
    start_s: int,
    end_s: int,
    attributes: dict[str, str],
    temporality: int = DELTA,
    service: str = "shop",
    process: str = "1",
) -> dict[str, Any]:
    """A point; the times count from the second in which the run began."""
    return {
        "MetricName": metric,
        "Value": value,
        "StartTimeUnix": T0_S + start_s,
        "TimeUnix": T0_S + end_s,
        "Attributes": {"otel.component.name": "batching_span_processor/0", **attributes},
        "AggregationTemporality": temporality,
        "ServiceName": service,
        "ResourceAttributes": {"service.instance.id": process},
    }


def cumulative(value: float, end_s: int, start_s: int = -100) -> dict[str, Any]:
    return point(PROCESSED, value, start_s, end_s, FULL, CUMULATIVE)


@pytest.mark.parametrize(
    ("points", "lost"),
    [
        pytest.param([], (None, None), id="nothing reported"),
        pytest.param([point(PROCESSED, 9, 0, 5, {})], (0, None), id="none dropped"),
        pytest.param(
            [
                point(PROCESSED, 1, -10, -5, FULL),
                point(PROCESSED, 20, -5, 3, FULL),
                point(PROCESSED, 300, 3, 18, FULL),
                point(PROCESSED, 4000, 18, 23, FULL),
                point(PROCESSED, 50_000, 23, 28, FULL),
                point(PROCESSED, 600_000, 3, 18, {}),
                point(PROCESSED, 7_000_000, 3, 18, {"error.type": "already_shutdown"}),
            ],
            (4320, None),
            id="the stretches that touch the run",
        ),
        pytest.param(
            [
                cumulative(value, at)
                for at, value in ((-60, 3), (-5, 5), (10, 9), (30, 25), (40, 99))
            ],
            (20, None),
            id="up to the first point after the run",
        ),
        pytest.param([cumulative(5, -5), cumulative(9, 15)], (4, None), id="up to the last point"),
        pytest.param([cumulative(5, -50), cumulative(5, -5)], (0, None), id="nothing since"),
        pytest.param(
            [cumulative(5, -5), cumulative(9, 8), cumulative(2, 15, start_s=10)],
            (6, None),
            id="a process that starts to count anew",
        ),
        pytest.param([cumulative(9, 50, start_s=30)], (None, None), id="another that came later"),
        pytest.param(
            [
                point(PROCESSED, 5, 0, 5, FULL),
                point(PROCESSED, 7, 0, 5, {**FULL, "otel.component.name": "other"}),
                point(PROCESSED, 100, 0, 5, FULL, process="2"),
            ],
            (107, None),
            id="the worse of two exporters, in each of two processes",
        ),
        pytest.param(
            [
                point(EXPORTED, 100, 0, 5, {}),
                point(EXPORTED, 5, 0, 5, FAILED),
                point(EXPORTED, 6, 0, 5, {"error.type": "Timeout"}),
            ],
            (None, 11),
            id="exports that failed",
        ),
        pytest.param(
            [point(PROCESSED, 5, 0, 5, FULL, service="another")], (None, None), id="another service"
        ),
    ],
)
def test_losses_that_services_report(
    store: Store, points: list[dict[str, Any]], lost: tuple[int | None, int | None]
) -> None:
    with store.connect() as client:
        if points:
            client.insert(
                "otel_metrics_sum",
                [list(row.values()) for row in points],
                column_names=list(points[0]),
            )
        assert lost_spans(client, *RUN, ["shop", "till"]) == lost


def test_without_services_all_are_counted(store: Store) -> None:
    row = point(PROCESSED, 5, 0, 5, FULL, service="another")
    with store.connect() as client:
        client.insert("otel_metrics_sum", [list(row.values())], column_names=list(row))
        assert lost_spans(client, *RUN, []) == (5, None)
