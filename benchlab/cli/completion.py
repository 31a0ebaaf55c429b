"""``benchlab completion``: shell completion of commands, options and files."""

from __future__ import annotations

import click

from benchlab.cli.terminal.output import print_data

__all__ = ["completion"]


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script that lets a shell complete benchlab's commands.

    For bash (4.4 or newer) or zsh, add its line below to ~/.bashrc or ~/.zshrc. For fish, run its
    line once, and again after an upgrade.

    \b
    Examples:
      source <(benchlab completion bash)
      source <(benchlab completion zsh)
      benchlab completion fish > ~/.config/fish/completions/benchlab.fish
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    program = context.find_root()
    print_data(kind(program.command, {}, "benchlab", "_BENCHLAB_COMPLETE").source() + "\n")
