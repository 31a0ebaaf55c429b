"""``benchlab notebooks``: the bundled notebooks, to be changed freely."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["notebooks"]


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), default="notebooks")
def notebooks(directory: Path) -> None:
    """Copy the bundled notebooks into DIRECTORY.

    DIRECTORY is "notebooks" if none is given. Nothing is overwritten.

    \b
    Example:
      benchlab notebooks my-notebooks && jupyter lab my-notebooks
    """
    from benchlab.notebook.shipped import copy_notebooks

    for copy in copy_notebooks(directory):
        click.echo(copy)
