"""The formats that can be imported, and how each is recognised by the first bytes of a file."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchlab.errors import InputError
from benchlab.exchange.foreign import described
from benchlab.exchange.own.export import CSV_MARK
from benchlab.exchange.parsing import Place, chunks
from benchlab.exchange.tools import (
    ab,
    artillery,
    autocannon,
    bombardier,
    fortio,
    gatling,
    ghz,
    hey,
    hgrm,
    hlog,
    jmeter_report,
    jtl,
    k6,
    k6_summary,
    locust,
    nighthawk,
    oha,
    taurus,
    vegeta,
    vegeta_report,
    wrk,
)
from benchlab.exchange.tools.collect import Collector
from benchlab.runs.imported_summary import ImportedSummary
from benchlab.runs.run import Run
from benchlab.text_files import decode_text

__all__ = ["SOURCES", "Source", "detect"]

_SNIFFED_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Source:
    """An importable format: the command that writes it, a test of first bytes, and its reader.

    Requests are read by ``run``, percentiles by ``summary``, and by ``histogram`` where the unit
    is not in the file and may be given. benchlab's own formats have none of them.
    """

    written_by: str
    matches: Callable[[bytes], object]
    run: Callable[[Path, Collector], Run] | None = None
    summary: Callable[[Path, str | None], ImportedSummary] | None = None
    histogram: Callable[[Path, str | None, str | None], ImportedSummary] | None = None


def _starts(mark: bytes) -> Callable[[bytes], object]:
    return lambda head: head.startswith(mark)


def _has(pattern: bytes) -> Callable[[bytes], object]:
    return re.compile(pattern, re.DOTALL).search


def _all(*patterns: bytes) -> Callable[[bytes], object]:
    searches = [re.compile(pattern).search for pattern in patterns]
    return lambda head: all(search(head) for search in searches)


def _json(*keys: str) -> Callable[[bytes], object]:
    """Whether a JSON object has all the keys, at any depth."""
    named = (rb'"' + re.escape(key.encode()) + rb'"\s*:' for key in keys)
    return _all(rb"\A\s*\{", *named)


SOURCES: dict[str, Source] = {
    "parquet": Source("benchlab export --format parquet", _starts(b"PAR1")),
    "arrow": Source("benchlab export --format arrow", _starts(b"ARROW1")),
    "csv": Source("benchlab export --format csv", _starts(CSV_MARK.encode())),
    "k6-json": Source(
        "k6 run --out json=FILE",
        # Lines of k6's log may stand between, if both were written to the same place.
        _has(rb'\A(?:\s|time="[^\n]*\n)*\{(?=[^\n]*"metric":)[^\n]*"type":"(Metric|Point)"'),
        run=k6.read_k6_json,
    ),
    "k6-csv": Source(
        "k6 run --out csv=FILE",
        _starts(b"metric_name,timestamp,metric_value"),
        run=k6.read_k6_csv,
    ),
    "k6-summary": Source(
        "k6 run --summary-export FILE, or handleSummary",
        _has(rb'\A\s*\{.*"(root_group"\s*:\s*\{|http_reqs"\s*:\s*\{|k6_version"\s*:)'),
        summary=k6_summary.read_k6_summary,
    ),
    "vegeta-json": Source(
        "vegeta encode --to json",
        _has(rb'\A\s*\{"attack":[^\n]*"seq":[^\n]*"latency":'),
        run=vegeta.read_vegeta_json,
    ),
    "vegeta-csv": Source(
        "vegeta encode --to csv",
        _has(rb"\A\d{16,19},\d{1,3},\d+,\d+,\d+,"),
        run=vegeta.read_vegeta_csv,
    ),
    "vegeta-report-json": Source(
        "vegeta report -type=json",
        _json("latencies", "bytes_in", "status_codes"),
        summary=vegeta_report.read_vegeta_report_json,
    ),
    "vegeta-report": Source(
        "vegeta report",
        _has(rb"\A\s*Requests\s+\[total, rate"),
        summary=vegeta_report.read_vegeta_report_text,
    ),
    "oha-json": Source(
        "oha --output-format json",
        _has(rb'\A\s*\{\s*"summary":\s*\{\s*"successRate"'),
        summary=oha.read_oha_json,
    ),
    "oha-csv": Source(
        "oha --output-format csv", _starts(b"request-start,DNS,"), run=oha.read_oha_csv
    ),
    "hey-csv": Source("hey -o csv", _starts(b"response-time,DNS+dialup,"), run=hey.read_hey_csv),
    "hey": Source(
        "hey",
        _has(rb"\A\s*Summary:\s+Total:\s+[\d.]+ secs\s+Slowest:"),
        summary=hey.read_hey_text,
    ),
    "autocannon-json": Source(
        "autocannon --json",
        _json("latency", "requests", "2xx", "non2xx"),
        summary=autocannon.read_autocannon,
    ),
    "bombardier-json": Source(
        "bombardier --print r --format json",
        _json("spec", "numberOfConnections", "result", "bytesRead"),
        summary=bombardier.read_bombardier,
    ),
    "fortio-json": Source(
        "fortio load -json FILE",
        _json("RunType", "DurationHistogram"),
        summary=fortio.read_fortio,
    ),
    "ghz-json": Source("ghz -O json", _json("date", "count", "rps"), run=ghz.read_ghz),
    "nighthawk-json": Source(
        "nighthawk_client --output-format json",
        _json("results", "statistics", "name"),
        summary=nighthawk.read_nighthawk,
    ),
    "artillery-json": Source(
        "artillery run --output FILE",
        _has(rb'\A\s*\{.*"aggregate"\s*:\s*\{'),
        summary=artillery.read_artillery,
    ),
    "gatling": Source(
        "Gatling up to 3.11: simulation.log",
        _has(rb"\A(ASSERTION\t[^\n]*\n)*RUN\t"),
        run=gatling.read_gatling,
    ),
    "locust-history": Source(
        "locust --csv NAME: NAME_stats_history.csv",
        _has(rb'\A"?Timestamp"?,"?User Count"?,'),
        summary=locust.read_locust_history,
    ),
    "locust-stats": Source(
        "locust --csv NAME: NAME_stats.csv",
        _has(rb'\A"?Type"?,"?Name"?,"?Request Count"?,'),
        summary=locust.read_locust_stats,
    ),
    "jtl-csv": Source(
        "jmeter -l FILE, as CSV",
        # A header with any delimiter and order, or a row of JMeter's default columns.
        _has(
            rb"\A(?=[^\n]*\btimeStamp\b)(?=[^\n]*\belapsed\b)[^\n]*\bresponseCode\b"
            rb"|\A\d{13}(\W)\d+\1[^\n]*\1(?:true|false)\1"
        ),
        run=jtl.read_jtl_csv,
    ),
    "jtl-xml": Source("jmeter -l FILE, as XML", _has(rb"<testResults\b"), run=jtl.read_jtl_xml),
    "jmeter-aggregate": Source(
        "JMeter's aggregate report, as CSV",
        _has(rb"\A\W*(sampler_label,aggregate_report_count|Label,# Samples,Average,Median),"),
        summary=jmeter_report.read_aggregate_csv,
    ),
    "jmeter-statistics": Source(
        "jmeter -e -o DIRECTORY: statistics.json",
        _json("sampleCount", "pct1ResTime"),
        summary=jmeter_report.read_statistics_json,
    ),
    "taurus-csv": Source(
        "bzt: dump-csv of final-stats",
        _has(rb"\A[^\n]*\bavg_ct,avg_lt,avg_rt,"),
        summary=taurus.read_taurus,
    ),
    "ab": Source(
        "ab",
        _has(rb"\AThis is ApacheBench|(\A|\n)Complete requests:\s+\d+"),
        summary=ab.read_ab_text,
    ),
    "ab-csv": Source(
        "ab -e FILE", _starts(b"Percentage served,Time in ms"), summary=ab.read_ab_csv
    ),
    "ab-tsv": Source("ab -g FILE", _starts(b"starttime\tseconds\tctime\t"), run=ab.read_ab_tsv),
    "hlog": Source(
        "HdrHistogram's HistogramLogWriter (.hlog)",
        _has(rb"#\[Histogram log format version|(\A|\n)(Tag=[^\n,]*,)?[\d.]+,[\d.]+,[\d.]+,HIST"),
        histogram=hlog.read_hlog,
    ),
    "hgrm": Source(
        "wrk2 --latency, vegeta report -type=hdrplot, or HdrHistogram's .hgrm",
        _has(rb'(\A|\n)[ \t]*"?Value(\(\w+\))?"?[ \t,]+"?Percentile"?[ \t,]+"?TotalCount'),
        histogram=hgrm.read_hgrm,
    ),
    "wrk": Source(
        "wrk", _all(rb"Running \S+ test @ ", rb"\n +Thread Stats "), summary=wrk.read_wrk
    ),
}
"""Formats by name (as in ``--from``), in the order of detection."""


def detect(path: Path) -> str:
    """Return the name of the format of a file.

    Raises:
        InputError: no format matches. Where the file is one of a known tool all the same, the
            message names the tool, and what it can write instead.
    """
    data = b""
    for chunk in chunks(path, Place(path)):
        data += chunk
        if len(data) >= _SNIFFED_BYTES:
            break
    head = decode_text(data, "replace").encode()
    for name, source in SOURCES.items():
        if source.matches(head):
            return name
    if not head.strip():
        raise InputError(f"{path} is empty")
    if foreign := described(head):
        raise InputError(f"{path} is {foreign.what}", remedy=foreign.remedy)
    raise InputError(
        f"{path} is not a result file that benchlab knows",
        remedy="benchlab import --help lists those it reads; --from names one",
    )
