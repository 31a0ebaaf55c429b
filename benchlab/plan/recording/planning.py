"""Make a plan of a recording: its endpoints, and what each arrival sends."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlsplit

from benchlab.errors import InputError
from benchlab.plan.checks import Check, check_to_dict, tuple_of_checks
from benchlab.plan.plan import Plan
from benchlab.plan.recorded import Recorded, pack_order
from benchlab.plan.recording.columns import Columns
from benchlab.plan.recording.routes import OTHER_PATHS, route_of
from benchlab.plan.recording.skipped import Skip
from benchlab.plan.request import Headers, Request, with_content_type
from benchlab.plan.shapes.replay import Replay
from benchlab.plan.validation import check_number, text_pairs
from benchlab.redact import header_value, public_url
from benchlab.text import one_line, plural

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from benchlab.plan.recording.recording import Recording

__all__ = ["BODIES_SKIPPED", "MOST_ENDPOINTS", "make_plan"]

BODIES_SKIPPED = "skip"
"""The rule that leaves out requests whose body was not recorded."""

MOST_ENDPOINTS = 1_000
"""The most endpoints of a plan: rarer ones are one together, by method."""

_MOST_SPEED = 1e6
_REFUSED = ("requests", "load", "recorded", "scenario", "targets")

Bodies = str | bytes | Mapping[str, str | bytes]


def make_plan(
    recording: Recording,
    base_url: str | Mapping[str, str],
    speed: float,
    bodies: Bodies,
    headers: Headers,
    checks: Check | Iterable[Check],
    settings: Mapping[str, Any],
) -> Plan:
    """The plan that `benchlab.Recording.plan` describes.

    Raises:
        InputError: nothing is left to send, or a value that cannot be used.
    """
    check_number("speed", speed, "times the recorded speed", _MOST_SPEED)
    for name in _REFUSED:
        if name in settings:
            raise InputError("follows from the recording", field=name, remedy="leave it out")
    wanted = tuple_of_checks(checks)
    pairs = text_pairs("headers", headers)
    chosen = _Chosen(recording, _bases(base_url, recording.main_host), _templates(bodies))
    if not len(chosen.columns):
        raise InputError(
            f"nothing of {recording.describe()} is left to send: {chosen.describe()}",
            remedy="take another window, or give bodies a text for requests without theirs",
        )
    endpoints = _Endpoints(chosen)
    requests = [
        endpoint.request(pairs, wanted, named=len(chosen.bases) > 1) for endpoint in endpoints.all
    ]
    made_by = {}
    if recording.made_by:
        made_by = _made_by(recording, base_url, speed, bodies, pairs, wanted)
    offset_s = chosen.columns.offset_s
    return Plan(
        requests,
        Replay((offset_s - offset_s[0]) / speed),  # what came before may have been left out
        recorded=Recorded(
            endpoint_of=pack_order(endpoints.of, "<u2"),
            **chosen.contents(),
            source=recording.source,
            speed=speed,
            skipped=dict(Counter(recording.counts.skipped) + Counter(chosen.skipped)),
            notes=[*recording.notes, *chosen.notes, *endpoints.notes],
            made_by=made_by,
        ),
        **settings,
    )


class _Chosen:
    """The requests that are sent: those to known hosts, with a body where one is needed."""

    def __init__(
        self, recording: Recording, bases: Mapping[str, str], templates: _Templates
    ) -> None:
        import numpy as np

        columns = recording.requests
        self.bases = list(dict.fromkeys(bases.values()))
        self.skipped: dict[str, int] = {}
        self.notes: list[str] = []
        self._numbers = {base: number for number, base in enumerate(self.bases)}
        everything = bases.get("")
        of_host = [
            self._numbers.get(bases.get(host, everything or ""), -1) for host in columns.host.values
        ]
        base_of = np.array(of_host or [0], dtype=np.int32)[columns.host.index]
        columns, base_of = self._without(columns, base_of, base_of < 0, Skip.HOST)
        routes = [route_of(path) for path in columns.path.values]
        numbers = {route: number for number, route in enumerate(dict.fromkeys(routes))}
        self.routes = list(numbers)
        route_numbers = np.array([numbers[route] for route in routes] or [0], dtype=np.int64)
        unknown = columns.body < 0
        left_out = unknown & ~self._has_template(columns, route_numbers, unknown, templates)
        columns, base_of = self._without(columns, base_of, left_out, Skip.BODY)
        self.templates = templates
        self.columns: Columns = columns
        self.base_of: NDArray[np.int32] = base_of
        self.route_of: NDArray[np.int64] = route_numbers[columns.path.index]
        self.has_template: NDArray[np.bool_] = columns.body < 0
        if sent := int(self.has_template.sum()):
            self.notes.append(f"{plural(sent, 'request')} got a body by the rule for bodies")

    def _has_template(
        self,
        columns: Columns,
        route_numbers: NDArray[np.int64],
        unknown: NDArray[np.bool_],
        templates: _Templates,
    ) -> NDArray[np.bool_]:
        """A mask of the rows for which there is a template."""
        import numpy as np

        if templates.usual is not None or not templates.named:
            return np.full(len(columns), templates.usual is not None)
        method_count = max(len(columns.method.values), 1)
        key = route_numbers[columns.path.index] * method_count + columns.method.index
        known = {
            number
            for number in np.unique(key[unknown]).tolist()
            if self._name(columns, number, method_count) in templates.named
        }
        used = {self._name(columns, number, method_count) for number in known}
        if unused := sorted(set(templates.named) - used):
            listed = one_line(", ".join(unused), 200)
            self.notes.append(f"no request needed the body for {listed}")
        mask: NDArray[np.bool_] = np.isin(key, list(known))
        return mask

    def _name(self, columns: Columns, key: int, method_count: int) -> str:
        route, method = divmod(key, method_count)
        return f"{columns.method.values[method]} {self.routes[route]}"

    def _without(
        self,
        columns: Columns,
        base_of: NDArray[np.int32],
        left_out: NDArray[np.bool_],
        reason: Skip,
    ) -> tuple[Columns, NDArray[np.int32]]:
        if count := int(left_out.sum()):
            self.skipped[reason.value] = count
            return columns[~left_out], base_of[~left_out]
        return columns, base_of

    def describe(self) -> str:
        """What was left out, for a message."""
        from benchlab.plan.recording.skipped import describe_skipped

        return ", ".join(describe_skipped(self.skipped)) or "it is empty"

    def contents(self) -> dict[str, Any]:
        """The arguments of `Recorded` for targets, bodies and sessions."""
        import numpy as np

        columns = self.columns
        prefixes = [urlsplit(base).path.rstrip("/") for base in self.bases]
        width = len(columns.path.values)
        used, target_of = np.unique(
            self.base_of * np.int64(width) + columns.path.index, return_inverse=True
        )
        targets = tuple(
            f"{prefixes[number // width]}{columns.path.values[number % width]}"
            for number in used.tolist()
        )
        found: dict[str, Any] = {"target_of": pack_order(target_of, "<u4"), "targets": targets}
        if (columns.body > 0).any():
            kept, body_of = np.unique(np.maximum(columns.body, 0), return_inverse=True)
            first = int(kept[0] > 0)  # number 0 is the endpoint's own
            found["body_of"] = pack_order(body_of + first, "<u4")
            found["bodies"] = tuple(columns.bodies[number] for number in kept.tolist() if number)
        if (columns.session >= 0).any():
            found["session_of"] = pack_order(columns.session, "<i4")
        return found


class _Endpoint(NamedTuple):
    method: str
    base: str
    route: str
    path: str
    content_type: str
    body: bytes
    weight: int

    def request(
        self, headers: tuple[tuple[str, str], ...], checks: tuple[Check, ...], *, named: bool
    ) -> Request:
        """The request of the endpoint, with one of its paths."""
        url = f"{self.base.rstrip('/')}{self.path}"
        known = {name.lower() for name, _ in headers}
        if self.content_type and "content-type" not in known:
            headers = (*headers, ("Content-Type", self.content_type))
        where = f" @ {urlsplit(self.base).netloc.rpartition('@')[2]}" if named else ""
        return Request(
            self.method,
            url,
            headers=with_content_type(headers, self.body),
            body=self.body,
            weight=float(self.weight),
            name=f"{self.method} {self.route}{where}",
            checks=checks,
        )


class _Endpoints:
    """The endpoints, the most frequent first, and that of each request."""

    def __init__(self, chosen: _Chosen) -> None:
        import numpy as np

        columns = chosen.columns
        keys = np.stack(
            [
                columns.method.index.astype(np.int64),
                chosen.base_of.astype(np.int64),
                chosen.route_of,
                np.where(columns.body > 0, columns.content_type.index.astype(np.int64), -1),
                chosen.has_template.astype(np.int64),
            ],
            axis=1,
        )
        number_of = _numbered(keys)
        counts = np.bincount(number_of)
        self.notes: list[str] = []
        rare = np.argsort(-counts, kind="stable")[MOST_ENDPOINTS:]
        if chosen.templates.named:  # each has a body of its own
            rare = np.setdiff1d(rare, number_of[chosen.has_template])
        if len(rare):
            most = int(counts[rare].max())
            self.notes.append(
                f"{plural(len(rare), 'endpoint')} with at most {plural(most, 'request')} each are"
                f" shown together, as {OTHER_PATHS}"
            )
            keys[np.isin(number_of, rare), 2] = -1
            number_of = _numbered(keys)
            counts = np.bincount(number_of)
        _, first = np.unique(number_of, return_index=True)
        by_count = np.lexsort((first, -counts))
        place = np.empty(len(counts), dtype=np.int64)
        place[by_count] = np.arange(len(counts))
        self.of: NDArray[np.int64] = place[number_of]
        self.all = [
            self._endpoint(chosen, keys[row].tolist(), int(row), int(counts[number]))
            for number, row in zip(by_count.tolist(), first[by_count].tolist(), strict=True)
        ]

    def _endpoint(self, chosen: _Chosen, key: list[int], row: int, count: int) -> _Endpoint:
        method, base, route, content_type, has_template = key
        columns = chosen.columns
        name = columns.method.values[method]
        shown = chosen.routes[route] if route >= 0 else OTHER_PATHS
        body = chosen.templates.body_of(f"{name} {chosen.routes[chosen.route_of[row]]}")
        # Only an example: what is sent is the target of each request. So it has no secret, and
        # nothing that looks like a field.
        example = columns.path.values[columns.path.index[row]].partition("?")[0].partition(";")[0]
        return _Endpoint(
            method=name,
            base=chosen.bases[base],
            route=shown,
            path=quote(example, safe="/:@!$&'()*+,=-._~%"),
            content_type=columns.content_type.values[content_type] if content_type >= 0 else "",
            body=body if has_template else b"",
            weight=count,
        )


class _Templates(NamedTuple):
    """The rule for bodies that were not recorded: one for all, and those of endpoints."""

    usual: bytes | None
    named: Mapping[str, bytes]

    def body_of(self, name: str) -> bytes:
        return self.named.get(name, self.usual or b"")


def _templates(bodies: Bodies) -> _Templates:
    if isinstance(bodies, Mapping):
        return _Templates(None, {str(name): _encoded(body) for name, body in bodies.items()})
    if bodies == BODIES_SKIPPED:
        return _Templates(None, {})
    return _Templates(_encoded(bodies), {})


def _encoded(body: object) -> bytes:
    if isinstance(body, bytes | bytearray):
        return bytes(body)
    if isinstance(body, str):
        return body.encode()
    raise InputError(
        f"must be text or bytes, not {type(body).__name__}",
        field="bodies",
        remedy="give skip, the text of a body, or a mapping of endpoints to bodies",
    )


def _bases(base_url: str | Mapping[str, str], main_host: str) -> dict[str, str]:
    """The base URL of each host; that of "" is for all others."""
    given = dict(base_url) if isinstance(base_url, Mapping) else {main_host: base_url}
    if not given:
        raise InputError("there is none", field="base_url", remedy="give the URL of a service")
    for url in given.values():
        # Reads it as a request's, so that the error is the same.
        try:
            parts = Request("GET", url).parts
        except InputError as exc:
            raise exc.of("base_url") from exc
        if not parts.scheme or parts.query or parts.fragment:
            raise InputError(
                "is not the base of a service",
                field="base_url",
                value=public_url(url),
                remedy="write it as http://host:port",
            )
    return {str(host).lower(): url for host, url in given.items()}


def _made_by(
    recording: Recording,
    base_url: str | Mapping[str, str],
    speed: float,
    bodies: Bodies,
    headers: tuple[tuple[str, str], ...],
    checks: tuple[Check, ...],
) -> dict[str, Any]:
    """The table of a plan file that makes the same plan; {} if one of the bodies is not text."""
    try:
        rule = (
            {name: _encoded(body).decode() for name, body in bodies.items()}
            if isinstance(bodies, Mapping)
            else _encoded(bodies).decode()
        )
    except UnicodeDecodeError:
        return {}
    shown = (
        {host: public_url(url) for host, url in base_url.items()}
        if isinstance(base_url, Mapping)
        else public_url(base_url)
    )
    shown_headers = {name: header_value(name, text) for name, text in headers}
    arguments = {
        **recording.made_by,
        "base_url": shown,
        **({"speed": speed} if speed != 1 else {}),
        **({"bodies": rule} if rule != BODIES_SKIPPED else {}),
        **({"headers": shown_headers} if headers else {}),
        **({"checks": [check_to_dict(check) for check in checks]} if checks else {}),
    }
    made_by: dict[str, Any] = json.loads(json.dumps(arguments))  # as it is when read back
    return made_by


def _numbered(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """A number for each row, the same for equal rows."""
    import numpy as np

    whole = np.zeros(len(keys), dtype=np.int64)
    for column in keys.T:
        _, whole = np.unique(whole * (int(column.max()) + 2) + column + 1, return_inverse=True)
    return whole
