"""The tables of kinds of faults on docs/faults.md, from the registry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from benchlab.plan.fault_kinds import COMMON_OPTIONS, FAULT_KINDS, FaultKind, FaultOption, Where
from benchlab.units import format_duration_s

__all__ = ["render"]

_TITLES: Mapping[Where, str] = {
    "target": "### At the service itself",
    "proxy": "### In a proxy",
    "process": "### To a process",
}


def render() -> str:
    """A table for each place: its kinds, what they do and their options."""
    return "\n\n".join("\n".join(_section(where, title)) for where, title in _TITLES.items())


def _section(where: Where, title: str) -> Iterator[str]:
    yield title
    yield ""
    yield "| for example | what it does | options |"
    yield "|---|---|---|"
    for kind in FAULT_KINDS.values():
        if kind.where == where:
            yield f"| `{kind.example}` | {kind.help} | {_options(kind)} |"
    if COMMON_OPTIONS[where]:
        yield ""
        yield "| option of all | meaning |"
        yield "|---|---|"
        for name, meaning in COMMON_OPTIONS[where].items():
            yield f"| `{name}=` | {meaning} |"


def _options(kind: FaultKind) -> str:
    parts = [f"`{name}=`: {_meaning(option)}" for name, option in kind.options.items()]
    if kind.usual:
        parts.insert(0, f"{kind.usual} if no amount is given")
    if kind.without:
        parts.append(f"no {', '.join(f'`{name}=`' for name in kind.without)}")
    return "; ".join(parts)


def _meaning(option: FaultOption) -> str:
    usual = option.usual
    if usual is None:
        return f"{option.help}{' (may be left out)' if option.may_lack else ''}"
    return f"{option.help} ({format_duration_s(usual) if option.quantity == 'duration' else usual})"
