"""``benchlab export`` and ``import``: runs as files."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from benchlab.errors import BenchlabError, InputError
from benchlab.store import Store

__all__ = ["FORMATS", "SOURCES", "UNITS", "export", "import_"]

# The names that benchlab.exchange has, which a test compares: to import it costs numpy, which help
# and completion do not need.
FORMATS = ("parquet", "arrow", "csv")
SOURCES = (
    *FORMATS,
    "k6-json",
    "k6-csv",
    "vegeta-json",
    "vegeta-csv",
    "oha-json",
    "oha-csv",
    "locust-history",
    "jtl-csv",
    "jtl-xml",
    "hgrm",
)
UNITS = ("ns", "us", "ms", "s")


@click.command()
@click.argument("run_ids", metavar="RUN...", nargs=-1, required=True)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="what to write; by default what --output ends in, else parquet",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    help="the file, or - for standard output (CSV unless --format says otherwise); with several"
    " runs or an existing directory, the directory  [default: RUN.FORMAT here]",
)
@click.option("--force", is_flag=True, help="overwrite what is there")
def export(run_ids: tuple[str, ...], form: str | None, output: Path | None, force: bool) -> None:
    """Write stored runs to files, one each.

    RUN is an id, the beginning of one, or "latest". benchlab import reads the files back exactly.
    Columns are those of the table samples, raw, times in ns. Credentials in the plan are ***.

    \b
    Examples:
      benchlab export latest
      benchlab export latest -o run.csv
      benchlab export latest -o - | gzip > run.csv.gz
      benchlab export 01a209c5 01a209c6 --format arrow --output runs/
    """
    from benchlab.exchange.own.export import export_blocks, write_blocks

    store = Store()
    if output == Path("-"):
        if len(run_ids) > 1:
            raise InputError("standard output takes one run: name one, or a directory")
        with store.load_in_blocks(run_ids[0]) as (run, count, blocks):
            write_blocks(run, count, blocks, sys.stdout.buffer, form or "csv")
        return
    into_directory = output is not None and (len(run_ids) > 1 or output.is_dir())
    if into_directory and output is not None:
        try:
            output.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise InputError(f"cannot make the directory {output}: {exc.strerror}") from exc
    for run_id in run_ids:
        with store.load_in_blocks(run_id) as (run, count, blocks):
            target = output
            if into_directory and output is not None:
                target = output / f"{run.id}.{form or 'parquet'}"
            written = export_blocks(run, count, blocks, target, format=form, force=force)
        click.echo(f"{run.id}: {count:,} requests in {written}", err=True)


@click.command("import")
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--from",
    "source",
    type=click.Choice(SOURCES),
    help="the format, where its content does not tell",
)
@click.option("--url", help="the address that was measured, where the file does not say")
@click.option(
    "--unit",
    type=click.Choice(UNITS),
    default="ms",
    show_default=True,
    help="of the values in an .hgrm file, which does not say",
)
def import_(files: tuple[Path, ...], source: str | None, url: str | None, unit: str) -> int:
    """Import exported runs and the results of other tools.

    \b
    Requests, kept as a run of verdict "imported":
      k6 (JSON, CSV), vegeta (JSON, CSV), oha (CSV), JMeter (JTL as CSV or XML)
    Percentiles only, kept as a summary beside the runs:
      oha (JSON), wrk2 and HdrHistogram (.hgrm), Locust (stats history)

    The content tells the format; gzip is unpacked. The same file twice leaves one copy. Of
    several files, one that cannot be read is told and does not keep the others back; the exit code
    is then not 0.

    \b
    Examples:
      benchlab import 01a209c5db41b16d.parquet
      benchlab import k6.json vegeta.csv results.jtl
      benchlab import --from hgrm --unit us --url http://127.0.0.1:8000/ latency.hgrm
    """
    from benchlab.cli.terminal.console import print_line

    store, failed = Store(), 0
    for file in files:
        try:
            print_line(_take(store, file, source, url, unit))
        except BenchlabError as exc:
            if len(files) == 1:
                raise
            print_line(f"benchlab: {exc}")
            failed = max(failed, exc.exit_code)
    return failed


def _take(store: Store, file: Path, source: str | None, url: str | None, unit: str) -> str:
    from benchlab.exchange import import_file
    from benchlab.runs.imported_summary import ImportedSummary

    found = import_file(file, source=source, url=url, unit=unit)
    if isinstance(found, ImportedSummary):
        store.save_imported(found)
        return (
            f"{found.id}: {found.name}, a summary by {found.tool} without its requests;"
            f" benchlab show {found.id}"
        )
    with store.connect():
        known = store.has(found.id)
        store.save(found)
    kept = "was stored already" if known else found.verdict
    return f"{found.id}: {found.name}, {len(found.samples):,} requests, {kept}"
