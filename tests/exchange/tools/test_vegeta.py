"""vegeta's files as its versions and its users' addresses vary them."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from benchlab.exchange import import_file
from benchlab.runs.run import Run
from tests.exchange.tools.files import imported, notes_of

ROW = "17673194450000000{n:02d},200,1000000,0,10,,{body},,{n},GET,http://shop.test/,{headers}"


@pytest.mark.parametrize("width", [9, 11, 12])
@pytest.mark.parametrize("body_bytes", [10, 150_000])
def test_rows_of_all_versions(tmp_path: Path, width: int, body_bytes: int) -> None:
    body = base64.b64encode(b"x" * body_bytes).decode()
    rows = [ROW.format(n=n, body=body, headers="SG9zdDogeA==") for n in range(3)]
    text = "".join(",".join(row.split(",")[:width]) + "\n" for row in rows)
    run = imported(tmp_path, text)
    assert run.samples.service_ns.tolist() == [1_000_000] * 3
    known = width > 9
    assert run.url == ("http://shop.test/" if known else "http://unknown.invalid/")
    assert ("addresses" in run.environment["imported"]["not_in_the_file"]) != known


HIT: dict[str, object] = {
    "attack": "", "seq": 0, "code": 200, "timestamp": "2026-01-02T03:04:05Z", "latency": 1000,
    "bytes_out": 0, "bytes_in": 10, "error": "", "body": None, "method": "GET",
}  # fmt: skip


def lines_of(*changes: dict[str, object]) -> str:
    return "".join(
        f"{json.dumps({**HIT, **fields}, separators=(',', ':'))}\n" for fields in changes
    )


def test_an_address_that_the_file_lacks_may_be_given(tmp_path: Path) -> None:
    path = tmp_path / "hits.json"
    path.write_text(lines_of({}))
    for url in (None, "http://shop.test/"):
        run = import_file(path, url=url)
        assert isinstance(run, Run)
        missing = run.environment["imported"]["not_in_the_file"]
        assert ("addresses" in missing) == (url is None)


def test_impossible_addresses_and_methods_are_kept(tmp_path: Path) -> None:
    odd: list[dict[str, object]] = [
        {"url": "http://shop.test/a b"},
        {"url": "http://[::1", "code": 0, "error": "missing ']' in host"},
        {"url": "http://shop.test/", "method": "BAD METHOD"},
    ]
    run = imported(tmp_path, lines_of(*odd) + "\n")
    assert (run.summary.count, run.samples.error_count) == (3, 1)
    assert "and so unknown: 2 requests" in notes_of(run)
    assert "BAD METHOD" in run.samples.endpoints
    assert "addresses" not in run.environment["imported"]["not_in_the_file"]
