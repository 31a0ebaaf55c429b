"""The options of commands that run a notebook."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

__all__ = ["directory_option", "parameter_option"]

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def parameter_option(text: str) -> Decorator:
    """``-p NAME VALUE``, as the argument ``parameters``; ``text`` is its help."""
    return click.option("-p", "parameters", nargs=2, multiple=True, metavar="NAME VALUE", help=text)


def directory_option(default: str) -> Decorator:
    """``-o DIR``, as the argument ``directory``; ``default`` says what is used without it."""
    return click.option(
        "-o",
        "directory",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        help=f"output directory  [default: {default}]",
    )
