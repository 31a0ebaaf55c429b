"""The types of a plan's fields as JSON; the classes themselves check what the values mean."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

from msgspec import Meta

from benchlab.decoding import Count

__all__ = ["PlanData"]

_Digest = Annotated[str, Meta(max_length=64)]


class _Withheld(TypedDict, total=False):
    row_count: Count
    sha256: _Digest


class _FeedData(TypedDict, total=False):
    rows: list[Any]
    pick: str
    name: str
    withheld: _Withheld


class _GrpcData(TypedDict, total=False):
    deadline_s: float | None
    compression: str
    descriptors: str
    source: str
    import_paths: list[str]
    streaming: list[str]


class _RequestData(TypedDict, total=False):
    method: str
    url: str
    headers: dict[str, str] | list[tuple[str, str]]
    body: str
    body_base64: str
    weight: float
    name: str
    checks: list[dict[str, Any]]
    data: _FeedData | None
    grpc: _GrpcData
    stream: dict[str, Any] | None


class _ScenarioData(TypedDict, total=False):
    base_url: str
    name: str
    code: str
    source: str
    function: str
    data: _FeedData | None
    steps: list[str]
    client: str


class _WithheldContents(TypedDict, total=False):
    target_count: Count
    body_count: Count
    sha256: _Digest


class _RecordedData(TypedDict, total=False):
    endpoint_of: str
    target_of: str
    targets: str
    body_of: str
    bodies: list[str]
    session_of: str
    source: str
    speed: float
    skipped: dict[str, Count]
    notes: list[str]
    made_by: dict[str, Any]
    withheld: _WithheldContents


class PlanData(TypedDict, total=False):
    """What `benchlab.plan.plan.Plan.to_dict` makes; any field may be left out."""

    requests: list[_RequestData]
    load: dict[str, Any]
    duration_s: float | None
    request_count: Count | None
    warmup_s: float
    timeout_s: float
    max_connections: Count
    streams: Count
    workers: Count
    driver: str
    trace_ratio: float
    seed: Count
    drain_s: float
    name: str
    tags: dict[str, str]
    slo: list[str]
    abort_on: list[str]
    transport: dict[str, Any]
    scenario: _ScenarioData | None
    faults: list[dict[str, Any] | str]
    recorded: _RecordedData | None
    length_s: float
