"""What commands write their results to: the same options for every command that has them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from benchlab.errors import InputError

if TYPE_CHECKING:
    from benchlab.displayed import Result
    from benchlab.runs.run import Run
    from benchlab.runs.server_side import ServerSide
    from benchlab.statistics.change import Change

__all__ = [
    "DEFAULT_FORMAT_NAMES",
    "FORMAT_NAMES",
    "JsonCommand",
    "Outputs",
    "ReportOutput",
    "check_writable",
    "format_option",
    "gathers_report",
    "json_option",
    "junit_option",
    "markdown_option",
    "open_in_browser",
    "open_option",
    "report_option",
]

# Those of benchlab.report.formats, which a test compares: to import it costs matplotlib.
FORMAT_NAMES: Final = ("html", "md", "csv", "json", "pdf")
DEFAULT_FORMAT_NAMES: Final = ("html", "csv", "json")


def _formats(_: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """The formats of all ``values``, in each of which commas join them."""
    names = tuple(name.strip() for value in values for name in value.split(","))
    unknown = [name for name in names if name not in FORMAT_NAMES]
    if unknown:
        raise click.BadParameter(
            f"{unknown[0]!r} is not a format: use {', '.join(FORMAT_NAMES)}", param=param
        )
    return names


def json_option(what: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """``--json FILE``, ``--json -`` or a last word ``--json``, as the argument ``json_file``."""
    return click.option(
        "--json",
        "json_file",
        is_flag=False,
        flag_value="-",
        metavar="FILE|-",
        help=f"write {what} as JSON to FILE; to standard output with -, or as the last word",
    )


def gathers_report(command: Callable[..., Any]) -> Callable[..., Any]:
    """``command`` gets what `report_option` adds as one argument, ``report``."""

    @wraps(command)
    def called(
        *arguments: Any,
        report_dir: Path | None,
        formats: tuple[str, ...],
        open_page: bool,
        **values: Any,
    ) -> Any:
        if report_dir is None and (formats or open_page):
            given = "--format" if formats else "--open"
            raise click.UsageError(f"{given} is about a report: say where with --report DIR")
        written = ReportOutput(report_dir, formats, open_page=open_page)
        return command(*arguments, report=written, **values)

    return called


def report_option() -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """``--report DIR`` with ``--format`` and ``--open``, together as the argument ``report``."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        called = gathers_report(command)
        for option in (open_option, format_option, _report_dir):
            called = option(called)
        return called

    return decorate


format_option = click.option(
    "--format",
    "formats",
    callback=_formats,
    multiple=True,
    metavar="LIST",
    help=f"formats of the report, joined by commas: {', '.join(FORMAT_NAMES)}"
    f"  [default: {','.join(DEFAULT_FORMAT_NAMES)}]",
)
"""``--format html,md,…``, repeatable, as the argument ``formats``."""

open_option = click.option(
    "--open", "open_page", is_flag=True, help="open the report's page in a browser"
)
"""``--open``, as the argument ``open_page``."""

markdown_option = click.option(
    "--markdown",
    "markdown_file",
    metavar="FILE|-",
    help="write it as Markdown, fit for a comment on a pull request",
)

_report_dir = click.option(
    "--report",
    "report_dir",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="write the report: a page, its tables as CSV, and JSON",
)


def junit_option(cases: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """``--junit FILE``, as the argument ``junit_file``; ``cases`` says what its test cases are."""
    return click.option(
        "--junit",
        "junit_file",
        metavar="FILE|-",
        help=f"write it as JUnit XML: {cases}",
    )


@dataclass(frozen=True, slots=True)
class ReportOutput:
    """Where the report is written, and in which formats; nowhere without a directory."""

    directory: Path | None = None
    formats: tuple[str, ...] = ()
    open_page: bool = False

    def check(self) -> None:
        """Refuse what cannot be written, before anything is measured.

        Raises:
            InputError: the directory cannot be made or written.
            OutputError: there is nothing to print a PDF with.
        """
        if self.directory is not None:
            check_writable(self.directory)
        if "pdf" in self.formats:
            from benchlab.report.pdf import find_chromium

            find_chromium()

    def write(
        self,
        result: Run | Result,
        *,
        server: ServerSide | None = None,
        quiet: bool = False,
        err: bool = True,
    ) -> None:
        """Write the report of ``result``, say where, and open its page if asked to.

        Raises:
            OutputError: it cannot be written.
        """
        if self.directory is None:
            return
        from benchlab.cli.terminal.output import print_line
        from benchlab.report import write_report

        chosen: Any = self.formats or DEFAULT_FORMAT_NAMES
        page = write_report(result, self.directory, server=server, formats=chosen)
        if not quiet:
            print_line(f"report: {page}", err=err)
        if self.open_page:
            open_in_browser(page)


@dataclass(frozen=True, slots=True)
class Outputs:
    """The files that a command writes its result to. A file ``-`` is standard output."""

    json_file: str | None = None
    markdown_file: str | None = None
    junit_file: str | None = None
    report: ReportOutput = field(default_factory=ReportOutput)

    @property
    def files(self) -> tuple[str, ...]:
        """Those that were asked for."""
        return tuple(filter(None, (self.json_file, self.markdown_file, self.junit_file)))

    @property
    def takes_stdout(self) -> bool:
        """Whether one of the files is standard output, which then is for it alone."""
        return "-" in self.files

    def check(self) -> None:
        """Refuse what cannot be written, before anything is measured.

        Raises:
            click.UsageError: two of them are standard output.
            InputError: the directory of a file does not exist or cannot be written.
            OutputError: there is nothing to print a PDF with.
        """
        if self.files.count("-") > 1:
            raise click.UsageError("only one of the outputs can be standard output")
        for file in self.files:
            if file != "-":
                _check_file(Path(file))
        self.report.check()

    def write(
        self,
        result: Run | Result,
        *,
        fail_on: Sequence[Change] = (),
        server: ServerSide | None = None,
    ) -> None:
        """Write ``result`` to all of them; ``fail_on`` are verdicts that fail in JUnit.

        Raises:
            OutputError: one of them cannot be written; the others may be missing.
        """
        from benchlab.cli.terminal.output import write_json, write_text

        if self.json_file is not None:
            write_json(result.to_dict(), self.json_file)
        if self.markdown_file is not None:
            from benchlab.display.results.markdown import markdown

            write_text(markdown(result), self.markdown_file)
        if self.junit_file is not None:
            from benchlab.display.results.junit import junit

            write_text(junit(result, fail_on), self.junit_file)
        self.report.write(result, server=server)


def open_in_browser(page: Path | str) -> None:
    """Open a file or a URL in the browser of the desktop, or the one that BROWSER names.

    That there is none is a warning: the page is there all the same.
    """
    import webbrowser

    from benchlab.cli.terminal.output import print_line

    url = page if isinstance(page, str) else page.absolute().as_uri()
    if not webbrowser.open(url):
        print_line("warning: no browser was found to open the page with (BROWSER names one)")


def check_writable(place: Path) -> None:
    """Check that a directory at ``place`` can be made, or written if it is there.

    Raises:
        InputError: it cannot.
    """
    existing = next(parent for parent in (place, *place.absolute().parents) if parent.exists())
    if not os.access(existing, os.W_OK) or (existing != place and not existing.is_dir()):
        raise InputError(f"cannot write {place}: {existing} is not writable")


def _check_file(file: Path) -> None:
    if not file.absolute().parent.is_dir():
        raise InputError(f"cannot write {file}: there is no directory {file.parent}")
    if file.is_dir():
        raise InputError(f"cannot write {file}: it is a directory")
    check_writable(file)


class JsonCommand(click.Command):
    """A command with `json_option` and arguments, one of which ``--json`` may take for its file."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments; returns those that are left.

        Raises:
            click.UsageError: they cannot be used.
        """
        words = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.MissingParameter as exc:
            if "--json" in words[:-1]:
                taken = words[words.index("--json") + 1]
                raise click.UsageError(
                    f"--json has {taken!r} for its file: write --json last, or --json -", ctx
                ) from exc
            raise
