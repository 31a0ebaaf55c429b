"""``benchlab target``: the bundled service under test."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import click

from benchlab.cli.terminal.output import print_line
from benchlab.errors import InputError

__all__ = ["target"]


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="port to listen on; 0: a free one",
)
@click.option(
    "--grpc-port",
    type=click.IntRange(0, 65535),
    help="port to serve gRPC on as well; 0: a free one",
)
@click.option(
    "--otlp-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="directory for traces and metrics as OTLP JSON files",
)
@click.option(
    "--faults",
    is_flag=True,
    envvar="BENCHLAB_TARGET_FAULTS",
    help="let faults be set in it, from this machine",
)
@click.option(
    "--fault-token",
    metavar="TOKEN",
    help="lets whoever sends it set faults, too; better in BENCHLAB_TARGET_FAULT_TOKEN",
)
def target(
    port: int,
    grpc_port: int | None,
    otlp_dir: Path | None,
    faults: bool,
    fault_token: str | None,
) -> None:
    """Serve the bundled target on 127.0.0.1 until Ctrl-C.

    If OTEL_EXPORTER_OTLP_ENDPOINT is set, it exports traces and metrics to that collector.

    \b
    Examples:
      benchlab target
      benchlab target --port 9000 --otlp-dir otlp && benchlab ingest otlp
      benchlab target --grpc-port 50051
      benchlab target --faults
    """
    from benchlab.extras import require_extra

    require_extra("target")
    if grpc_port is not None:
        require_extra("grpc")
    from benchlab.bundled.serve import serve

    def announce(url: str, grpc_url: str) -> None:
        print_line(f"target at {url}  POST {url}/api/vector/add  (Ctrl-C stops it)")
        if grpc_url:
            print_line(f"gRPC at {grpc_url}  {grpc_url}/benchlab.Vectors/Add")
        if faults:
            print_line(f"faults at {url}/faults")

    if fault_token is not None and not faults:
        raise InputError("it lets nobody set faults", field="--fault-token", remedy="add --faults")
    if fault_token:
        os.environ["BENCHLAB_TARGET_FAULT_TOKEN"] = fault_token
    with contextlib.suppress(KeyboardInterrupt):
        serve(port, otlp_dir, announce, grpc_port=grpc_port, faults=faults)
