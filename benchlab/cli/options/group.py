"""Groups of command line options, each with its effect on a plan.

A command takes its options from the groups; a plan is made by applying every group in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import click

from benchlab.errors import InputError
from benchlab.plan.plan import Plan

__all__ = [
    "Draft",
    "GroupedCommand",
    "OptionGroup",
    "Values",
    "copy_fields",
    "draft_plan",
    "errors_name_options",
    "with_options",
]

Draft = dict[str, Any]
"""An unfinished plan: field of `Plan` to value. ``requests`` is a list of `Request`."""

Values = Mapping[str, Any]
"""Parameter of the command to its value. One that is absent leaves the plan as it is."""

Command = Callable[..., Any]

_HELP_COLUMN = 30  # the widest column of options that click makes


def copy_fields(draft: Draft, values: Values) -> None:
    """Apply options that are called like the field of `Plan` that they set."""
    draft.update(values)


@dataclass(frozen=True, slots=True)
class OptionGroup:
    """Options that belong together, in the order of ``--help``, under the head ``title`` there.

    ``apply`` puts their values, which may be fewer than the group's, into a draft. ``fields`` maps
    the settings that errors may be about to parameters, where the two are called differently.
    """

    title: str
    options: Sequence[Callable[[Command], Command]]
    apply: Callable[[Draft, Values], None] = copy_fields
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that the options become."""
        return tuple(self.flags)

    @property
    def flags(self) -> dict[str, str]:
        """By parameter, the option as people type it, in its long form."""

        def probe() -> None: ...

        for option in self.options:
            option(probe)
        parameters: list[click.Parameter] = vars(probe)["__click_params__"]
        return {
            parameter.name or "": max(parameter.opts, key=len) for parameter in reversed(parameters)
        }


class GroupedCommand(click.Command):
    """A command whose ``--help`` lists its options by ``groups``, and then those that have none.

    Groups of the same title share a section, which stands where the first of them does.
    """

    groups: ClassVar[Sequence[OptionGroup]] = ()
    _left = "Output"

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections, with their texts in one column."""
        titles = {name: group.title for group in self.groups for name in group.names}
        sections: dict[str, list[tuple[str, str]]] = {group.title: [] for group in self.groups}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                title = titles.get(parameter.name or "", self._left)
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


def draft_plan(groups: Sequence[OptionGroup], draft: Draft, values: Values) -> Plan:
    """Apply the options to ``draft`` and make the plan.

    Raises:
        InputError: any value that cannot be used.
    """
    for group in groups:
        group.apply(draft, {name: values[name] for name in group.names if name in values})
    return Plan(**draft)


@contextmanager
def errors_name_options(groups: Sequence[OptionGroup], given: Collection[str]) -> Iterator[None]:
    """Let errors about a setting that an option gave name the option.

    What is wrong with ``duration_s`` leaves the block as ``--duration=0.0 must be …`` if the
    parameter ``duration_s`` is among those ``given``; else the value is that of a plan file.
    """
    flags = {name: flag for group in groups for name, flag in group.flags.items() if name in given}
    for group in groups:
        flags |= {name: flags[of] for name, of in group.fields.items() if of in flags}
    try:
        yield
    except InputError as exc:
        if exc.where or exc.field not in flags:
            raise
        raise exc.of(flags[exc.field]) from exc
