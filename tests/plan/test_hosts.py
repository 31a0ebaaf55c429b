"""Host names of URLs."""

from __future__ import annotations

import pytest

from benchlab.plan.hosts import address_of_literal, ascii_host


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("faß.test", "xn--fa-hia.test"),  # IDNA 2003 makes it fass.test
        ("βόλος.test", "xn--nxasmm1c.test"),
        ("ｆｕｌｌ。test", "full.test"),
        ("xn--fa-hia.test", "xn--fa-hia.test"),
        ("my_service", "my_service"),
        ("-odd-.test", "-odd-.test"),
        ("host.", "host."),
        ("fe80::1%eth0", "fe80::1%eth0"),
    ],
)
def test_hosts_in_ascii(host: str, expected: str) -> None:
    assert ascii_host(host) == expected


@pytest.mark.parametrize(
    "host", ["a..b", "é..b", "a" * 64, "é" * 64, ".", "☃.test", "é\u200b\u2028"]
)
def test_impossible_hosts(host: str) -> None:
    with pytest.raises(UnicodeError):
        ascii_host(host)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("fe80::1%25lo", "fe80::1%lo"),
        ("fe80::1%lo", "fe80::1%lo"),
        ("fe80::1%25", "fe80::1%25"),  # the interface number 25
        ("::1", "::1"),
        ("a%25b", "a%25b"),
    ],
)
def test_zones_of_addresses(host: str, expected: str) -> None:
    assert address_of_literal(host) == expected
