"""Fill the fields of requests: those of data before the run, built-in ones when sending."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from benchlab.errors import InputError
from benchlab.load.drivers.headers import request_headers
from benchlab.plan.plan import Plan
from benchlab.plan.recorded import SESSION, Content
from benchlab.plan.request import Request
from benchlab.plan.template import BUILT_IN, as_header, as_url, fill, unique_id

__all__ = ["Rendered", "Renderer"]

_SAFE_IN_PATH = "/?:@!$&'()*+,;=-._~%[]|^`{}\"<>\\"


class Rendered(NamedTuple):
    """A request ready to send: path with query, headers and body (of gRPC: the message)."""

    path: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class Renderer:
    """Fills the fields of one of a plan's requests.

    ``variants`` has the request once per row of its data, or once without data. Their built-in
    fields (if it ``is_dynamic``) are filled when a request is sent, and so is what was recorded: a
    recording may have a hundred thousand targets, of which each worker sends a part.

    Raises:
        InputError: a value of a row is not allowed in its header, or does not fit the message.
    """

    def __init__(self, plan: Plan, index: int, run_id: str) -> None:
        """Render request number ``index`` of ``plan``."""
        request = plan.requests[index]
        self._data = request.data
        self._seed = plan.seed
        self._id_start, self._id_format = unique_id(run_id)
        plain = _plain(request)
        self._fill_body, self._encode = request.body_filler(), request.body_encoder()
        self._content_of = plan.content_of if plan.recorded is not None else None
        self.has_fields = bool(_fields_of(plan, request))
        self.is_dynamic = self.has_fields or self._content_of is not None
        self.variants = [plain]
        if self._data is not None:
            self._turn_of = plan.turn_of
            self.variants = [
                self._filled(plain, row, f"row {number} of {self._data.name}")
                for number, row in enumerate(self._data.rows, 1)
            ]
        if not self.is_dynamic:
            self.variants = [
                self._encoded(variant, number) for number, variant in enumerate(self.variants, 1)
            ]

    def choose(self, seq: int) -> int:
        """The index of the variant for sequence number ``seq``."""
        if self._data is None:
            return 0
        return self._data.index(self._turn_of(seq), seq, self._seed)

    def render(self, seq: int) -> Rendered:
        """The request for sequence number ``seq``."""
        if self._content_of is not None:
            return self._recorded(seq, self._content_of(seq))
        return self.finish(self.variants[self.choose(seq)], seq)

    def finish(self, variant: Rendered, seq: int) -> Rendered:
        """Fill the built-in fields of a variant."""
        if not self.is_dynamic:
            return variant
        return self._encoded(self._filled(variant, self._built_in(seq)))

    def _recorded(self, seq: int, content: Content) -> Rendered:
        """A recorded request: its fields are those of its endpoint, never of what was recorded."""
        variant = self.variants[0]
        if self.has_fields:
            values = self._built_in(seq) | {"session": content.session}
            variant = self._filled(variant, values)
        body = variant.body if content.body is None else content.body
        return Rendered(content.target, variant.headers, body)

    def _built_in(self, seq: int) -> dict[str, Any]:
        return {"seq": seq, "uuid": self._id_start + self._id_format % seq}

    def _filled(self, plain: Rendered, values: Mapping[str, Any], where: str = "") -> Rendered:
        try:
            headers = tuple((name, fill(text, values, as_header)) for name, text in plain.headers)
        except ValueError as exc:
            raise InputError(f"{where} cannot fill a header: {exc}") from exc
        return Rendered(
            fill(plain.path, values, as_url), headers, self._fill_body(plain.body, values)
        )

    def _encoded(self, variant: Rendered, row: int = 0) -> Rendered:
        try:
            return variant._replace(body=self._encode(variant.body))
        except InputError as exc:
            if self._data is None or not row:
                raise
            raise exc.within(f"row {row} of {self._data.name}") from exc


def _fields_of(plan: Plan, request: Request) -> set[str]:
    """The fields of a request that are filled when it is sent."""
    if plan.recorded is not None:
        return request.names_in_braces & {*BUILT_IN, SESSION}
    return request.field_names & set(BUILT_IN)


def _plain(request: Request) -> Rendered:
    parts = request.parts
    path = quote(
        (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe=_SAFE_IN_PATH
    )
    headers = tuple(
        (name.encode("latin-1"), value.encode("latin-1"))
        for name, value in request_headers(request)
    )
    return Rendered(path.encode(), headers, request.body)
