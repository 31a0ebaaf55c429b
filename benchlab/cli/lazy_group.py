"""A click group that imports a command only when it is used."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["CommandEntry", "LazyGroup"]


class CommandEntry(NamedTuple):
    """A command's location, and what ``--help`` and shell completion show without importing it."""

    location: str
    """``module:attribute``, like an entry point."""
    short_help: str
    """The first sentence of the command's help, without its full stop."""


class LazyGroup(click.Group):
    """A group of the commands in ``entries``, each imported when it is used."""

    def __init__(self, *args: Any, entries: Mapping[str, CommandEntry], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands, in alphabetical order."""
        return sorted(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the command with this name; None if there is none."""
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.location.partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that ``args`` start with.

        Raises:
            click.UsageError: no command has that name; the message suggests the closest one.
        """
        name = args[0]
        if name in self.entries or name.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        from difflib import get_close_matches

        message = f"No such command {name!r}"
        if nearest := get_close_matches(name, self.entries, n=1):
            message += f". Did you mean {nearest[0]!r}?"
        raise click.UsageError(message, ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command names with their short help."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, self.entries[name].short_help) for name in self.list_commands(ctx)]
            )

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands and the group's options that start with ``incomplete``."""
        from click.shell_completion import CompletionItem

        commands = [
            CompletionItem(name, help=self.entries[name].short_help)
            for name in self.list_commands(ctx)
            if name.startswith(incomplete)
        ]
        return commands + click.Command.shell_complete(self, ctx, incomplete)
