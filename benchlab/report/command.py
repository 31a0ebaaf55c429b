"""The command line that makes the same run again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from benchlab.plan.checks import (
    BodyContains,
    BodyMatches,
    Check,
    JsonEquals,
    MaxBody,
    StatusIn,
    status_codes,
)
from benchlab.plan.plan import COUNTED_LIMIT_S, Plan
from benchlab.plan.transport import Transport
from benchlab.redact import HIDDEN, header_value, public_url
from benchlab.units import format_duration_s

__all__ = ["command_line", "command_notes"]


def command_line(plan: Plan) -> str | None:
    """``benchlab run …`` for ``plan``; None when the command line cannot express it."""
    request = plan.requests[0]
    try:
        body = request.body.decode()
    except UnicodeDecodeError:
        return None
    checks = _check_options(request.checks)
    if checks is None or request.data is not None:
        return None
    if len(plan.requests) > 1 or body.startswith("@"):
        return None
    load_options = plan.load.options()
    if load_options is None:
        return None
    options: list[tuple[str, str]] = []
    if request.method != "GET" or body:  # with a body, the command line takes POST by itself
        options.append(("--method", request.method))
    for name, value in request.headers:
        options.append(("--header", f"{name}: {header_value(name, value)}"))
    if body:
        options.append(("--body", body))
    options += checks
    options += load_options
    if plan.load.has_schedule:
        options.append(("--max-connections", str(plan.max_connections)))
    options += [
        *_length_options(plan),
        ("--warmup", format_duration_s(plan.warmup_s)),
        ("--timeout", format_duration_s(plan.timeout_s)),
        ("--workers", str(plan.workers)),
        ("--driver", plan.driver),
        *_transport_options(plan.transport),
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
    words = [f"{option} {shlex.quote(value)}" if value else option for option, value in options]
    return " \\\n  ".join([f"benchlab run {shlex.quote(public_url(request.url))}", *words])


def _check_options(checks: Sequence[Check]) -> list[tuple[str, str]] | None:
    """The options that mean ``checks``; None when one of them has none."""
    options: list[tuple[str, str]] = []
    for check in checks:
        match check:
            case StatusIn(statuses=statuses):
                options.append(("--expect-status", ",".join(status_codes(statuses))))
            case BodyContains(text):
                options.append(("--expect-body", text))
            case BodyMatches(pattern):
                options.append(("--expect-regex", pattern))
            case JsonEquals(path, value) if "=" not in path:
                options.append(("--expect-json", f"{path}={json.dumps(value)}"))
            case MaxBody(size_bytes):
                options.append(("--max-body", str(size_bytes)))
            case _:
                return None
    kinds = [option for option, _ in options]
    single = ("--expect-status", "--max-body")
    return None if any(kinds.count(option) > 1 for option in single) else options


def command_notes(plan: Plan) -> list[str]:
    """What the command line leaves open."""
    if plan.load.is_imported:
        return [f"{plan.load.source} made this load; its results do not say how."]
    command = command_line(plan)
    if command is None:
        return [
            "The options of the command line cannot express this plan. Save the plan below as"
            " plan.toml, then: benchlab run plan.toml."
        ]
    return [f"Put the secrets back where it says {HIDDEN}."] if HIDDEN in command else []


def _length_options(plan: Plan) -> list[tuple[str, str]]:
    options = []
    if plan.request_count is not None:
        options.append(("--requests", str(plan.request_count)))
    usual_s = plan.load.duration_s if plan.request_count is None else COUNTED_LIMIT_S
    if plan.length_s != usual_s:
        options.append(("--duration", format_duration_s(plan.length_s)))
    return options


def _transport_options(transport: Transport) -> list[tuple[str, str]]:
    named = {
        "--ca-file": transport.ca_file,
        "--cert": transport.client_cert,
        "--key": transport.client_key,
        "--server-name": transport.server_name,
        "--unix-socket": transport.unix_socket,
    }
    options = [(option, value) for option, value in named.items() if value]
    options += [("--resolve", f"{host}={to}") for host, to in dict(transport.resolve).items()]
    if transport.dns_ttl_s != Transport().dns_ttl_s:
        options.append(("--dns-ttl", f"{transport.dns_ttl_s:.12g}"))
    flags = {"--insecure": not transport.verify, "--no-keep-alive": not transport.keep_alive}
    return options + [(flag, "") for flag, is_set in flags.items() if is_set]
