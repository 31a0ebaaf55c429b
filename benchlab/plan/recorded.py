"""What each arrival of a plan sends, where that was recorded: one request after the other.

A plan has a request for each *endpoint* of a recording: what its method, its headers and its name
are, and how its response is checked. What differs between the requests of an endpoint, the target
(path with query) and the body, is kept here, once for each different one. So a plan of a million
requests to a hundred thousand paths has a hundred `benchlab.Request` and not a hundred thousand.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from attrs import field, frozen

from benchlab.errors import InputError
from benchlab.text import plural

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["SESSION", "Content", "Recorded", "pack_order", "rolled", "withhold_contents"]

SESSION = "session"
"""The field that has the number of a request's session, in headers and bodies of an endpoint."""

_MOST_BYTES = 1 << 31
_NONE = -1  # no session


class Content(NamedTuple):
    """What one arrival sends: its target, its body (None: that of its endpoint), its session."""

    target: bytes
    body: bytes | None
    session: int


def _texts(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(texts)


def _shown(packed: bytes) -> str:
    return f"<{plural(len(packed), 'byte')}>"


@frozen
class Recorded:
    """The recorded order: which endpoint, target and body each arrival has, and its session.

    Arrays are kept as bytes, so that plans with them are immutable and equal if they mean the same:
    ``endpoint_of`` (uint16) has the index in a plan's ``requests`` for each arrival, ``target_of``
    (uint32) that in ``targets``, ``body_of`` (uint32) the number in ``bodies`` from 1, where 0 is
    the body of the endpoint's own request; it is empty without any body. ``session_of`` (int32)
    numbers the sessions, -1 where there is none; it is empty without any session.

    ``source`` says what was recorded, and ``speed`` how much faster it is sent. ``skipped`` counts
    what is not sent, by reason, and ``notes`` say what else to know, a sentence each. ``made_by``
    has the arguments that make the same from a file again, as a plan file has them; it is empty if
    there is no such file.

    A stored plan has the order, and of targets and bodies only the number and the digest: such a
    plan can be read and compared, but not sent again.

    Raises:
        InputError: the arrays do not fit each other.
    """

    endpoint_of: bytes = field(repr=_shown)
    target_of: bytes = field(repr=_shown)
    targets: tuple[str, ...] = field(repr=lambda targets: f"<{plural(len(targets), 'target')}>")
    body_of: bytes = field(default=b"", repr=_shown)
    bodies: tuple[bytes, ...] = field(default=(), repr=lambda bodies: f"<bodies: {len(bodies):,}>")
    session_of: bytes = field(default=b"", repr=_shown)
    source: str = ""
    speed: float = 1.0
    skipped: Mapping[str, int] = field(default=MappingProxyType({}), hash=False)
    notes: tuple[str, ...] = field(default=(), converter=_texts)
    made_by: Mapping[str, Any] = field(default=MappingProxyType({}), hash=False)
    withheld: Mapping[str, Any] = field(default=MappingProxyType({}), hash=False)

    def __attrs_post_init__(self) -> None:
        count = len(self)
        sizes = [(self.target_of, 4), (self.body_of, 4), (self.session_of, 4)]
        if (
            not count
            or len(self.endpoint_of) % 2
            or any(len(packed) not in (0, size * count) for packed, size in sizes)
            or not (self.withheld or self._is_complete)
        ):
            raise InputError(
                "its arrays do not fit each other",
                field="recorded",
                remedy="make the plan with Recording.plan",
            )

    @property
    def _is_complete(self) -> bool:
        return (
            bool(self.target_of)
            and int(_array(self.target_of, "<u4").max()) < len(self.targets)
            and (not self.body_of or int(_array(self.body_of, "<u4").max()) <= len(self.bodies))
        )

    def __len__(self) -> int:
        """The number of recorded requests."""
        return len(self.endpoint_of) // 2

    @property
    def order(self) -> NDArray[np.uint16]:
        """The index in the plan's ``requests`` of each arrival, in the recorded order."""
        return _array(self.endpoint_of, "<u2")

    @property
    def sessions(self) -> NDArray[np.int32]:
        """The number of the session of each arrival; -1 where the recording tells none."""
        import numpy as np

        if not self.session_of:
            return np.full(len(self), _NONE, dtype=np.int32)
        return _array(self.session_of, "<i4")

    @property
    def is_withheld(self) -> bool:
        """Whether targets and bodies were left out, so that nothing can be sent."""
        return not self.target_of

    def contents(self) -> Callable[[int], Content]:
        """A function of the place in the order: what is sent there. For hot loops to keep."""
        targets = [target.encode() for target in self.targets]
        target_of = memoryview(self.target_of).cast("I")
        body_of = memoryview(self.body_of).cast("I") if self.body_of else None
        session_of = memoryview(self.session_of).cast("i") if self.session_of else None
        bodies = (None, *self.bodies)

        def content(place: int) -> Content:
            return Content(
                targets[target_of[place]],
                None if body_of is None else bodies[body_of[place]],
                _NONE if session_of is None else session_of[place],
            )

        return content

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict: arrays and texts are compressed, and base64."""
        return {
            "endpoint_of": _packed(self.endpoint_of),
            "target_of": _packed(self.target_of),
            "targets": _packed("\n".join(self.targets).encode()),
            "body_of": _packed(self.body_of),
            "bodies": [base64.b64encode(body).decode() for body in self.bodies],
            "session_of": _packed(self.session_of),
            "source": self.source,
            "speed": self.speed,
            "skipped": dict(self.skipped),
            "notes": list(self.notes),
            "made_by": dict(self.made_by),
            **({"withheld": dict(self.withheld)} if self.withheld else {}),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """What `to_dict` wrote.

        Raises:
            InputError: it is damaged.
        """
        values = dict(data)
        try:
            for name in ("endpoint_of", "target_of", "body_of", "session_of"):
                values[name] = _unpacked(values.get(name, ""))
            targets = _unpacked(values.get("targets", "")).decode()
            values["targets"] = tuple(targets.split("\n")) if targets else ()
            bodies = values.get("bodies", ())
            values["bodies"] = tuple(base64.b64decode(body, validate=True) for body in bodies)
            return cls(**values)
        except (ValueError, TypeError, zlib.error) as exc:
            if isinstance(exc, InputError):
                raise
            raise InputError(f"cannot be read: {exc}", field="recorded") from exc


def pack_order(numbers: NDArray[Any], kind: str) -> bytes:
    """``numbers`` as the bytes that `Recorded` keeps: ``kind`` is their type, such as ``<u4``."""
    packed: bytes = numbers.astype(kind).tobytes()
    return packed


def withhold_contents(data: dict[str, Any]) -> None:
    """Replace targets and bodies in what `Recorded.to_dict` gave by their number and digest."""
    if not data["target_of"]:
        return
    import hashlib  # few plans need it

    digest = hashlib.sha256(f"{data['targets']}{data['target_of']}".encode())
    for body in data["bodies"]:
        digest.update(body.encode())
    digest.update(data["body_of"].encode())
    count = _unpacked(data["targets"]).count(b"\n") + 1
    data["withheld"] = {
        "target_count": count,
        "body_count": len(data["bodies"]),
        "sha256": digest.hexdigest(),
    }
    data |= {"target_of": "", "targets": "", "body_of": "", "bodies": []}


def _array(packed: bytes, kind: str) -> NDArray[Any]:
    import numpy as np

    return np.frombuffer(packed, dtype=kind)


def _packed(raw: bytes) -> str:
    return base64.b64encode(zlib.compress(raw, 1)).decode() if raw else ""


def _unpacked(text: str) -> bytes:
    if not text:
        return b""
    reader = zlib.decompressobj()
    raw = reader.decompress(base64.b64decode(text, validate=True), _MOST_BYTES)
    if not reader.eof:
        raise ValueError("it is cut off, or larger than 2 GiB")
    return raw


def rolled(order: Sequence[int], count: int) -> list[int]:
    """``order`` so that its first comes after ``count`` others: ``result[count] == order[0]``.

    >>> rolled([5, 6, 7], 1)
    [7, 5, 6]
    """
    cut = -count % len(order)
    return [*order[cut:], *order[:cut]]
