"""The page of one run: which sections it has, in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchlab.display.run_view import view
from benchlab.report.page import Section, render_page
from benchlab.report.sections import (
    attribution,
    command,
    durations,
    errors,
    explanation,
    extra,
    faults,
    fidelity,
    generator,
    overview,
    phases,
    resilience,
    server,
    setup,
    slowest,
    steady_state,
    streams,
    timeline,
)
from benchlab.report.sections.extra import Extra
from benchlab.runs.run import Run
from benchlab.runs.server_side import ServerSide

__all__ = ["render_run_page"]


def render_run_page(
    run: Run,
    *,
    files: Sequence[str],
    server_side: ServerSide | None = None,
    extras: Mapping[str, Extra] | None = None,
) -> str:
    """HTML of the report of ``run``; ``files`` are the names of the tables beside it."""
    shown = view(run, server_side)
    sections: list[Section | None] = [
        overview.header(shown),
        overview.verdict(shown),
        overview.headlines(shown),
        durations.durations(run, shown),
        streams.streams(run, shown),
        overview.objectives(shown),
        durations.endpoints(shown),
        faults.faults(run, shown),
        timeline.timeline(run),
        fidelity.fidelity(run),
        resilience.resilience(run),
        explanation.explanation(run, shown.server),
        steady_state.steady_state(run),
        errors.errors(run, shown),
        errors.failures(run),
        server.client_server(run, shown.server),
        server.server_histogram(run, shown.server),
        attribution.attribution(run, shown.server),
        phases.phases(run),
        slowest.slowest(run, shown.server),
        generator.generator(run),
        *extra.extra(extras or {}),
        setup.setup(run),
        command.command(run.plan),
        overview.footer(shown, files),
    ]
    present = [section for section in sections if section is not None]
    return render_page(f"{run.name}: {shown.banner}", present)
