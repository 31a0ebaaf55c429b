"""A run of streams made of arithmetic, like those of a language model."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from benchlab.load.recording.stream_meter import StreamMeter
from benchlab.plan.request import Request
from benchlab.plan.stream import Stream
from benchlab.runs.run import Run
from benchlab.samples.samples import Samples
from benchlab.samples.streams import EVENT_DTYPE, STREAM_DTYPE, Events, Streams
from benchlab.units import NS_PER_S
from tests.runs.synthetic import URL, make_run

__all__ = ["EVENTS", "streaming_run"]

EVENTS = 20
STALLED = 7
"""Every so many streams, one stalls for 1.5 s."""


@cache
def streaming_run(rate_rps: float = 20.0) -> Run:
    """Streams of `EVENTS` events of 4 bytes, about 10 ms apart, the first after 50 ms or more."""
    request = Request("POST", URL, stream=Stream("events", stall_s=1, rows=True), name="chat")
    run = make_run(requests=[request], rate_rps=rate_rps)
    records = run.samples.records.copy()
    streams, events = [], []
    for record in records:
        meter = StreamMeter(NS_PER_S, keeps_events=True)
        seq = int(record["seq"])
        now = int(record["sent_ns"]) + 50_000_000 + seq * 7_919 % 101 * 400_000
        record["first_byte_ns"] = now - 5_000_000
        for number in range(EVENTS):
            meter.event(now, 4)
            now += 8_000_000 + (seq + number * 13) % 17 * 250_000
            if seq % STALLED == 0 and number == 10:
                now += 1_500_000_000
        record["done_ns"] = now
        streams.append(meter.finish(seq))
        events += meter.event_rows(seq)
    return replace(
        run,
        samples=Samples(records, run.samples.endpoints),
        streams=Streams(np.array(streams, dtype=STREAM_DTYPE)),
        events=Events(np.array(events, dtype=EVENT_DTYPE)),
    )
