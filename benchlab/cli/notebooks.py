"""``benchlab notebooks``: copy the bundled notebooks."""

from __future__ import annotations

from pathlib import Path

import click

from benchlab.cli.terminal.output import print_line

__all__ = ["notebooks"]


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), default="notebooks")
def notebooks(directory: Path) -> None:
    """Copy the bundled notebooks into DIRECTORY.

    DIRECTORY is "notebooks" by default. The copies are yours to edit; existing files are never
    overwritten.

    \b
    Example:
      benchlab notebooks my-notebooks && jupyter lab my-notebooks
    """
    from benchlab.notebook.shipped import copy_notebooks

    for copy in copy_notebooks(directory):
        print_line(str(copy), err=False)
