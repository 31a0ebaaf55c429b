"""``benchlab baseline``: name the runs that later ones are compared with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchlab.cli.options.comparison import comparison_options, outputs_from
from benchlab.cli.options.output import JsonCommand, ReportOutput, json_option, report_option
from benchlab.cli.terminal.output import print_line
from benchlab.errors import InputError
from benchlab.text import plural

if TYPE_CHECKING:
    from benchlab.store import Store

__all__ = ["baseline"]

_NAME = re.compile(r"(?![0-9a-f]{4,16}$|latest$)[\w.-][\w./ -]{0,99}")
_FORM = "letters, digits, spaces and ./_-, and it must not look like a run id"


@click.group()
def baseline() -> None:
    """Name the runs that later ones are compared with.

    \b
    Examples:
      benchlab baseline set main tag:branch=main
      benchlab baseline check main latest
    """


@baseline.command("set")
@click.argument("words", metavar="[NAME] RUN...", nargs=-1, required=True)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    help="write the baseline to a file, for another machine; NAME may then be left out",
)
@click.option("--force", is_flag=True, help="accept runs of different plans or hosts")
def set_(words: tuple[str, ...], output: Path | None, force: bool) -> None:
    """Make stored runs the baseline NAME.

    RUN is the id of a run, its first digits, "latest", name=NAME or tag:KEY=VALUE. Five runs or
    more say how much runs differ by themselves. With -o and no RUN, the file has the baseline that
    NAME already is.

    \b
    Examples:
      benchlab baseline set main tag:branch=main
      benchlab baseline set main 01a209c5 01a209c6 01a209c7 01a209c8 01a209c9
      benchlab baseline set -o baseline.json name=nightly
      benchlab baseline set main -o baseline.json
    """
    from benchlab.experiments.baseline_file import write_baseline
    from benchlab.experiments.stored_statistics import stored_statistics
    from benchlab.runs.comparable import check_same_setup, check_verdicts
    from benchlab.store import Store

    store = Store()
    name, wanted = (words[0], words[1:]) if _NAME.fullmatch(words[0]) else ("", words)
    if not name and output is None:
        raise InputError(
            "cannot be the name of a baseline",
            field="NAME",
            value=words[0],
            remedy=f"a name has {_FORM}; or give a file with -o",
        )
    if not wanted and output is None:
        raise InputError(f"the baseline {name} needs runs", remedy="name at least one")
    with store.connect():
        ids = _ids(store, wanted) if wanted else store.baseline(name)
        runs = stored_statistics(store, ids)
        notes = [*check_verdicts(runs, force=force), *check_same_setup(runs, force=force)]
        if name and wanted:
            store.set_baseline(name, [run.id for run in runs])
    for note in notes:
        print_line(f"warning: {note}")
    if output is not None:
        write_baseline(output, runs)
    where = " and ".join(filter(None, [name, str(output) if output else ""]))
    print_line(f"{where}: {plural(len(runs), 'run')} of {runs[0].name}")


@baseline.command("check", cls=JsonCommand)
@click.argument("base", metavar="NAME|FILE")
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
@comparison_options("the comparison", fail_on="slower")
@report_option()
@click.option("--force", is_flag=True, help="compare runs of other plans or hosts, or invalid ones")
def check(
    base: str,
    runs: tuple[str, ...],
    metric: str,
    threshold: float,
    report: ReportOutput,
    force: bool,
    **values: Any,
) -> int:
    """Compare runs with a baseline: are they slower?

    NAME is that of benchlab baseline set, FILE what it wrote with -o. RUN is the id of a run, its
    first digits, "latest", name=NAME or tag:KEY=VALUE. The exit code is 3 if they are slower.

    \b
    Examples:
      benchlab baseline check main latest
      benchlab baseline check baseline.json 01a209c5 01a209c6 01a209c7 --junit compare.xml
    """
    from benchlab.experiments.compare import compare
    from benchlab.store import Store

    outputs = outputs_from(values, report)
    outputs.check()
    store = Store()
    earlier = Path(base) if _is_file(base) else list(store.baseline(base))
    result = compare(
        earlier,
        runs[0] if len(runs) == 1 else list(runs),
        metric=metric,
        threshold=threshold,
        force=force,
        store=store,
    )
    return outputs.write(result)


@baseline.command("list", cls=JsonCommand)
@json_option("the list")
def list_(json_file: str | None) -> None:
    """List the baselines."""
    from benchlab.cli.terminal.output import write_json
    from benchlab.store import Store

    found = [
        {"name": row["id"], "run_ids": list(row["run_ids"]), "set_at": row["set_at"].isoformat()}
        for row in Store().baselines()
    ]
    if json_file is not None:
        write_json(found, json_file)
    if json_file == "-":
        return
    for row in found:
        count = plural(len(row["run_ids"]), "run")
        print_line(f"{row['name']}: {count}, set {row['set_at'][:16]}", err=False)
    if not found:
        print_line("no baselines yet: set one with benchlab baseline set NAME RUN")


@baseline.command("show", cls=JsonCommand)
@click.argument("name")
@json_option("the ids")
def show(name: str, json_file: str | None) -> None:
    """List the runs of the baseline NAME."""
    from benchlab.cli.history import print_history
    from benchlab.cli.terminal.console import console
    from benchlab.cli.terminal.output import write_json
    from benchlab.store import Store

    store = Store()
    with store.connect():
        ids = store.baseline(name)
        rows = [row for row in store.rows() if row["run_id"] in ids]
    if json_file is not None:
        write_json({"name": name, "run_ids": list(ids)}, json_file)
    if json_file == "-":
        return
    print_history(rows, console())
    for gone in set(ids) - {row["run_id"] for row in rows}:
        print_line(f"warning: the run {gone} is no longer stored")


@baseline.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Remove the baseline NAME; its runs stay."""
    from benchlab.store import Store

    store = Store()
    with store.connect():
        store.baseline(name)
        store.set_baseline(name, ())
    print_line(f"{name}: removed; its runs are still stored")


def _ids(store: Store, words: Sequence[str]) -> list[str]:
    from benchlab.experiments.selection import select_ids

    return list(
        dict.fromkeys(run_id for word in words for run_id in select_ids(store, word).run_ids)
    )


def _is_file(text: str) -> bool:
    return text.endswith(".json") or Path(text).is_file()
