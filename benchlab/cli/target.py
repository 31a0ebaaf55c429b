"""``benchlab target``: the bundled service under test."""

from __future__ import annotations

import contextlib
from pathlib import Path

import click

from benchlab.cli.terminal.output import print_line

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
    "--otlp-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="directory for traces and metrics as OTLP JSON files",
)
def target(port: int, otlp_dir: Path | None) -> None:
    """Serve the bundled target on 127.0.0.1 until Ctrl-C.

    If OTEL_EXPORTER_OTLP_ENDPOINT is set, it exports traces and metrics to that collector.

    \b
    Examples:
      benchlab target
      benchlab target --port 9000 --otlp-dir otlp && benchlab ingest otlp
    """
    from benchlab.bundled.serve import serve

    def announce(url: str) -> None:
        print_line(f"target at {url}  POST {url}/api/vector/add  (Ctrl-C stops it)")

    with contextlib.suppress(KeyboardInterrupt):
        serve(port, otlp_dir, announce)
