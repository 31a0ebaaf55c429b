"""``%bench``: ``benchlab run`` in a notebook, with all of its options."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import ShellComplete

from benchlab.cli.options.group import errors_name_options
from benchlab.cli.options.output import gathers_report
from benchlab.cli.run import RUN_OPTIONS, Asked, RunCommand, asked_for, run, write_and_save
from benchlab.errors import InputError

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from benchlab.plan.plan import Plan
    from benchlab.runs.run import Run
    from benchlab.watch.live_run import LiveRun

__all__ = ["register", "unregister"]

_NAME = "bench"
_MAGIC = f"%{_NAME}"
_LINE = re.compile(rf"(?:.*=)?\s*{_MAGIC}\s")
# A name of the notebook, $url or {url}. Of JSON and of the fields of a template nothing is one.
_VARIABLE = re.compile(r"(?<![{$])(?:\{([A-Za-z_]\w*)\}(?!\})|\$([A-Za-z_]\w*))")


def register(shell: InteractiveShell) -> None:
    """Add ``%bench`` to ``shell``, and complete its options."""

    def line(text: str) -> Run | LiveRun | Plan | None:
        return _bench(text, shell.user_ns)

    text = (command.help or "").replace("\b\n", "")  # click's mark of lines to keep
    line.__doc__ = f"{text}\n\n{_MAGIC} --help lists all options."
    line._ipython_magic_no_var_expand = True  # type: ignore[attr-defined]  # braces of JSON stay
    magics: Any = shell  # IPython's annotations of these are wrong
    magics.register_magic_function(line, "line", _NAME)
    magics.set_hook("complete_command", _complete, re_key=_LINE.pattern)


def unregister(shell: InteractiveShell) -> None:
    """Take ``%bench`` from ``shell`` again."""
    shell.magics_manager.magics["line"].pop(_NAME, None)
    shell.strdispatchers["complete_command"].regexs.pop(_LINE, None)


def _bench(line: str, variables: Mapping[str, Any]) -> Run | LiveRun | Plan | None:
    """Carry out the command that ``line`` is; returns the run, with ``--detach`` the live one, with
    ``--dry-run`` the plan.

    Raises:
        InputError: the line cannot be used.
    """
    try:
        words = [_filled(word, variables) for word in shlex.split(line)]
    except ValueError as exc:
        raise InputError(f"{_MAGIC} cannot be read ({exc})", remedy="close what is open") from exc
    try:
        with command.make_context(_MAGIC, words or ["--help"]) as context:
            done: Run | Plan | None = command.invoke(context)
            return done
    except click.exceptions.Exit:  # --help
        return None
    except click.ClickException as exc:
        message = exc.format_message().rstrip(".")
        raise InputError(message, remedy=f"see {_MAGIC} --help") from exc


def _filled(word: str, variables: Mapping[str, Any]) -> str:
    """``word`` with the values of the notebook's names in it; what is no such name stays."""

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        return str(variables[name]) if name in variables else found[0]

    return _VARIABLE.sub(value, word)


@click.pass_context
@gathers_report
def _carry_out(context: click.Context, /, **options: Any) -> Run | LiveRun | Plan:
    asked = asked_for(context, **options)
    if asked.dry_run:
        return asked.plan
    if asked.detach:
        from benchlab.watch.start import start

        return start(asked.plan, **asked.place.options)
    return _measured(asked)


def _measured(asked: Asked) -> Run:
    from benchlab import notebook
    from benchlab.experiments.saving import usable_store
    from benchlab.load.run import run as carry_out

    store = usable_store() if asked.save else None
    with errors_name_options(RUN_OPTIONS, asked.given):
        finished = carry_out(
            asked.plan, on_progress=notebook.show_progress(), **asked.place.options
        )
    write_and_save(finished, asked.outputs, None if store is None else lambda: store.save(finished))
    return finished


command = RunCommand(
    _NAME,
    params=run.params,
    callback=_carry_out,
    help=f"""Run a load test against URL, or the one in PLAN.toml; the cell's value is the run.

    The options are those of benchlab run: see its --help for what they mean together. $name and
    {{name}} stand for variables of the notebook.

    \b
    Examples:
      {_MAGIC} http://127.0.0.1:8000/ --rate 200 --duration 10s
      run = {_MAGIC} $url --connections 8 --duration 10s --no-save
      {_MAGIC} checkout.toml --dry-run
    """,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _complete(_shell: InteractiveShell, event: Any) -> list[str]:
    """The options, or the values of one, that may follow on the line."""
    _, _, line = event.text_until_cursor.partition(_MAGIC)
    words, typed = line.split(), event.symbol
    before = words[:-1] if typed else words
    found = ShellComplete(command, {}, _MAGIC, "").get_completions(before, typed)
    return [item.value for item in found if item.type == "plain"]
