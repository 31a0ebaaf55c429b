"""``benchlab``: the commands, and how their failures are told.

Exit codes: 0 all well; 1 the run, the store or an objective failed; 2 the user's input cannot be
used; 130 interrupted.
"""

from __future__ import annotations

import sys
from typing import Final

import click

from benchlab.cli.lazy_group import CommandEntry, LazyGroup
from benchlab.cli.terminal.broken_pipe import outlive_output
from benchlab.errors import BenchlabError
from benchlab.text import printable
from benchlab.version import __version__

__all__ = ["COMMANDS", "cli", "main"]


COMMANDS: Final = {
    "calibrate": CommandEntry(
        "benchlab.cli.calibrate:calibrate",
        "Measure the latency that this machine adds: its noise floor",
    ),
    "completion": CommandEntry(
        "benchlab.cli.completion:completion",
        "Print the script that lets a shell complete benchlab's commands",
    ),
    "export": CommandEntry(
        "benchlab.cli.exchange:export",
        "Write stored runs to files, one each",
    ),
    "history": CommandEntry(
        "benchlab.cli.history:history",
        "List the latest runs, newest first, and the imported summaries",
    ),
    "import": CommandEntry(
        "benchlab.cli.exchange:import_",
        "Import exported runs and the results of other tools",
    ),
    "ingest": CommandEntry(
        "benchlab.cli.ingest:ingest",
        "Load OTLP JSON files, or directories of them, into the store",
    ),
    "migrate": CommandEntry(
        "benchlab.cli.migrate:migrate",
        "Create the store's tables, or bring them up to date",
    ),
    "notebooks": CommandEntry(
        "benchlab.cli.notebooks:notebooks",
        "Copy the bundled notebooks into DIRECTORY",
    ),
    "prune": CommandEntry(
        "benchlab.cli.prune:prune",
        "Remove old runs, all that belongs to them, and old telemetry",
    ),
    "query": CommandEntry(
        "benchlab.cli.history:query",
        "Query the store in ClickHouse SQL",
    ),
    "recover": CommandEntry(
        "benchlab.cli.recover:recover",
        "Save runs that were measured and never stored",
    ),
    "report": CommandEntry(
        "benchlab.cli.report:report",
        "Write the report of a stored run, or of a notebook run headless",
    ),
    "run": CommandEntry(
        "benchlab.cli.run:run",
        "Make load on URL, or as PLAN.toml says, and report the results",
    ),
    "show": CommandEntry(
        "benchlab.cli.history:show",
        "Show the summary of a stored run",
    ),
    "sweep": CommandEntry(
        "benchlab.cli.sweep:sweep",
        "Run NOTEBOOK once per point of a grid, one point after the other",
    ),
    "target": CommandEntry(
        "benchlab.cli.target:target",
        "Serve the bundled target on 127.0.0.1 until Ctrl-C",
    ),
}
"""Every command. What is said here need not be imported for ``--help`` and shell completion."""


@click.group(
    cls=LazyGroup,
    entries=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Results are kept in the store that BENCHLAB_DSN names, by default an embedded"
    " ClickHouse in your data directory.",
)
@click.version_option(__version__, prog_name="benchlab")
def cli() -> None:
    """Benchmark HTTP services, with numbers that can be checked.

    \b
    Examples:
      benchlab run http://127.0.0.1:8000/ --rate 500 --duration 30s
      benchlab report 01_benchmark -p rate_rps 500
      benchlab history
    """


def main() -> None:
    """Run the command line; every expected failure is one line on standard error."""
    unwritten = outlive_output()
    status = _carry_out()
    if (error := unwritten()) is not None:
        print(
            f"benchlab: cannot write standard output ({error.strerror}): it is cut short, which"
            " held nothing else up; send it to where there is room",
            file=sys.stderr,
        )
        status = status or 1
    sys.exit(status)


def _carry_out() -> int:
    """The exit code of the command that was asked for."""
    try:
        status = cli.main(prog_name="benchlab", standalone_mode=False)
    except click.exceptions.Exit as exc:
        return exc.exit_code
    except click.exceptions.NoArgsIsHelpError as exc:
        exc.show()
        return exc.exit_code
    except click.ClickException as exc:
        print(f"benchlab: {printable(_in_one_line(exc))}", file=sys.stderr)
        return exc.exit_code
    except (KeyboardInterrupt, click.exceptions.Abort):
        print("benchlab: interrupted", file=sys.stderr)
        return 130
    except BenchlabError as exc:
        print(f"benchlab: {printable(str(exc))}", file=sys.stderr)
        return exc.exit_code
    return status if isinstance(status, int) else 0


def _in_one_line(exc: click.ClickException) -> str:
    """What click found wrong, and where to read how it is right."""
    message = exc.format_message().rstrip(".")
    context = exc.ctx if isinstance(exc, click.UsageError) else None
    if context is None:
        return message
    see = f"see {context.command_path} --help"
    return f"{message}: {see}" if message[-1] not in "?)" else f"{message} {see.capitalize()}"


if __name__ == "__main__":
    main()
