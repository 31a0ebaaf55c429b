"""The options of ``benchlab run`` for connections."""

from __future__ import annotations

from collections.abc import Sequence

import click
from attrs import evolve

from benchlab.cli.options.group import Draft, OptionGroup, Values
from benchlab.errors import InputError
from benchlab.plan.transport import Transport

__all__ = ["TRANSPORT", "parse_resolve"]


def parse_resolve(texts: Sequence[str]) -> dict[str, str]:
    """Parse ``HOST[:PORT]=ADDRESS[:PORT]`` pairs to a mapping of hosts to addresses.

    Raises:
        InputError: a text has no equals sign, host or address.
    """
    addresses = {}
    for text in texts:
        host, equals, address = text.partition("=")
        if not equals or not host or not address:
            raise InputError(
                f"--resolve {text!r} cannot be read: write HOST=ADDRESS, such as"
                " example.test:443=127.0.0.1:8443"
            )
        addresses[host] = address
    return addresses


def _transport(draft: Draft, values: Values) -> None:
    given = dict(values)
    if "resolve" in given:
        given["resolve"] = parse_resolve(given["resolve"])
    draft["transport"] = evolve(draft.get("transport", Transport()), **given)


TRANSPORT = OptionGroup(
    "Connections",
    (
        click.option(
            "--insecure",
            "-k",
            "verify",
            flag_value=False,
            default=True,
            type=bool,
            help="do not verify the service's certificate",
        ),
        click.option(
            "--ca-file",
            default="",
            metavar="FILE",
            help="certificate authorities to trust instead of the system's, as PEM",
        ),
        click.option(
            "--cert", "client_cert", default="", metavar="FILE", help="client certificate, as PEM"
        ),
        click.option(
            "--key",
            "client_key",
            default="",
            metavar="FILE",
            help="key of --cert, if it is not in the same file",
        ),
        click.option(
            "--server-name",
            default="",
            metavar="NAME",
            help="server name for SNI and verification  [default: the URL's host]",
        ),
        click.option(
            "--no-keep-alive",
            "keep_alive",
            flag_value=False,
            default=True,
            type=bool,
            help="open a new connection for every request",
        ),
        click.option(
            "--unix-socket",
            default="",
            metavar="PATH",
            help="connect to this Unix socket instead of the URL's host",
        ),
        click.option(
            "--resolve",
            multiple=True,
            metavar="HOST=ADDR",
            help="connect to ADDR instead of HOST (either may have a port); repeatable",
        ),
        click.option(
            "--dns-ttl",
            "dns_ttl_s",
            type=float,
            default=300.0,
            show_default=True,
            metavar="SECONDS",
            help="time after which a host name is looked up again; 0: for every connection",
        ),
        click.option(
            "--retry",
            default=None,
            metavar="TRIES [NAME=VALUE …]",
            help="retry failed requests: '3 backoff=100ms jitter=full budget=10% on=timeout,"
            "status:5xx'",
        ),
        click.option(
            "--hedge",
            default=None,
            metavar="TIME [NAME=VALUE …]",
            help="send a request without a response after TIME once more: '50ms budget=5%'",
        ),
        click.option(
            "--breaker",
            default=None,
            metavar="RATIO [NAME=VALUE …]",
            help="send nothing for a while when this share fails: '50% window=10s open=5s'",
        ),
        click.option(
            "--retry-reused",
            is_flag=True,
            help="send a request once more when its reused connection was closed, as Go does",
        ),
    ),
    _transport,
)
