"""``benchlab export`` and ``import``: write runs to files and read them."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from benchlab.cli.exit_codes import exit_code_of_parts
from benchlab.cli.terminal.output import print_error, print_line
from benchlab.errors import BenchlabError, InputError
from benchlab.store import Store
from benchlab.text import plural

__all__ = ["FORMATS", "SOURCES", "UNITS", "export", "import_"]

# The names that benchlab.exchange has, which a test compares: to import it costs numpy, which help
# and completion do not need.
FORMATS = ("parquet", "arrow", "csv")
SOURCES = (
    *FORMATS,
    "k6-json",
    "k6-csv",
    "k6-summary",
    "vegeta-json",
    "vegeta-csv",
    "vegeta-report-json",
    "vegeta-report",
    "oha-json",
    "oha-csv",
    "hey-csv",
    "hey",
    "autocannon-json",
    "bombardier-json",
    "fortio-json",
    "ghz-json",
    "nighthawk-json",
    "artillery-json",
    "gatling",
    "locust-history",
    "locust-stats",
    "jtl-csv",
    "jtl-xml",
    "jmeter-aggregate",
    "jmeter-statistics",
    "taurus-csv",
    "ab",
    "ab-csv",
    "ab-tsv",
    "hlog",
    "hgrm",
    "wrk",
)
UNITS = ("ns", "us", "ms", "s")


@click.command()
@click.argument("run_ids", metavar="RUN...", nargs=-1, required=True)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="file format; by default the extension of --output, else parquet",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    help="output file, or - for standard output (CSV unless --format is given); for several runs,"
    " or if it exists, a directory  [default: RUN.FORMAT in the current directory]",
)
@click.option("--force", is_flag=True, help="overwrite existing files")
def export(run_ids: tuple[str, ...], form: str | None, output: Path | None, force: bool) -> None:
    """Write stored runs to files, one file per run.

    RUN is the id of a run, its first digits, or "latest". The columns are those of the table
    samples, unconverted, with times in ns. Credentials in the plan are replaced by ***. benchlab
    import restores exactly the same run.

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
            raise InputError("only one run can go to standard output: name one run, or a directory")
        if sys.stdout.isatty():
            raise InputError("standard output is a terminal: name a file, or pipe it to a program")
        with store.load_in_blocks(run_ids[0]) as (run, count, blocks):
            write_blocks(run, count, blocks, sys.stdout.buffer, form or "csv")
        return
    into_directory = output is not None and (len(run_ids) > 1 or output.is_dir())
    if into_directory and output is not None:
        try:
            output.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise InputError(f"cannot create the directory {output}: {exc.strerror}") from exc
    for run_id in run_ids:
        with store.load_in_blocks(run_id) as (run, count, blocks):
            target = output
            if into_directory and output is not None:
                target = output / f"{run.id}.{form or 'parquet'}"
            written = export_blocks(run, count, blocks, target, format=form, force=force)
        print_line(f"{run.id}: {count:,} requests in {written}")


@click.command("import")
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--from",
    "source",
    type=click.Choice(SOURCES),
    metavar="FORMAT",
    help="format of the files, such as k6-json; an unknown one lists all  [default: detected from"
    " the content]",
)
@click.option("--url", help="measured address, for files that do not contain it")
@click.option(
    "--unit",
    type=click.Choice(UNITS),
    help="unit of the values in a file of HdrHistogram, which does not contain it"
    "  [default: ms in .hgrm, ns in .hlog]",
)
def import_(files: tuple[Path, ...], source: str | None, url: str | None, unit: str | None) -> int:
    """Import exported runs and the results of other tools.

    \b
    Single requests, stored as a run with the verdict "imported":
      k6 (--out json or csv), vegeta (encode --to json or csv), JMeter (JTL as
      CSV or XML), Gatling (simulation.log as text), oha (csv), hey (-o csv),
      ghz (-O json), ab (-g)
    Only percentiles, stored as an imported summary:
      k6 (--summary-export, handleSummary), wrk, wrk2, vegeta (report, as text,
      json or hdrplot), oha (json), hey, autocannon (--json), bombardier (json),
      fortio (-json), Artillery (--output), nighthawk (json), ab, ab -e, Locust
      (stats history), JMeter (aggregate report, statistics.json), Taurus
      (dump-csv), HdrHistogram (.hgrm, .hlog)

    The format is detected from the content; gzip is decompressed. Importing a file again changes
    nothing. A file that cannot be read is reported, the others are still imported, and the exit
    code is 2.

    \b
    Examples:
      benchlab import 01a209c5db41b16d.parquet
      benchlab import k6.json vegeta.csv results.jtl
      benchlab import --from hgrm --unit us --url http://127.0.0.1:8000/ latency.hgrm
    """
    store, failures = Store(), list[int]()
    for file in files:
        try:
            for line in _import(store, file, source, url, unit):
                print_line(line)
        except BenchlabError as exc:
            if len(files) == 1:
                raise
            print_error(exc)
            failures.append(exc.exit_code)
    return exit_code_of_parts(failures)


def _import(
    store: Store, file: Path, source: str | None, url: str | None, unit: str | None
) -> list[str]:
    """Import and store a file; returns what it was, and a line for each note on it."""
    from benchlab.exchange import import_file
    from benchlab.runs.imported_summary import ImportedSummary

    imported = import_file(file, source=source, url=url, unit=unit)
    if isinstance(imported, ImportedSummary):
        store.save_imported(imported)
        return [
            f"{imported.id}: {imported.name}, a summary by {imported.tool} without its requests;"
            f" benchlab show {imported.id}",
            *(f"  {note}" for note in imported.notes),
        ]
    with store.connect():
        known = store.has(imported.id)
        store.save(imported)
    state = "already stored" if known else imported.verdict
    notes = imported.environment.get("imported", {}).get("notes", ())
    count = plural(len(imported.samples.requests), "request")
    return [
        f"{imported.id}: {imported.name}, {count}, {state}",
        *(f"  {note}" for note in notes),
    ]
