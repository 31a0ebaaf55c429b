from __future__ import annotations

import pytest

from benchlab.errors import InputError
from benchlab.units import (
    format_bytes,
    format_column_ms,
    format_ms,
    format_ns,
    format_ratio,
    format_share,
    parse_duration_s,
    parse_share,
    parse_size_bytes,
    utc_from_ns,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("30s", 30),
        ("2m", 120),
        ("1h", 3600),
        ("1m30s", 90),
        ("1.5s", 1.5),
        (".5s", 0.5),
        ("250us", 0.00025),
        (" 10 S ", 10),
        ("7", 7),
        ("0s", 0),
    ],
)
def test_durations_are_read_with_their_unit(text: str, seconds: float) -> None:
    assert parse_duration_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "fast", "10 parsecs", "-5s", "1m30", "5s!", "1e3s", "s"])
def test_what_is_no_duration_is_told_with_the_remedy(text: str) -> None:
    with pytest.raises(InputError, match="such as 500ms, 30s or 2m"):
        parse_duration_s(text)


@pytest.mark.parametrize(
    ("value_ns", "text"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (1_240_000, "1.24 ms"),
        (662_400, "662 µs"),
        (12_000_000_000, "12.0 s"),
    ],
)
def test_a_duration_alone_has_the_unit_that_reads_best(value_ns: int, text: str) -> None:
    assert format_ns(value_ns) == text


def test_a_column_has_one_number_of_decimals() -> None:
    assert format_column_ms([1_234_567, 98_000_000]) == ["1.23", "98.00"]
    assert format_column_ms([0, 50, 1_000]) == ["0.000", "0.000", "0.001"]
    assert format_column_ms([1_500_000_000, 250_000_000]) == ["1,500", "250"]
    assert format_column_ms([0, 0]) == ["0", "0"]
    assert format_column_ms([]) == []


def test_single_durations_are_told_in_ms() -> None:
    assert format_ms(662_400) == "0.662 ms"
    assert format_ms(1_000_974_000) == "1,001 ms"
    assert format_ms(0) == "0 ms"


def test_a_small_ratio_is_never_nothing() -> None:
    assert format_ratio(0) == "0.00 %"
    assert format_ratio(0.00001) == "<0.01 %"
    assert format_ratio(0.034) == "3.40 %"


def test_a_share_has_two_digits() -> None:
    shares = {0: "0 %", 0.0004: "<0.1 %", 0.034: "3.4 %", 0.0996: "10 %", 0.94: "94 %", 1: "100 %"}
    assert {share: format_share(share) for share in shares} == shares


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("500 B", 500),
        ("1k", 1000),
        ("1MB", 10**6),
        (" 1.5 MiB", 1_572_864),
        (".5gb", 5 * 10**8),
    ],
)
def test_sizes_are_read_with_their_unit(text: str, size: int) -> None:
    assert parse_size_bytes(text) == size


@pytest.mark.parametrize("text", ["", "MB", "-1", "1 TB", "1 M B", "1e3", "٣"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not a size"):
        parse_size_bytes(text)


def test_bytes_have_binary_units() -> None:
    assert [format_bytes(n) for n in (0, 1023, 1536, 3 << 30)] == [
        "0 B", "1023 B", "1.5 KiB", "3.0 GiB",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("time_ns", "text"),
    [
        (1_795_460_064_123_456_789, "2026-11-23T18:54:24.123456+00:00"),
        (-1, "1969-12-31T23:59:59.999999+00:00"),
    ],
)
def test_moments_are_aware_and_cut_to_microseconds(time_ns: int, text: str) -> None:
    assert utc_from_ns(time_ns).isoformat() == text


@pytest.mark.parametrize(
    ("text", "share"), [("2%", 0.02), (" 0.02 ", 0.02), ("100 %", 1), ("0", 0)]
)
def test_shares(text: str, share: float) -> None:
    assert parse_share(text) == share


@pytest.mark.parametrize("text", ["", "%", "2", "-1%", "200%", "2%%", "2% x", "nan"])
def test_a_share_that_cannot_be_read_names_the_form(text: str) -> None:
    with pytest.raises(InputError, match=r"write it as 2% or 0\.02"):
        parse_share(text)
