"""``benchlab``: the commands, and how their failures are told.

Exit codes: 0 all well; 1 the run, the store or an objective failed; 2 the user's input cannot be
used; 130 interrupted.
"""

from __future__ import annotations

import sys

import click

from benchlab.cli.calibrate import calibrate
from benchlab.cli.exchange import export, import_
from benchlab.cli.history import history, query, show
from benchlab.cli.ingest import ingest
from benchlab.cli.migrate import migrate
from benchlab.cli.notebooks import notebooks
from benchlab.cli.prune import prune
from benchlab.cli.recover import recover
from benchlab.cli.report import report
from benchlab.cli.run import run
from benchlab.cli.sweep import sweep
from benchlab.cli.target import target
from benchlab.cli.terminal.broken_pipe import outlive_output
from benchlab.errors import BenchlabError
from benchlab.text import printable
from benchlab.version import __version__

__all__ = ["cli", "main"]


@click.group(
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


_COMMANDS = (
    run,
    calibrate,
    report,
    sweep,
    history,
    show,
    query,
    export,
    import_,
    recover,
    prune,
    migrate,
    target,
    ingest,
    notebooks,
)

for command in _COMMANDS:
    cli.add_command(command)


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
    words = exc.format_message().rstrip(".")
    context = exc.ctx if isinstance(exc, click.UsageError) else None
    return f"{words}: see {context.command_path} --help" if context is not None else words


if __name__ == "__main__":
    main()
