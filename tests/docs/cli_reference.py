"""The command line's reference, from the commands' own --help."""

from __future__ import annotations

import click

from benchlab.cli.main import cli

__all__ = ["render"]

_WIDTH = 98


def render() -> str:
    """A section for each command: its help as a terminal 100 columns wide shows it."""
    root = _context(cli, "benchlab")
    parts = [_section(root)]
    for name in cli.list_commands(root):
        command = cli.get_command(root, name)
        assert command is not None
        context = _context(command, name, root)
        parts.append(_section(context))
        if isinstance(command, click.Group):
            parts += [
                _section(_context(part, name, context)) for name, part in command.commands.items()
            ]
    return "\n\n".join(parts)


def _context(
    command: click.Command, name: str, parent: click.Context | None = None
) -> click.Context:
    return command.make_context(
        name, [], parent=parent, resilient_parsing=True, terminal_width=_WIDTH
    )


def _section(context: click.Context) -> str:
    help_text = click.unstyle(context.get_help()).rstrip()
    return f"### {context.command_path}\n\n```text\n{help_text}\n```"
