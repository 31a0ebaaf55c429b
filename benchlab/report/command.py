"""The command line that makes the same run again."""

from __future__ import annotations

import shlex

from benchlab.values.load import ClosedLoop, ConstantRate, PoissonRate
from benchlab.values.plan import Plan
from benchlab.values.redact import HIDDEN, header_value, public_url

__all__ = ["command_line", "command_notes"]


def command_line(plan: Plan) -> str | None:
    """``benchlab run …`` for ``plan``; None when the command line cannot express it."""
    request = plan.requests[0]
    try:
        body = request.body_bytes.decode()
    except UnicodeDecodeError:
        return None
    if len(plan.requests) > 1 or body.startswith("@"):
        return None
    if not isinstance(plan.load, ClosedLoop | ConstantRate | PoissonRate):
        return None
    options: list[tuple[str, str]] = []
    if request.method != "GET" or body:  # with a body, the command line takes POST by itself
        options.append(("--method", request.method))
    for name, value in request.header_pairs:
        options.append(("--header", f"{name}: {header_value(name, value)}"))
    if body:
        options.append(("--body", body))
    if isinstance(plan.load, ClosedLoop):
        options.append(("--connections", str(plan.load.connections)))
    else:
        options.append(("--rate", f"{plan.load.rate_rps:.12g}"))
        if isinstance(plan.load, PoissonRate):
            options.append(("--arrivals", "poisson"))
        options.append(("--max-connections", str(plan.max_connections)))
    options += [
        ("--duration", _seconds(plan.duration_s)),
        ("--warmup", _seconds(plan.warmup_s)),
        ("--timeout", _seconds(plan.timeout_s)),
        ("--workers", str(plan.workers)),
        ("--driver", plan.driver),
    ]
    if plan.trace_ratio:
        options.append(("--trace-ratio", f"{plan.trace_ratio:.12g}"))
    if plan.seed != 1:
        options.append(("--seed", str(plan.seed)))
    if plan.name != request.name:
        options.append(("--name", plan.name))
    options += [("--slo", str(item)) for item in plan.slo]
    options += [("--abort-on", str(item)) for item in plan.abort_on]
    options += [("--tag", f"{key}={value}") for key, value in dict(plan.tags).items()]
    words = [f"{option} {shlex.quote(value)}" for option, value in options]
    return " \\\n  ".join([f"benchlab run {shlex.quote(public_url(request.url))}", *words])


def command_notes(plan: Plan) -> list[str]:
    """What the command line leaves open."""
    command = command_line(plan)
    if command is None:
        return [
            "The command line cannot express this plan (several requests, or a body that is not"
            " text). In Python, benchlab.Plan.from_json() takes the plan below as it is."
        ]
    return [f"Put the secrets back where it says {HIDDEN}."] if HIDDEN in command else []


def _seconds(value: float) -> str:
    return f"{value:.9f}".rstrip("0").rstrip(".") + "s"
