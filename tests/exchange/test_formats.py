"""Every file of another tool is recognised by its content, and by one format only."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchlab.exchange.formats import SOURCES, detect
from benchlab.text_files import open_bytes

FILES = {
    "ab.csv": "ab-csv",
    "ab.tsv": "ab-tsv",
    "ab.txt": "ab",
    "artillery.json": "artillery-json",
    "autocannon.json": "autocannon-json",
    "bombardier.json": "bombardier-json",
    "fortio.json": "fortio-json",
    "gatling.txt": "gatling",
    "ghz.json": "ghz-json",
    "hdrhistogram.csv": "hgrm",
    "hdrhistogram.hgrm": "hgrm",
    "hdrhistogram.hlog": "hlog",
    "hey.csv": "hey-csv",
    "hey.txt": "hey",
    "jmeter.csv.jtl": "jtl-csv",
    "jmeter.xml.jtl": "jtl-xml",
    "k6.csv": "k6-csv",
    "k6.json.gz": "k6-json",
    "k6.json.summary.json": "k6-summary",
    "k6_handle_summary.json": "k6-summary",
    "k6_machine_summary.json": "k6-summary",
    "locust.summary.csv": "locust-stats",
    "locust_stats_history.csv": "locust-history",
    "oha.csv": "oha-csv",
    "oha.json": "oha-json",
    "oha_dead.json": "oha-json",
    "simulation.txt": "gatling",
    "vegeta.csv": "vegeta-csv",
    "vegeta.json": "vegeta-json",
    "vegeta_hdrplot.txt": "hgrm",
    "vegeta_report.json": "vegeta-report-json",
    "vegeta_report.txt": "vegeta-report",
    "wrk.txt": "wrk",
    "wrk2.hgrm": "hgrm",
    "wrk2.txt": "hgrm",
    "wrk_latency.txt": "wrk",
}


@pytest.mark.parametrize(("name", "form"), FILES.items())
def test_a_file_is_of_one_format(data: Path, name: str, form: str) -> None:
    with open_bytes(data / name) as file:
        head = file.read()
    found = [each for each, source in SOURCES.items() if source.matches(head)]
    # wrk2's output is wrk's as well, with the table that decides; the order of formats says so.
    assert found == ([form, "wrk"] if name == "wrk2.txt" else [form])
    assert detect(data / name) == form


def test_each_format_has_one_reader() -> None:
    own = {"parquet", "arrow", "csv"}
    for name, source in SOURCES.items():
        readers = [source.run, source.summary, source.histogram]
        assert sum(reader is not None for reader in readers) == (name not in own)
