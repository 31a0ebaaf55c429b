"""Files that are not read: the message names their tool, and what to bring instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchlab.errors import InputError
from benchlab.exchange import import_file

HEADS = {
    "gatling": (b"\0\0\0\0\x063.13.1\0\0\0\0\x0ashop.Basic\0", "Gatling up to 3.11"),
    "gatling console": (
        b"====\n---- Global Information --------\n> request count  3 (OK=3 KO=0)\n",
        "simulation.log",
    ),
    "k6": (b"\n     http_req_duration..............: avg=5.74ms min=399us\n", "--summary-export"),
    "k6, old": (b"    http_req_duration....: avg=5ms\n", "--out json=FILE"),
    "k6, changed": (b'[{"type":"Metric","data":{"name":"http_reqs"}},\n', "k6 run --out json"),
    "oha": (b"Summary:\n  Success rate:\t100.00%\n  Total:\t5.9 secs\n", "--output-format json"),
    "SQLite": (b"SQLite format 3\0\x10\0", "--output-format csv"),
    "bombardier": (
        b"Statistics        Avg      Stdev        Max\n  Reqs/sec      2926.06    1913.61\n",
        "--format json",
    ),
    "autocannon": (b"Running 1s test @ http://h\nReq/Bytes counts sampled once per second.\n",
                   "autocannon with --json"),
    "ghz": (b"\nSummary:\n  Count:\t40\n  Total:\t401.73 ms\n", "ghz with -O json"),
    "ghz csv": (b"\nduration (ms),status,error\n1.06,OK,\n", "ghz with -O json"),
    "fortio": (b"Fortio 1.40.1 running at 8 queries per second, 2->2 procs\n", "-json FILE"),
    "Artillery": (b"x\nhttp.response_time:\n  min: ........ 0\n", "--output FILE"),
    "nighthawk": (b"Nighthawk - A layer 7 protocol benchmarking tool.\n", "--output-format json"),
    "siege": (b"Transactions:\t\t 20 hits\nAvailability:\t\t      100.00 %\n", "siege writes no"),
    "pytest-benchmark": (b'{"machine_info": {}, "benchmarks": []}', "pytest-benchmark compare"),
    "Locust, old": (b'"Type","Name","Timestamp","# requests"\n', "Locust 1.0 or later"),
    "OTLP": (b'{"resourceSpans":[{"resource":{}}]}\n', "benchlab ingest"),
    "zip": (b"PK\x03\x04\x14\0", "unpack it first"),
    "zstd": (b"\x28\xb5\x2f\xfd\0\0", "unpack it first"),
}  # fmt: skip


@pytest.mark.parametrize("name", HEADS)
def test_the_remedy_names_what_can_be_imported(tmp_path: Path, name: str) -> None:
    head, remedy = HEADS[name]
    path = tmp_path / "file"
    path.write_bytes(head)
    with pytest.raises(InputError) as caught:
        import_file(path)
    assert remedy in caught.value.remedy
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["vegeta_dead.bin", "vegeta_hist.txt"])
def test_other_forms_of_vegeta(data: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"vegeta's .*vegeta encode --to json"):
        import_file(data / name)


def test_the_log_of_siege(data: Path) -> None:
    with pytest.raises(InputError, match="siege, which has no percentiles"):
        import_file(data / "siege_log.txt")
