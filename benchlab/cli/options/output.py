"""The options ``--json`` and ``--report``, in the same form for every command that has them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

__all__ = ["JsonCommand", "json_option", "report_option"]


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


def report_option(
    tables: str = "CSV and JSON",
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """``--report DIR``, as the argument ``report_dir``; ``tables`` is the form of the tables."""
    return click.option(
        "--report",
        "report_dir",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        help=f"write the report, a page with its tables as {tables}",
    )


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
