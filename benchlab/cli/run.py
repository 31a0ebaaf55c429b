"""``benchlab run``: make load, show what came of it, keep it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import click
from rich.console import Console

from benchlab import spool
from benchlab.cli.exit_codes import EXIT_CODES
from benchlab.cli.history import history_table
from benchlab.cli.options import DURATION, parse_headers, parse_tags, read_body
from benchlab.cli.output import console, error_console, print_frame, print_run, progress_bar
from benchlab.errors import InputError, RunError, StoreError
from benchlab.load.run import run as carry_out
from benchlab.store import Store
from benchlab.values.options import ARRIVALS, plan_from_options
from benchlab.values.plan import DRIVERS
from benchlab.values.run import Run

__all__ = ["run"]


@click.command()
@click.argument("url")
@click.option(
    "--method", "-X", default=None, help="HTTP method  [default: POST with a body, else GET]"
)
@click.option(
    "--header", "-H", "headers", multiple=True, metavar="K:V", help="request header; repeatable"
)
@click.option(
    "--body", "-d", default="", metavar="TEXT|@FILE", help="request body, or a file with it"
)
@click.option(
    "--connections",
    "-c",
    type=int,
    default=64,
    show_default=True,
    help="connections of a closed loop",
)
@click.option("--rate", "-r", type=float, default=None, help="requests/s of an open loop")
@click.option(
    "--arrivals",
    type=click.Choice(list(ARRIVALS)),
    default="constant",
    show_default=True,
    help="how the requests of an open loop are spaced",
)
@click.option(
    "--duration",
    type=DURATION,
    default="10s",
    show_default=True,
    help="length of the measured window",
)
@click.option(
    "--warmup",
    type=DURATION,
    default="2s",
    show_default=True,
    help="load before that, recorded but not counted",
)
@click.option(
    "--timeout", type=DURATION, default="10s", show_default=True, help="limit for one request"
)
@click.option(
    "--workers", "-w", type=int, default=1, show_default=True, help="processes that make load"
)
@click.option(
    "--driver",
    type=click.Choice(DRIVERS),
    default="http",
    show_default=True,
    help="http: fast; httpx: versatile",
)
@click.option(
    "--max-connections", type=int, default=1000, show_default=True, help="cap of an open loop"
)
@click.option(
    "--trace-ratio",
    type=float,
    default=0.0,
    show_default=True,
    help="share (0 to 1) of requests the service is asked to trace",
)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="decides everything that is random"
)
@click.option(
    "--name", default="", metavar="TEXT", help="what to call the run  [default: METHOD /path]"
)
@click.option(
    "--tag", "tags", multiple=True, metavar="k=v", help="label to find the run by; repeatable"
)
@click.option(
    "--json", "json_file", metavar="FILE|-", help="write the result as JSON; - is standard output"
)
@click.option(
    "--csv",
    "csv_dir",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="write summary, histogram and time series as CSV",
)
@click.option("--no-save", is_flag=True, help="do not keep the run in the store")
def run(
    url: str,
    method: str | None,
    headers: tuple[str, ...],
    body: str,
    connections: int,
    rate: float | None,
    arrivals: str,
    duration: float,
    warmup: float,
    timeout: float,
    workers: int,
    driver: str,
    max_connections: int,
    trace_ratio: float,
    seed: int,
    name: str,
    tags: tuple[str, ...],
    json_file: str | None,
    csv_dir: Path | None,
    no_save: bool,
) -> int:
    """Make load on URL and say what came of it.

    Without --rate the loop is closed: --connections users, each sending its next request when the
    last is answered. With --rate it is open: requests are sent at their times, whatever the
    service does, on as many connections as that takes.

    Ctrl-C ends the run early and keeps what was measured; a second one waits for nothing.

    \b
    Examples:
      benchlab run http://127.0.0.1:8000/health
      benchlab run http://127.0.0.1:8000/ --rate 500 --duration 30s --arrivals poisson
      benchlab run http://127.0.0.1:8000/api/vector/add -d '{"a":[1],"b":[2]}' --json result.json
    """
    content = read_body(body)
    plan = plan_from_options(
        url,
        method=method or ("POST" if content else "GET"),
        headers=parse_headers(headers),
        body=content,
        rate_rps=0.0 if rate is None else _open_loop(rate),
        arrivals=arrivals,
        connections=connections,
        duration_s=duration,
        warmup_s=warmup,
        timeout_s=timeout,
        max_connections=max_connections,
        workers=workers,
        driver=driver,
        trace_ratio=trace_ratio,
        seed=seed,
        name=name,
        tags=parse_tags(tags),
    )
    _check_outputs(json_file, csv_dir)
    store = None if no_save else Store()
    if store is not None:
        with store.connect():
            pass  # a store that cannot be used should say so before the measurement, not after
    with progress_bar(plan.describe()) as on_progress:
        finished = carry_out(plan, on_progress=on_progress)
    out = error_console() if json_file == "-" else console()
    print_run(finished, out)
    _write(finished, json_file, csv_dir)
    _keep(finished, store, out)
    return EXIT_CODES[finished.verdict]


def _open_loop(rate: float) -> float:
    if rate == 0:
        raise InputError("--rate 0 makes no load: leave --rate out for a closed loop")
    return rate


def _check_outputs(json_file: str | None, csv_dir: Path | None) -> None:
    """Find out before the measurement, not after, that its results cannot be written."""
    for place in (Path(json_file) if json_file not in (None, "-") else None, csv_dir):
        if place is None:
            continue
        existing = next(parent for parent in (place, *place.absolute().parents) if parent.exists())
        if not os.access(existing, os.W_OK) or (existing != place and not existing.is_dir()):
            raise InputError(f"cannot write {place}: {existing} is not writable")
        if place != csv_dir and (place.is_dir() or not place.absolute().parent.is_dir()):
            raise InputError(f"cannot write {place}: it must be a file in an existing directory")


def _keep(finished: Run, store: Store | None, out: Console) -> None:
    if store is None:
        if finished.spool is not None:
            spool.remove(finished.spool)
        return
    try:
        store.save(finished)
    except StoreError as exc:
        raise StoreError(
            f"{exc}; run {finished.id} was measured and is kept: benchlab recover saves it"
        ) from exc
    out.print(f"\nsaved in {store.location}; the last runs:", markup=False)
    print_frame(history_table(store, 5), out)


def _write(finished: Run, json_file: str | None, csv_dir: Path | None) -> None:
    try:
        if json_file is not None:
            text = json.dumps(finished.to_dict(), indent=2)
            if json_file == "-":
                sys.stdout.write(f"{text}\n")
            else:
                Path(json_file).write_text(f"{text}\n")
    except OSError as exc:
        raise RunError(
            f"cannot write {json_file} ({exc.strerror}); run {finished.id} was measured and is"
            " kept: benchlab recover saves it"
        ) from exc
    if csv_dir is not None:
        from benchlab.report import write_tables

        write_tables(finished, csv_dir)
