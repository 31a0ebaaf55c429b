"""Groups of command line options, each with its effect on a plan.

A command gets its options from the groups; applying every group in turn completes a draft.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import click
from click.core import ParameterSource

from benchlab.errors import InputError

__all__ = [
    "Draft",
    "GroupedCommand",
    "OptionGroup",
    "Values",
    "apply_options",
    "copy_fields",
    "errors_name_options",
    "fields_of",
    "given_of",
    "with_options",
]

Draft = dict[str, Any]
"""An unfinished plan: fields of `Plan` and their values. ``requests`` is a list of `Request`."""

Values = Mapping[str, Any]
"""Parameters of the command and their values. One that is absent does not change the plan."""

Command = Callable[..., Any]

_HELP_COLUMN = 30  # click's maximum width of the column of options


def copy_fields(draft: Draft, values: Values) -> None:
    """Apply options whose parameters have the names of the `Plan` fields that they set."""
    draft.update(values)


@dataclass(frozen=True, slots=True)
class OptionGroup:
    """Options that belong together, in the order of ``--help``, which lists them under ``title``.

    ``apply`` puts the given values, which may be some of the group's only, into a draft. ``fields``
    maps settings that errors name to parameters, where their names differ.
    """

    title: str
    options: Sequence[Callable[[Command], Command]]
    apply: Callable[[Draft, Values], None] = copy_fields
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters of the options."""
        return tuple(self.flags)

    @property
    def flags(self) -> dict[str, str]:
        """Parameters and the long form of their options, as people type it."""

        def probe() -> None: ...

        for option in self.options:
            option(probe)
        parameters: list[click.Parameter] = vars(probe)["__click_params__"]
        return {
            parameter.name or "": max(parameter.opts, key=len) for parameter in reversed(parameters)
        }


class GroupedCommand(click.Command):
    """A command whose ``--help`` lists its options by ``groups``, then those without a group.

    Groups with the same title share a section, at the position of the first one.
    """

    groups: ClassVar[Sequence[OptionGroup]] = ()
    _ungrouped = "Output"

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections, with all help texts in one column."""
        titles = {name: group.title for group in self.groups for name in group.names}
        sections: dict[str, list[tuple[str, str]]] = {group.title: [] for group in self.groups}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                title = titles.get(parameter.name or "", self._ungrouped)
                sections.setdefault(title, []).append(record)
        for title, rows in sections.items():
            with formatter.section(title):
                formatter.write_dl([(option.ljust(_HELP_COLUMN), text) for option, text in rows])


def with_options(groups: Sequence[OptionGroup]) -> Callable[[Command], Command]:
    """A decorator that gives a command all options of ``groups``."""

    def decorate(command: Command) -> Command:
        for group in reversed(groups):
            for option in reversed(group.options):
                command = option(command)
        return command

    return decorate


def apply_options(groups: Sequence[OptionGroup], draft: Draft, values: Values) -> None:
    """Put the options' ``values`` into ``draft``.

    Raises:
        InputError: a value cannot be used.
    """
    for group in groups:
        group.apply(draft, {name: values[name] for name in group.names if name in values})


def fields_of(groups: Sequence[OptionGroup], given: Collection[str]) -> dict[str, str]:
    """The settings that errors may name, and the option of each whose parameter was ``given``."""
    flags = {name: flag for group in groups for name, flag in group.flags.items() if name in given}
    for group in groups:
        flags |= {name: flags[of] for name, of in group.fields.items() if of in flags}
    return flags


def given_of(context: click.Context, names: Iterable[str]) -> set[str]:
    """Which of the parameters ``names`` were given: their values are not the defaults."""
    return {
        name for name in names if context.get_parameter_source(name) is not ParameterSource.DEFAULT
    }


@contextmanager
def errors_name_options(groups: Sequence[OptionGroup], given: Collection[str]) -> Iterator[None]:
    """Make errors about a setting name the option that set it.

    An error about the field ``duration_s`` becomes ``--duration=0.0 must be …`` if the parameter
    ``duration_s`` was ``given``. Otherwise the value came from a plan file, and the error stays
    unchanged.
    """
    flags = fields_of(groups, given)
    try:
        yield
    except InputError as exc:
        if exc.where or exc.field not in flags:
            raise
        raise exc.of(flags[exc.field]) from exc
