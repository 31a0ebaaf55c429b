"""Where a request goes."""

from __future__ import annotations

from urllib.parse import unquote

from benchlab.load.drivers.scenario.client.service import Service

__all__ = ["Target"]


class Target:
    """A service, and what is asked of it: ``text`` is the path with the query, as sent.

    ``place`` is the part of the URL before it.
    """

    __slots__ = ("place", "service", "text")

    def __init__(self, service: Service, place: str, text: str) -> None:
        self.service = service
        self.place = place
        self.text = text

    @property
    def raw_path(self) -> str:
        """The path, without the query, as sent."""
        return self.text.partition("?")[0]

    @property
    def path(self) -> str:
        """The path, decoded."""
        return unquote(self.raw_path)

    @property
    def url(self) -> str:
        """The whole URL."""
        return self.place + self.text

    def with_query(self, query: str | None) -> Target:
        """The same path with another query, or without one."""
        text = self.raw_path if query is None else f"{self.raw_path}?{query}"
        return Target(self.service, self.place, text)
