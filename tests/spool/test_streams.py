"""Streams on disk: read as far as they got, in order, from all workers."""

from __future__ import annotations

from benchlab import ClosedLoop, Plan, Request, Stream, spool
from benchlab.load.recording.recording import Recording
from benchlab.load.recording.stream_meter import StreamMeter
from benchlab.samples.streams import Events, Streams

RUN_ID = "00112233445566aa"
URL = "http://127.0.0.1:1/"


def test_streams_of_a_run_that_broke_off() -> None:
    request = Request("GET", URL, stream=Stream(rows=True))
    plan = Plan([request], ClosedLoop(2), workers=2)
    with spool.create(RUN_ID, plan, {}) as directory:
        spool.write_start(directory, 1)
        for worker in (0, 1):
            recording = Recording(directory, plan, worker)
            recording.start(1_000)
            for seq in (worker, worker + 2):
                meter = StreamMeter(100, keeps_events=True)
                for now in (2_000 + seq, 3_000 + seq):
                    meter.event(now, 7)
                recording.add_stream(seq, meter)
            recording.close()
        for path in (spool.streams_path(directory, 1), spool.events_path(directory, 0)):
            with path.open("ab") as file:
                file.write(b"torn")
    run = spool.read_run(directory)
    assert run.streams.records["seq"].tolist() == [0, 1, 2, 3]
    assert run.streams.records["first_event_ns"].tolist() == [1_000, 1_001, 1_002, 1_003]
    assert run.streams.records["gap_max_ns"].tolist() == [1_000] * 4
    assert run.events.records["seq"].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert run.events.records["at_ns"].tolist()[:2] == [1_000, 2_000]
    assert run.events.records["bytes"].tolist() == [7] * 8
    assert run.plan == plan


def test_a_plan_without_streams_has_no_files_of_them() -> None:
    plan = Plan([Request("GET", URL)], ClosedLoop(2))
    with spool.create(RUN_ID, plan, {}) as directory:
        spool.write_start(directory, 1)
        Recording(directory, plan, 0).close()
    assert not spool.streams_path(directory, 0).exists()
    run = spool.read_run(directory)
    assert (run.streams, run.events) == (Streams(), Events())
