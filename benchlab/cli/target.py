"""``benchlab target`` and ``benchlab ingest``: the service under test and what it tells."""

from __future__ import annotations

import contextlib
from pathlib import Path

import click

from benchlab.store import Store

__all__ = ["ingest", "target"]


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: a free one"
)
@click.option(
    "--otlp-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="write traces and metrics there as OTLP JSON files",
)
def target(port: int, otlp_dir: Path | None) -> None:
    """Serve the bundled target on 127.0.0.1 until Ctrl-C.

    With OTEL_EXPORTER_OTLP_ENDPOINT set it exports to a collector.

    \b
    Examples:
      benchlab target
      benchlab target --port 9000 --otlp-dir otlp && benchlab ingest otlp
    """
    from benchlab.bundled.serve import serve

    def announce(url: str) -> None:
        click.echo(f"target at {url}  POST {url}/api/vector/add  (Ctrl-C stops it)", err=True)

    with contextlib.suppress(KeyboardInterrupt):
        serve(port, otlp_dir, announce)


@click.command()
@click.argument(
    "paths", nargs=-1, required=True, metavar="PATH…", type=click.Path(path_type=Path, exists=True)
)
def ingest(paths: tuple[Path, ...]) -> None:
    """Take OTLP JSON files, or directories of them, into the store's otel_ tables.

    What was taken before is not taken again, so this can be repeated while files grow.

    \b
    Example:
      benchlab ingest otlp/
    """
    from benchlab.telemetry import ingest as take

    with Store().connect() as client:
        click.echo(str(take(client, list(paths))), err=True)
