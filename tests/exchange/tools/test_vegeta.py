"""vegeta's files as its versions and its users' addresses vary them."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

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


def test_impossible_addresses_and_methods_are_kept(tmp_path: Path) -> None:
    hit: dict[str, object] = {
        "attack": "", "seq": 0, "code": 200, "timestamp": "2026-01-02T03:04:05Z", "latency": 1000,
        "bytes_out": 0, "bytes_in": 10, "error": "", "body": None, "method": "GET",
    }  # fmt: skip
    odd: list[dict[str, object]] = [
        {"url": "http://shop.test/a b"},
        {"url": "http://[::1", "code": 0, "error": "missing ']' in host"},
        {"url": "http://shop.test/", "method": "BAD METHOD"},
    ]
    lines = [json.dumps({**hit, **fields}, separators=(",", ":")) for fields in odd]
    run = imported(tmp_path, "\n".join(lines) + "\n\n")
    assert (run.summary.count, run.samples.error_count) == (3, 1)
    assert "and so unknown: 2 requests" in notes_of(run)
    assert "BAD METHOD" in run.samples.endpoints
