"""``benchlab reports``: list the reports in a directory, and serve them to a browser."""

from __future__ import annotations

import contextlib
from pathlib import Path

import click

from benchlab.cli.options.output import JsonCommand, json_option
from benchlab.cli.terminal.output import print_line

__all__ = ["reports"]

_PORT = 8765

_directory = click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports"),
    show_default=True,
    metavar="DIR",
    help="directory of the reports",
)


@click.group(invoke_without_command=True)
@click.pass_context
def reports(context: click.Context) -> None:
    """List reports, or serve them to a browser.

    Each report below a directory called reports is listed in its index.html, whoever wrote it
    there. Without a command, this lists those in the directory reports.

    \b
    Examples:
      benchlab reports
      benchlab reports serve --open
      benchlab reports list --dir ci/reports --json
    """
    if context.invoked_subcommand is None:
        context.invoke(list_)


@reports.command("list", cls=JsonCommand)
@_directory
@json_option("the list")
def list_(directory: Path, json_file: str | None) -> None:
    """List the reports, the latest first."""
    from benchlab.report.index import find_reports

    found = find_reports(directory)
    if json_file is not None:
        from benchlab.cli.terminal.output import write_json

        write_json([report.to_dict() for report in found], json_file)
    if json_file == "-":
        return
    if not found:
        print_line(f"no reports in {directory} yet: benchlab report latest writes one")
        return
    from rich.text import Text

    from benchlab.cli.terminal.console import console
    from benchlab.display.fitted_table import Column, FittedTable

    columns = [
        Column("date (UTC)", [Text(report.date) for report in found], whole=True),
        Column("kind", [Text(report.manifest.kind) for report in found], whole=True),
        Column("title", [Text(report.manifest.title) for report in found], one_line=True),
        Column("verdict", [Text(report.manifest.verdict) for report in found]),
        Column(
            "page",
            [Text(str(directory / report.place / report.manifest.page)) for report in found],
            fold_at="/",
        ),
    ]
    console().print(FittedTable(columns))


@reports.command("serve")
@_directory
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=_PORT,
    show_default=True,
    help="port on 127.0.0.1; 0 takes a free one",
)
@click.option("--open", "open_page", is_flag=True, help="open the list in a browser")
def serve(directory: Path, port: int, open_page: bool) -> None:
    """Serve the reports on 127.0.0.1 until Ctrl-C.

    Nobody but this machine can reach them, and nothing but reports is served.
    """
    from benchlab.cli.options.output import open_in_browser
    from benchlab.report.serve import serve as serve_reports

    def announce(url: str) -> None:
        print_line(f"reports at {url}  (Ctrl-C stops it)")
        if open_page:
            open_in_browser(url)

    with contextlib.suppress(KeyboardInterrupt):
        serve_reports(directory, port, announce)
