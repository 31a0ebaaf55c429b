"""``benchlab proxy``: a proxy before any service that makes faults of the network."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import click

from benchlab.cli.terminal.output import print_line
from benchlab.errors import Stopped

if TYPE_CHECKING:
    from benchlab.plan.faults import Fault

__all__ = ["proxy"]


@click.command()
@click.argument("url", metavar="URL")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default=True,
    help="port to listen on; 0: a free one",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="FAULT",
    help="what the proxy does, such as 'delay 40ms' or 'reset ratio=5% at 10s for 5s'; times"
    " count from its start; may be given again",
)
def proxy(url: str, port: int, faults: tuple[str, ...]) -> None:
    """Serve URL through a proxy with faults until Ctrl-C.

    It listens on 127.0.0.1 and passes bytes on as they are, TLS too. Without --fault it changes
    nothing. A run with such a fault (benchlab run --fault) starts its own.

    \b
    Examples:
      benchlab proxy http://127.0.0.1:8000 --fault 'delay 40ms'
      benchlab proxy https://example.com --port 8443 --fault 'bandwidth 1MB/s'
      benchlab proxy http://127.0.0.1:8000 --fault 'blackhole at 10s for 5s'
    """
    from benchlab.faults.proxy.serve import serve
    from benchlab.plan.faults import FaultSchedule
    from benchlab.plan.grpc.request import is_call_url
    from benchlab.plan.request import Request
    from benchlab.plan.scenario import GrpcService

    kind = GrpcService if is_call_url(url) else Request
    origin = kind("GET", url).origin

    def announce(address: str) -> None:
        to = f"{origin.host}:{origin.port}={address}"
        print_line(f"proxy to {origin} at {address}  (Ctrl-C stops it)")
        print_line(f"benchlab run {origin}/ --resolve {to}")

    def report(fault: Fault, is_on: bool) -> None:
        print_line(f"{'on ' if is_on else 'off'}  {fault}")

    number = serve(origin, port, FaultSchedule(faults), announce, report)
    if number != signal.SIGINT:
        raise Stopped(number)
