"""Files of known tools that cannot be imported, and what to bring instead."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["FOREIGN", "Foreign", "described"]


class Foreign(NamedTuple):
    """A file that is not read: a pattern of its first bytes, what it is, and the remedy."""

    pattern: bytes
    what: str
    remedy: str


FOREIGN = (
    Foreign(
        rb"\A.{0,24}Result.{0,32}Attack",
        "vegeta's binary results",
        "convert them with vegeta encode --to json",
    ),
    Foreign(
        rb"\A\s*Bucket\s+#\s+%\s+Histogram",
        "vegeta's histogram",
        "import vegeta encode --to json for requests, or vegeta report -type=json for percentiles",
    ),
    Foreign(
        rb"\A\x00\x00\x00\x00.\d+\.\d+\.\d+",
        "Gatling's simulation.log in the binary form of 3.12 and later",
        "Gatling up to 3.11 writes it as text, which benchlab reads",
    ),
    Foreign(
        rb"---- Global Information -----",
        "Gatling's summary on the console",
        "import simulation.log of Gatling up to 3.11 instead",
    ),
    Foreign(
        rb'"type"\s*:\s*"(Metric|Point)"',
        "a file of k6's results that was changed: k6 writes one JSON object per line",
        "import what k6 run --out json=FILE wrote, as it is",
    ),
    Foreign(
        rb"http_req_duration[ .]*:",
        "k6's summary on the console",
        "run k6 with --summary-export FILE for this summary, with --out json=FILE for requests",
    ),
    Foreign(
        rb"\A\s*Summary:\s+Success rate:",
        "oha's report as text",
        "run oha with --output-format json for this summary, with csv for requests",
    ),
    Foreign(
        rb'\A"?(?:Type|Method)"?,"?Name"?,"?(?:Timestamp|# requests)"?,',
        "a result of Locust before 1.0",
        "run Locust 1.0 or later with --csv",
    ),
    Foreign(
        rb"\ASQLite format 3\x00",
        "a SQLite database",
        "if oha wrote it, run oha with --output-format csv for requests",
    ),
    Foreign(
        rb"Statistics\s+Avg\s+Stdev\s+Max\s+Reqs/sec",
        "bombardier's report as text",
        "run bombardier with --print r --format json --latencies",
    ),
    Foreign(
        rb"Req/Bytes counts sampled once per second",
        "autocannon's report as text",
        "run autocannon with --json",
    ),
    Foreign(
        rb"\A\s*Summary:\s+(Name:[^\n]*\s+)?Count:\s+\d+\s+Total:"
        rb"|\A\s*duration \(ms\),status,error",
        "a report of ghz without the times of its calls",
        "run ghz with -O json",
    ),
    Foreign(
        rb"\nAggregated Function Time : count|\bFortio [\d.]+ running at ",
        "fortio's report as text",
        "run fortio load with -json FILE",
    ),
    Foreign(
        rb"\nhttp\.response_time[.\dx]*:\s*\n\s*min:",
        "Artillery's report as text",
        "run artillery with --output FILE",
    ),
    Foreign(
        rb"Nighthawk - A layer 7 protocol benchmarking tool",
        "nighthawk's report as text",
        "run nighthawk_client with --output-format json",
    ),
    Foreign(
        rb"\A\s*Date & Time,\s+Trans,|\A\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,(\s+[\d.]+,){8}\s+\d+\s"
        rb'|\bAvailability:\s+[\d.]+ %|"availability":\s',
        "a result of siege, which has no percentiles, and times rounded to 10 ms",
        "siege writes no form that could be imported",
    ),
    Foreign(
        rb'"machine_info"\s*:.*"benchmarks"\s*:',
        "pytest-benchmark's result, which times functions and not requests",
        "compare it with pytest-benchmark compare",
    ),
    Foreign(
        rb'"resource(Spans|Metrics|Logs)"\s*:',
        "telemetry (OTLP)",
        "ingest it with benchlab ingest",
    ),
)
"""In the order of detection."""


def described(head: bytes) -> Foreign | None:
    """Which of these files begins with ``head``; None if it is none of them."""
    for foreign in FOREIGN:
        if re.search(foreign.pattern, head, re.DOTALL):
            return foreign
    return None
