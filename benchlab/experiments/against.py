"""The same plan for another service: what ``--against URL`` compares a plan with."""

from __future__ import annotations

from urllib.parse import urlsplit

from attrs import evolve

from benchlab.errors import InputError
from benchlab.plan.plan import Plan
from benchlab.redact import public_url

__all__ = ["plan_against"]


def plan_against(plan: Plan, base_url: str) -> Plan:
    """``plan`` with the service at ``base_url``: scheme, host and port; paths stay as they are.

    Requests keep their names, and so do the endpoints of the results.

    Raises:
        InputError: it is not such a URL, or the plan has several services.

    >>> from benchlab.plan.request import Request
    >>> plan = Plan(Request("GET", "http://127.0.0.1:8000/items?page=2"))
    >>> plan_against(plan, "http://127.0.0.1:9000").requests[0].url
    'http://127.0.0.1:9000/items?page=2'
    """
    if len(plan.origins) > 1:
        raise InputError(
            f"is for a plan of one service, and this has {len(plan.origins)}",
            field="against",
            value=public_url(base_url),
            remedy="write a second plan, and compare the two",
        )
    parts = urlsplit(base_url)
    schemes = plan.requests[0].schemes
    if parts.scheme not in schemes or not parts.netloc:
        raise InputError(
            "is not the URL of a service",
            field="against",
            value=public_url(base_url),
            remedy=f"write it as {schemes[0]}://host:port",
        )
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise InputError(
            "has a path",
            field="against",
            value=public_url(base_url),
            remedy="give scheme, host and port only, since the paths are the plan's; for other"
            " paths give a second plan or URL",
        )
    base = f"{parts.scheme}://{parts.netloc}"
    if plan.scenario is not None:
        return plan.replace(
            scenario=evolve(plan.scenario, base_url=_at(plan.scenario.base_url, base))
        )
    moved = [evolve(item, url=_at(item.url, base), name=item.name) for item in plan.requests]
    return plan.replace(requests=moved)


def _at(url: str, base: str) -> str:
    parts = urlsplit(url)
    return url.replace(f"{parts.scheme}://{parts.netloc}", base, 1)
