"""The command line that makes the same run again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from benchlab.plan.checks import (
    BodyContains,
    BodyEquals,
    BodyMatches,
    Check,
    EventContains,
    EventCount,
    EventJson,
    GrpcStatusIn,
    JsonEquals,
    MaxBody,
    StatusIn,
    status_codes,
)
from benchlab.plan.feed import Feed
from benchlab.plan.grpc.descriptors import source_kind
from benchlab.plan.grpc.request import GrpcRequest
from benchlab.plan.plan import COUNTED_LIMIT_S, Plan
from benchlab.plan.redacted import has_secrets
from benchlab.plan.request import Request, with_content_type
from benchlab.plan.scenario import Scenario
from benchlab.plan.stream import USUAL_STALL_S
from benchlab.plan.transport import Transport
from benchlab.redact import HIDDEN, header_value, public_url, url_has_secret
from benchlab.units import format_duration_s

__all__ = ["command_line", "command_notes"]

_FLAGS = ("--insecure", "--no-keep-alive", "--retry-reused", "--stream-rows")
_USUAL_DRAIN_S = 60.0


def command_line(plan: Plan) -> str | None:
    """``benchlab run …`` for ``plan``; None when the command line cannot express it."""
    request, *more = plan.requests
    sent = _request_options(request) if plan.scenario is None else _scenario_options(plan.scenario)
    load = plan.load.options()
    if more or plan.recorded is not None or sent is None or load is None:
        return None
    options = [*sent, *load]
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
    if plan.streams != 1:
        options.append(("--streams", str(plan.streams)))
    if plan.drain_s != _USUAL_DRAIN_S:
        options.append(("--drain", format_duration_s(plan.drain_s)))
    if plan.trace_ratio:
        options.append(("--trace-ratio", f"{plan.trace_ratio:.12g}"))
    if plan.seed != 1:
        options.append(("--seed", str(plan.seed)))
    if plan.name != request.name:
        options.append(("--name", plan.name))
    options += [("--slo", str(item)) for item in plan.slo]
    options += [("--abort-on", str(item)) for item in plan.abort_on]
    options += [("--fault", str(fault)) for fault in plan.faults]
    if any("=" in key or not key for key, _ in plan.tags):
        return None
    options += [("--tag", f"{key}={value}") for key, value in plan.tags]
    if any("\0" in value for _, value in options):  # which no argument can hold
        return None
    parts = [
        option if option in _FLAGS else f"{option} {shlex.quote(value)}"
        for option, value in options
    ]
    url = public_url(request.url) if url_has_secret(request.url) else request.url
    return " \\\n  ".join([f"benchlab run {shlex.quote(url)}", *parts])


def _request_options(request: Request) -> list[tuple[str, str]] | None:
    """The options that send ``request``; None when there are none for it."""
    try:
        body = request.body.decode()
    except UnicodeDecodeError:
        return None
    headers, checks = request.headers, _check_options(request.checks)
    if checks is None or request.is_named or body.startswith("@"):
        return None
    # The command line strips values, and gives JSON its type.
    if any(value != value.strip() for _, value in headers):
        return None
    call = request if isinstance(request, GrpcRequest) else None
    if call is None and with_content_type(headers, body) != headers:
        return None
    feed = _feed_options(request.data)
    if feed is None:
        return None
    options = [] if call is None else _call_options(call)
    # With a body, the command line takes POST by itself.
    if call is None and (request.method != "GET" or body):
        options.append(("--method", request.method))
    for name, value in headers:
        options.append(("--header", f"{name}: {header_value(name, value)}"))
    if body:
        options.append(("--body", body))
    return [*options, *feed, *_stream_options(request), *checks]


def _call_options(request: GrpcRequest) -> list[tuple[str, str]]:
    """The options that only gRPC has."""
    options: list[tuple[str, str]] = []
    found = request.descriptors
    if found is not None and found.source:
        options.append((f"--{source_kind(found.source)}", found.source))
        options += [("--import-path", place) for place in found.import_paths]
    if request.deadline_s is not None:
        options.append(("--deadline", format_duration_s(request.deadline_s)))
    return options + ([("--compression", request.compression)] if request.compression else [])


def _scenario_options(scenario: Scenario) -> list[tuple[str, str]] | None:
    """The options that run ``scenario``; None for a function of no file, or one renamed."""
    feed = _feed_options(scenario.data)
    if feed is None or scenario.function.rpartition(":")[2] != scenario.name:
        return None
    return [("--scenario", scenario.function), *feed]


def _feed_options(feed: Feed | None) -> list[tuple[str, str]] | None:
    """The options that read ``feed``; None when its rows came from no file."""
    if feed is None:
        return []
    return [("--feed", feed.file), ("--pick", feed.pick)] if feed.file else None


def _check_options(checks: Sequence[Check]) -> list[tuple[str, str]] | None:
    """The options that mean ``checks``; None when one of them has none."""
    options: list[tuple[str, str]] = []
    for check in checks:
        match check:
            case StatusIn(statuses=statuses):
                options.append(("--expect-status", ",".join(status_codes(statuses))))
            case GrpcStatusIn(statuses=names):
                options.append(("--expect-status", ",".join(names)))
            case BodyContains(text):
                options.append(("--expect-body", text))
            case BodyEquals(text) if text:
                options.append(("--expect-equals", text))
            case BodyMatches(pattern):
                options.append(("--expect-regex", pattern))
            case JsonEquals(path, value) if "=" not in path and path == path.strip():
                options.append(("--expect-json", f"{path}={json.dumps(value)}"))
            case EventCount(at_least):
                options.append(("--expect-events", str(at_least)))
            case EventContains(text, of):
                options.append((_event_option(of), text))
            case EventJson(path, value, of) if "=" not in path and path == path.strip():
                options.append((f"{_event_option(of)}-json", f"{path}={json.dumps(value)}"))
            case MaxBody(size_bytes):
                options.append(("--max-body", str(size_bytes)))
            case _:
                return None
    kinds = [option for option, _ in options]
    single = ("--expect-status", "--expect-equals", "--max-body", "--expect-events")
    return None if any(kinds.count(option) > 1 for option in single) else options


def _event_option(of: str) -> str:
    return "--expect-event" if of == "every" else "--expect-last-event"


def _stream_options(request: Request) -> list[tuple[str, str]]:
    """The options that read the response as a stream."""
    stream = request.stream
    if stream is None:
        return []
    options = [("--stream", stream.kind)]
    if stream.max_events is not None:
        options.append(("--stream-events", str(stream.max_events)))
    if stream.max_s is not None:
        options.append(("--stream-time", format_duration_s(stream.max_s)))
    if stream.stall_s != USUAL_STALL_S:
        options.append(("--stall", format_duration_s(stream.stall_s)))
    return [*options, ("--stream-rows", "")] if stream.rows else options


def command_notes(plan: Plan) -> list[str]:
    """What the command line does not express."""
    if plan.load.is_imported:
        return [f"{plan.load.source} made this load; its results do not say with which settings."]
    command = command_line(plan)
    if command is None:
        return [
            "The options of the command line cannot express this plan. Save the plan below as"
            " plan.toml, then: benchlab run plan.toml."
        ]
    return [f"Put the secrets back where it says {HIDDEN}."] if has_secrets(plan) else []


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
    policies = {
        "--retry": transport.retry,
        "--hedge": transport.hedge,
        "--breaker": transport.breaker,
    }
    options += [(option, str(policy)) for option, policy in policies.items() if policy]
    flags = {
        "--insecure": not transport.verify,
        "--no-keep-alive": not transport.keep_alive,
        "--retry-reused": transport.retry_reused,
    }
    return options + [(flag, "") for flag, is_set in flags.items() if is_set]
