"""A request, as people see it: without its secrets, and without its body."""

from __future__ import annotations

from benchlab.display.result_view import ResultView
from benchlab.display.table import Table
from benchlab.plan.request import Request
from benchlab.redact import header_value, public_text
from benchlab.units import format_bytes

__all__ = ["view"]


def view(request: Request) -> ResultView:
    """Method and URL, headers, what the response must be; of the body, which may be a secret, how
    long it is.
    """
    header, body = request.part_names
    facts = [(body, format_bytes(len(request.body)) if request.body else "none")]
    facts += request.own_settings()
    if request.weight != 1:
        facts.append(("weight", f"{request.weight:g}"))
    if request.stream is not None:
        facts.append(("stream", request.stream.describe()))
    if request.data is not None:
        facts.append(("data", request.data.describe()))
    headers = [[name, public_text(header_value(name, value))] for name, value in request.headers]
    checks = [[type(check).__name__, public_text(check.describe())] for check in request.checks]
    return ResultView(
        title=request.name,
        banner="request",
        level="neutral",
        sentence=request.describe(),
        facts=tuple(facts),
        tables=(
            Table([header.removesuffix("s"), "value"], headers),
            Table(["check", "must hold"], checks),
        ),
    )
