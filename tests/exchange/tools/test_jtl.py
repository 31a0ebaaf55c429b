"""JMeter's files as its settings, its users and its failures vary them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchlab.errors import InputError
from benchlab.store import Store
from tests.exchange.tools.files import JTL_HEADER, imported, jtl, jtl_row, notes_of

UNKNOWN = "http://unknown.invalid/"


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.test/a b",
        "http://shop.test:99999/x",
        "http://[::1/x",
        "http://",
        "http://" + "x" * 9_000,
    ],
)
def test_an_impossible_address_is_unknown_and_its_request_kept(tmp_path: Path, url: str) -> None:
    odd = jtl_row(
        1, label="odd", URL=url, success="false", responseCode="Non HTTP response code: x"
    )
    run = imported(tmp_path, jtl([jtl_row(0), odd, jtl_row(2)]))
    assert (run.summary.count, run.samples.error_count) == (3, 1)
    assert [request.url for request in run.plan.requests] == ["http://shop.test/", UNKNOWN]
    assert "and so unknown: 1 request" in notes_of(run)


def test_a_label_gets_the_first_address_that_it_can_have(tmp_path: Path) -> None:
    run = imported(tmp_path, jtl([jtl_row(0, URL="http://[::1/"), jtl_row(1), jtl_row(2)]))
    assert [request.url for request in run.plan.requests] == ["http://shop.test/"]


@pytest.mark.parametrize(
    "code", ["1006", "Non HTTP response code: java.net.X", "²²²", "", "2", "-1"]
)
def test_a_response_code_that_is_none_of_http_is_no_status(tmp_path: Path, code: str) -> None:
    row = jtl_row(1, responseCode=code, responseMessage="Abnormal closure", success="false")
    run = imported(tmp_path, jtl([jtl_row(0), row]))
    assert run.samples.column("status").tolist() == [200, 0]
    assert run.samples.error_count == 1


def test_labels_are_the_endpoints_in_sql_too(tmp_path: Path, closed_store: Store) -> None:
    rows = [
        jtl_row(n, label=f"page {n % 2}", URL=f"http://shop.test/p/{n}", success=str(n > 5).lower())
        for n in range(2_000)
    ]
    run = imported(tmp_path, jtl(rows))
    assert {name: part.count for name, part in run.by_endpoint().items()} == {
        "page 0": 1_000, "page 1": 1_000,
    }  # fmt: skip
    closed_store.save(run)
    found = closed_store.query_df("SELECT name, request_count, error_count FROM per_endpoint")
    assert sorted(found.itertuples(index=False, name=None)) == [
        ("page 0", 1_000, 3), ("page 1", 1_000, 3),
    ]  # fmt: skip


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_any_delimiter_is_read(tmp_path: Path, delimiter: str) -> None:
    run = imported(tmp_path, jtl([jtl_row(0), jtl_row(1)]).replace(",", delimiter))
    assert run.samples.service_ns.tolist() == [20_000_000] * 2
    assert list(run.samples.endpoints) == ["home"]


@pytest.mark.parametrize(
    ("text", "started_at"),
    [
        ("1700000000", "2023-11-14T22:13:20+00:00"),
        ("2023/11/14 22:13:20.250", "2023-11-14T22:13:20.250000+00:00"),
        ("2023-11-14T22:13:20.250+0100", "2023-11-14T21:13:20.250000+00:00"),
        ("2023-11-14 22:13:20Z", "2023-11-14T22:13:20+00:00"),
        ("2023.11.14 22:13:20.2", "2023-11-14T22:13:20.200000+00:00"),
    ],
)
def test_times_by_timestamp_format(tmp_path: Path, text: str, started_at: str) -> None:
    run = imported(tmp_path, jtl([jtl_row(0, timeStamp=text)]))
    assert run.started_at.isoformat() == started_at
    assert ("times have no zone" in notes_of(run)) == bool(re.fullmatch(r"2023.{6} [\d:.]+", text))
    assert ("whole seconds" in notes_of(run)) == text.isdigit()


@pytest.mark.parametrize("text", ["14/11/2023 22:13:20", "yesterday", "", "-1", "9" * 30])
def test_other_times_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"results:2: "):
        imported(tmp_path, jtl([jtl_row(0, timeStamp=text), jtl_row(1)]))


def test_columns_in_any_order_with_quotes_or_fewer_of_them(tmp_path: Path) -> None:
    header = '"success","label","timeStamp","elapsed","responseCode"'
    text = f'{header}\n"true","a, b","1700000000000","7","200"\n'
    run = imported(tmp_path, text)
    assert list(run.samples.endpoints) == ["a, b"]
    missing = run.environment["imported"]["not_in_the_file"]
    assert {"addresses", "first bytes", "bytes received", "new connections"} <= set(missing)


def test_a_file_without_a_header_has_the_default_columns(tmp_path: Path) -> None:
    run = imported(tmp_path, f"{jtl_row(0)}\n{jtl_row(1)}\n")
    assert run.summary.count == 2
    assert "no header" in notes_of(run)
    old = "\n".join(re.sub(r",http://[^,]*", "", jtl_row(n)) for n in range(2)) + "\n"
    assert imported(tmp_path, old).samples.column("first_byte_ns").tolist()[0] == 15_000_000


def test_rows_that_are_no_requests_are_passed_over(tmp_path: Path) -> None:
    sums = {"responseMessage": '"Number of samples in transaction : 2, number of failing"'}
    rows = [
        jtl_row(0),
        "",
        JTL_HEADER,
        jtl_row(1, **sums),
        jtl_row(2, elapsed=-5),
        jtl_row(3) + ",",
    ]
    run = imported(tmp_path, jtl(rows))
    assert run.summary.count == 2
    assert "sums of requests: 1 transaction" in notes_of(run)
    assert "end before they start: 1 request" in notes_of(run)
    with pytest.raises(InputError, match=r"1 transaction and no requests: .*Generate parent"):
        imported(tmp_path, jtl([jtl_row(1, **sums)]))


def test_a_first_byte_outside_of_its_request_is_unknown(tmp_path: Path) -> None:
    run = imported(tmp_path, jtl([jtl_row(0, Latency=21), jtl_row(1, Latency=-3), jtl_row(2)]))
    assert run.samples.column("first_byte_ns").tolist() == [0, 0, 2_015_000_000]


def test_labels_are_text_on_one_line(tmp_path: Path) -> None:
    run = imported(
        tmp_path, jtl([jtl_row(0, label='"buy,\nthen\0 ""pay"""'), jtl_row(1, label="x" * 5_000)])
    )
    first, second = run.samples.endpoints
    assert first == 'buy, then "pay"'
    assert len(second) == 1_000


def test_a_stray_quote_is_not_taken_for_the_end_of_the_file(tmp_path: Path) -> None:
    rows = [jtl_row(n, label='"home' if n == 3 else "home") for n in range(200)]
    with pytest.raises(InputError, match=r":5: the row has 3 columns"):
        imported(tmp_path, jtl(rows))
    run = imported(tmp_path, jtl([*rows[:3], jtl_row(3, responseMessage='"first,\nsecond')]))
    assert run.summary.count == 3
    assert "cut off in line 5" in notes_of(run)


def test_messages_quote_little_of_a_long_field(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        imported(tmp_path, jtl([jtl_row(0, elapsed="x" * 100_000), jtl_row(1)]))
    assert len(str(caught.value)) < 1_000
    with pytest.raises(InputError) as caught:
        imported(tmp_path, "timeStamp,elapsed,responseCode," + "x" * 100_000 + "\n")
    assert len(str(caught.value)) < 1_000


def test_xml_in_utf_16_that_says_utf_8(tmp_path: Path) -> None:
    sample = '<httpSample t="20" ts="1700000000000" s="true" lb="größe" rc="200"/>'
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<testResults>\n{sample}\n</testResults>\n'
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"):
        run = imported(tmp_path, text.encode(encoding))
        assert list(run.samples.endpoints) == ["größe"]


def test_a_document_type_in_xml_is_refused(tmp_path: Path) -> None:
    text = '<!DOCTYPE x [<!ENTITY a "aaaa">]>\n<testResults><sample t="1"/></testResults>'
    with pytest.raises(InputError, match="document type"):
        imported(tmp_path, text)
