from __future__ import annotations

from typing import Any

import pytest

from benchlab import Transport
from benchlab.errors import InputError


@pytest.mark.parametrize(
    ("host", "port", "expected"),
    [
        ("a.test", 443, ("10.0.0.1", 443)),
        ("b.test", 443, ("10.0.0.2", 8443)),
        ("b.test", 80, ("::1", 80)),
        ("c.test", 80, ("::1", 81)),
        ("d.test", 80, ("d.test", 80)),
    ],
)
def test_address_of_follows_resolve(host: str, port: int, expected: tuple[str, int]) -> None:
    transport = Transport(
        resolve={
            "A.test": "10.0.0.1",
            "b.test:443": "10.0.0.2:8443",
            "b.test": "::1",
            "c.test": "[::1]:81",
        }
    )
    assert transport.address_of(host, port) == expected


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"verify": "no"}, "verify='no' must be true or false"),
        ({"client_key": "key.pem"}, "client_key: it is given without"),
        ({"verify": False, "ca_file": "ca.pem"}, "leave out one of the two"),
        ({"dns_ttl_s": -1}, "dns_ttl_s=-1 must be a number of seconds, 0 or more"),
        ({"resolve": {"a": ""}}, "resolve: 'a' at ''"),
        ({"resolve": {"a": "b:port"}}, "neither an address nor address:port"),
        ({"unix_socket": "a\0b"}, "must be text"),
    ],
)
def test_invalid_setting_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Transport(**values)


def test_unknown_setting_error_names_it() -> None:
    with pytest.raises(InputError, match=r"unknown fields \['verfy'\]"):
        Transport.from_dict({"verfy": True})


def test_describe_names_what_differs_from_the_defaults() -> None:
    assert Transport().describe() == []
    assert Transport(verify=False, keep_alive=False).describe() == [
        "certificates are not verified",
        "a new connection for every request",
    ]


@pytest.mark.parametrize(
    ("server_name", "host", "expected"),
    [
        ("", "example.com", "example.com"),
        ("", "example.com.", "example.com"),  # RFC 6066, section 3
        ("", "fe80::1%eth0", "fe80::1"),
        ("inner.example", "example.com", "inner.example"),
        ("faß.test.", "example.com", "xn--fa-hia.test"),
    ],
)
def test_a_certificate_has_the_name_of_the_service(
    server_name: str, host: str, expected: str
) -> None:
    assert Transport(server_name=server_name).server_name_of(host) == expected


def test_international_names_are_resolved_in_ascii() -> None:
    transport = Transport(resolve={"Faß.test": "bücher.example:81", "faß.test:443": "10.0.0.1"})
    assert transport.address_of("xn--fa-hia.test", 80) == ("xn--bcher-kva.example", 81)
    assert transport.address_of("xn--fa-hia.test", 443) == ("10.0.0.1", 443)
    assert transport.address_of("xn--fa-hia.test.", 443) == ("10.0.0.1", 443)


def test_impossible_names_are_refused() -> None:
    with pytest.raises(InputError, match="server_name"):
        Transport(server_name="☃..example")
    with pytest.raises(InputError, match="resolve"):
        Transport(resolve={"☃..example": "10.0.0.1"})
