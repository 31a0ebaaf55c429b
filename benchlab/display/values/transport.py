"""Settings of connections, as people see them."""

from __future__ import annotations

from attrs import fields

from benchlab.display.result_view import ResultView
from benchlab.plan.transport import Transport
from benchlab.text import plural

__all__ = ["changed_settings", "view"]


def view(transport: Transport) -> ResultView:
    """The settings that are not the usual ones."""
    changed = changed_settings(transport)
    sentence = f"{plural(len(changed), 'setting')} other than usual" if changed else "as usual"
    return ResultView(
        title="Connections",
        banner="transport",
        level="neutral",
        sentence=sentence,
        facts=changed,
    )


def changed_settings(transport: Transport) -> tuple[tuple[str, str], ...]:
    """Name and value of the settings that are not the usual ones."""
    found = []
    for field in fields(Transport):
        value = getattr(transport, field.name)
        if value == getattr(Transport(), field.name):
            continue
        if field.name == "resolve":
            value = ", ".join(f"{host} → {address}" for host, address in value)
        found.append((field.name, str(value)))
    return tuple(found)
