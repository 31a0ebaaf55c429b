"""A scenario: the steps of one user, as code."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any, Self

from attrs import field, frozen

from benchlab.displayed import Displayed
from benchlab.errors import InputError
from benchlab.plan.drivers import DRIVERS, SCENARIO_CLIENTS
from benchlab.plan.feed import Feed, redact_rows
from benchlab.plan.request import Request
from benchlab.plan.validation import check_choice
from benchlab.redact import public_url

__all__ = ["MOST_STEPS", "GrpcService", "Scenario", "redact_code"]

MOST_STEPS = 1_000
"""The most different names of steps in a run."""

_FORMER_CLIENT = "httpx"
"""The client of a stored scenario that names none: there was no other."""


def _shown_url(url: str) -> str:
    return repr(public_url(url))


def _tuple(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(names)


def _check_client(_scenario: Scenario, _field: Any, client: str) -> None:
    check_choice("client", client, SCENARIO_CLIENTS)


class GrpcService(Request):
    """The service that a scenario calls."""

    schemes = ("grpc", "grpcs")
    url_example = "grpc://127.0.0.1:50051"


@frozen
class Scenario(Displayed):
    """An ``async def name(client, ctx)`` and the service it is for. Made by `benchlab.scenario`.

    ``code`` is the pickled function, ``source`` its text for people, and ``function`` names it by
    ``FILE.py:NAME`` if it was read from a file. ``data`` is a feed whose rows are in ``ctx.row``,
    one for each iteration. ``client`` names what a user's requests are sent with: ``http``,
    ``httpx`` for an `httpx.AsyncClient`, or ``grpc`` for calls; it is the driver of the plan.
    ``steps`` are the names of the steps that ran; a run fills them in.

    A stored plan has the source but not the code: it can be read, but not run again.
    """

    base_url: str = field(repr=_shown_url)
    name: str
    code: bytes = field(default=b"", repr=False)
    source: str = ""
    function: str = ""
    data: Feed | None = None
    steps: tuple[str, ...] = field(default=(), converter=_tuple)
    client: str = field(default=SCENARIO_CLIENTS[0], validator=_check_client)

    @property
    def anchor(self) -> Request:
        """The plan's only request: it names the service and the iterations."""
        kind = Request if "http" in DRIVERS[self.client].schemes else GrpcService
        return kind("GET", self.base_url, name=self.name)

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict."""
        return {
            "base_url": self.base_url,
            "name": self.name,
            "code": base64.b64encode(self.code).decode(),
            "source": self.source,
            "function": self.function,
            "data": None if self.data is None else self.data.to_dict(),
            "steps": list(self.steps),
            "client": self.client,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The scenario that `to_dict` wrote.

        Raises:
            InputError: it is something else.
        """
        values = {"client": _FORMER_CLIENT, **data}
        try:
            values["code"] = base64.b64decode(values.get("code", ""), validate=True)
            if values.get("data") is not None:
                values["data"] = Feed.from_dict(values["data"])
            return cls(**values)
        except (TypeError, binascii.Error) as exc:
            raise InputError(f"the scenario cannot be read: {exc}") from exc


def redact_code(data: dict[str, Any]) -> None:
    """Remove the code, and the rows of data, from a dict of `Scenario.to_dict`."""
    data["code"] = ""
    if data["data"] is not None:
        redact_rows(data["data"])
