"""``benchlab``: the list of commands, and the reporting of their errors."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click

from benchlab.cli.exit_codes import MEANINGS, ExitCode, stopped_by
from benchlab.cli.lazy_group import CommandEntry, LazyGroup
from benchlab.cli.terminal.broken_pipe import tolerate_closed_output
from benchlab.cli.terminal.output import print_error
from benchlab.errors import BenchlabError, Stopped
from benchlab.signals import ENDING_SIGNALS, handle_signals
from benchlab.version import __version__

__all__ = ["COMMANDS", "cli", "main"]


COMMANDS: Final = {
    "ab": CommandEntry(
        "benchlab.cli.ab:ab",
        "Measure two plans in interleaved blocks: is B slower than A?",
    ),
    "attribute": CommandEntry(
        "benchlab.cli.attribute:attribute",
        "Show where the latency of a stored run comes from",
    ),
    "baseline": CommandEntry(
        "benchlab.cli.baseline:baseline",
        "Name the runs that later ones are compared with",
    ),
    "calibrate": CommandEntry(
        "benchlab.cli.calibrate:calibrate",
        "Measure the latency that this machine adds: its noise floor",
    ),
    "capacity": CommandEntry(
        "benchlab.cli.capacity:capacity",
        "Find out how much load a service takes",
    ),
    "compare": CommandEntry(
        "benchlab.cli.compare:compare",
        "Compare stored runs: is NEW slower than BASE?",
    ),
    "completion": CommandEntry(
        "benchlab.cli.completion:completion",
        "Print the script that lets a shell complete benchlab's commands",
    ),
    "explain": CommandEntry(
        "benchlab.cli.explain:explain",
        "Name what made a stored run slow",
    ),
    "export": CommandEntry(
        "benchlab.cli.exchange:export",
        "Write stored runs to files, one file per run",
    ),
    "history": CommandEntry(
        "benchlab.cli.history:history",
        "List the latest runs, experiments and imported summaries",
    ),
    "import": CommandEntry(
        "benchlab.cli.exchange:import_",
        "Import exported runs and the results of other tools",
    ),
    "ingest": CommandEntry(
        "benchlab.cli.ingest:ingest",
        "Load OTLP JSON files, or directories of them, into the store",
    ),
    "live": CommandEntry(
        "benchlab.cli.live:live",
        "List, watch or stop the runs that go on on this machine",
    ),
    "migrate": CommandEntry(
        "benchlab.cli.migrate:migrate",
        "Create the store's tables or upgrade them",
    ),
    "notebooks": CommandEntry(
        "benchlab.cli.notebooks:notebooks",
        "Copy the bundled notebooks into DIRECTORY",
    ),
    "proxy": CommandEntry(
        "benchlab.cli.proxy:proxy",
        "Serve URL through a proxy with faults until Ctrl-C",
    ),
    "prune": CommandEntry(
        "benchlab.cli.prune:prune",
        "Remove old runs with all their data, and old telemetry",
    ),
    "query": CommandEntry(
        "benchlab.cli.history:query",
        "Query the store in ClickHouse SQL",
    ),
    "recover": CommandEntry(
        "benchlab.cli.recover:recover",
        "Save runs that were measured but not stored",
    ),
    "report": CommandEntry(
        "benchlab.cli.report:report",
        "Write the report of runs, an experiment, a trend or a notebook",
    ),
    "reports": CommandEntry(
        "benchlab.cli.reports:reports",
        "List reports, or serve them to a browser",
    ),
    "run": CommandEntry(
        "benchlab.cli.run:run",
        "Run a load test against URL, or the one in PLAN.toml",
    ),
    "resilience": CommandEntry(
        "benchlab.cli.resilience:resilience",
        "Show how a stored run came through its faults",
    ),
    "scalability": CommandEntry(
        "benchlab.cli.scalability:scalability",
        "Fit the Universal Scalability Law to stored closed-loop RUNs",
    ),
    "show": CommandEntry(
        "benchlab.cli.history:show",
        "Show the summary of a stored run or experiment",
    ),
    "sweep": CommandEntry(
        "benchlab.cli.sweep:sweep",
        "Run NOTEBOOK once per point of a parameter grid",
    ),
    "target": CommandEntry(
        "benchlab.cli.target:target",
        "Serve the bundled target on 127.0.0.1 until Ctrl-C",
    ),
    "trend": CommandEntry(
        "benchlab.cli.trend:trend",
        "Find changes in the history of the stored runs called NAME",
    ),
}
"""Every command, with its short help, so that ``--help`` and completion import no command."""


_EPILOG = (
    "Results are saved in the store named by BENCHLAB_DSN, by default an embedded ClickHouse in"
    " your data directory.\n\n\b\nExit codes:\n"
) + "\n".join(f"  {code:>3}  {meaning}" for code, meaning in MEANINGS.items())


@click.group(
    cls=LazyGroup,
    entries=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_EPILOG,
)
@click.version_option(__version__, prog_name="benchlab")
def cli() -> None:
    """Load-test HTTP services, with results that can be verified.

    \b
    Examples:
      benchlab run http://127.0.0.1:8000/ --rate 500 --duration 30s
      benchlab report 01_benchmark -p rate_rps 500
      benchlab history
    """


def main() -> None:
    """Run the command line. Every expected error is one line on standard error."""
    _collect_rarely()
    output_error = tolerate_closed_output()
    with _ending_like_ctrl_c():
        status = _run_command()
    if (error := output_error()) is not None:
        print_error(
            f"cannot write standard output ({error.strerror}): it is incomplete, everything else"
            " was done; redirect it to a disk with free space"
        )
        status = status or ExitCode.FAILURE
    sys.exit(status)


def _collect_rarely() -> None:
    """Collect garbage seldom, as the modules that a command loads are none, and not at the end."""
    gc.set_threshold(100_000, 10, 10)
    atexit.register(gc.freeze)


@contextmanager
def _ending_like_ctrl_c() -> Iterator[None]:
    """Let SIGTERM and SIGHUP, unless ignored at the start, end a command as Ctrl-C does."""

    def stop(number: int, _frame: object) -> None:
        raise Stopped(number)

    restore = handle_signals(ENDING_SIGNALS, stop)
    try:
        yield
    finally:
        restore()


def _run_command() -> int:
    """Run the command that the arguments name; returns its exit code."""
    try:
        status = cli.main(prog_name="benchlab", standalone_mode=False)
    except click.exceptions.Exit as exc:
        return exc.exit_code
    except click.exceptions.NoArgsIsHelpError as exc:
        exc.show()
        return exc.exit_code
    except click.ClickException as exc:
        print_error(_in_one_line(exc))
        return exc.exit_code
    except (KeyboardInterrupt, click.exceptions.Abort) as exc:
        cause = exc.__cause__ if isinstance(exc, click.exceptions.Abort) else exc
        print_error("interrupted")
        return stopped_by(cause.number if isinstance(cause, Stopped) else signal.SIGINT)
    except MemoryError:
        print_error(
            "this machine's memory, or the limit set for this process, is not enough: free some;"
            " what was measured is on disk, and benchlab recover saves it"
        )
        return ExitCode.FAILURE
    except BenchlabError as exc:
        print_error(f"{_is_lost()}{exc}")
        return exc.exit_code
    except FileNotFoundError as exc:
        if not _is_lost():
            raise
        print_error(f"{_is_lost()}{exc.strerror}")
        return ExitCode.UNUSABLE_INPUT
    return status if isinstance(status, int) else ExitCode.SUCCESS


def _is_lost() -> str:
    """The start of a message if the working directory was deleted, which explains the rest."""
    try:
        os.getcwd()
    except FileNotFoundError:
        return "the working directory was deleted, change to one that exists: "
    return ""


def _in_one_line(exc: click.ClickException) -> str:
    """The error message of click, and the command whose ``--help`` explains the usage."""
    message = exc.format_message().rstrip(".")
    context = exc.ctx if isinstance(exc, click.UsageError) else None
    if context is None:
        return message
    see = f"see {context.command_path} --help"
    return f"{message}: {see}" if message[-1] not in "?)" else f"{message} {see.capitalize()}"


if __name__ == "__main__":
    main()
