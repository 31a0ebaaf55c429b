"""Complete requests that are only paths with the services they are sent to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from benchlab.errors import InputError
from benchlab.plan.request import Request
from benchlab.redact import public_url

__all__ = ["Targets", "at_targets"]

Targets = Sequence[str] | Mapping[str, str]
"""Base URLs, or name → base URL."""


def at_targets(requests: tuple[Request, ...], targets: Targets) -> tuple[Request, ...]:
    """The requests with whole URLs: those that are only a path, once for each target."""
    if isinstance(targets, str):
        targets = [targets]
    paths = [request for request in requests if not request.is_absolute]
    if not paths:
        if targets:
            raise InputError(
                "they are given and every request has a whole URL",
                field="targets",
                remedy="write the requests' URLs as paths, such as /health, or leave them out",
            )
        return requests
    if not targets:
        shown = public_url(paths[0].url)
        example = urlsplit(paths[0].url_example)._replace(path="").geturl()
        raise InputError(
            "is only a path",
            field="url",
            value=shown,
            remedy=f"write it whole, such as {example}{shown}, or give the plan targets=[…]",
        )
    named = targets if isinstance(targets, Mapping) else _named(targets)
    whole: list[Request] = []
    for request in requests:
        if request.is_absolute:
            whole.append(request)
            continue
        for label, target in named.items():
            shown = label if len(named) > 1 else ""
            try:
                whole.append(request.at(target, 1 / len(named), shown))
            except InputError as exc:
                raise exc.of("targets") from exc
    return tuple(whole)


def _named(targets: Sequence[str]) -> dict[str, str]:
    """The base URLs by host and port, or by more of the URL where those do not tell them apart.

    Raises:
        InputError: two of them are the same.
    """
    urls = [target.rstrip("/") for target in targets]
    addresses = [urlsplit(url).netloc.rpartition("@")[2] for url in urls]
    for labels in (addresses, [public_url(url) for url in urls]):
        if len(set(labels)) == len(urls):
            return dict(zip(labels, urls, strict=True))
    raise InputError(
        "is given more than once",
        field="targets",
        value=next(label for label in labels if labels.count(label) > 1),
        remedy="leave it out, or give each a name of its own",
    )
