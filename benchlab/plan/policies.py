"""What a client does about requests that fail or are slow: retry, hedge, break the circuit.

Sources: capped exponential backoff with jitter (M. Brooker, "Exponential Backoff And Jitter", AWS
Architecture Blog, 2015); retry budgets (Google, "Site Reliability Engineering", 2016, chapter 21;
the token bucket is that of Twitter's Finagle); hedged requests (J. Dean and L. A. Barroso, "The
Tail at Scale", CACM 56(2), 2013); circuit breaker (M. Nygard, "Release It!", 2nd ed., 2018).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

import attrs
from attrs import field, frozen

from benchlab.displayed import Displayed
from benchlab.errors import InputError
from benchlab.plan.validation import check_choice, check_number, check_seconds, check_whole
from benchlab.units import format_duration_s, parse_duration_s

if TYPE_CHECKING:
    from benchlab.samples.records import ErrorKind  # with numpy, which plans do not need

__all__ = ["JITTERS", "Breaker", "Hedge", "Retry", "policy_of"]

JITTERS = ("full", "equal", "none")
"""How a pause is drawn: from 0 to the backoff, from half of it to all, or the backoff itself."""

_KINDS = ("connect", "tls", "timeout", "reset", "closed", "protocol", "check")
_STATUS = re.compile(r"status:([1-5](?:\d\d|xx))")
_USUAL = ("connect", "timeout", "reset", "closed", "status:429", "status:5xx")

Policy = TypeVar("Policy", bound="_Policy")


def _causes(given: str | Iterable[str]) -> tuple[str, ...]:
    if isinstance(given, str):
        return tuple(given.split(","))
    if isinstance(given, Iterable):
        return tuple(given)
    raise InputError("must be a list of names", field="on", value=given)


@frozen
class _Policy(Displayed):
    """What all policies can: be read from text and from a table, and be written."""

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict of all fields."""
        data = {item.name: getattr(self, item.name) for item in attrs.fields(type(self))}
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in data.items()
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The policy of a table of its fields; durations may be text, what is absent is usual.

        Raises:
            InputError: an unknown field, or a value that cannot be used.
        """
        known = [item.name for item in attrs.fields(cls)]
        unknown = sorted(set(data) - set(known))
        if unknown:
            raise InputError(
                "is unknown", field=unknown[0], value=data[unknown[0]], remedy=_one_of(known)
            )
        return cls(**{name: _seconds(name, value) for name, value in data.items()})

    @classmethod
    def parse(cls, text: str) -> Self:
        """The policy of a text such as ``tries=3 backoff=100ms budget=10%``.

        The name of the first field may be left out: ``3 backoff=100ms``.

        Raises:
            InputError: an unknown name, or a value that cannot be used.
        """
        fields = attrs.fields(cls)
        names = {item.name.removesuffix("_s"): item for item in fields}
        values: dict[str, Any] = {}
        for number, part in enumerate(text.split()):
            name, equals, value = part.partition("=")
            if not equals and number == 0:
                name, value = next(iter(names)), part
            if name not in names or not value:
                raise InputError(
                    f"{part!r} cannot be read",
                    value=text,
                    remedy=f"write NAME=VALUE with {_one_of(names)}",
                )
            if names[name].name in values:
                raise InputError(f"has {name!r} twice", value=text)
            values[names[name].name] = _value_of(names[name], value)
        if not values:
            raise InputError("is empty", value=text, remedy=f"write NAME=VALUE, {_one_of(names)}")
        return cls(**values)

    def __str__(self) -> str:
        """The text that `parse` reads: the first field, and what differs from the defaults."""
        parts = []
        for number, item in enumerate(attrs.fields(type(self))):
            value = getattr(self, item.name)
            if number == 0 or value != item.default:
                parts.append(f"{item.name.removesuffix('_s')}={_text_of(item.name, value)}")
        return " ".join(parts)


@frozen
class Retry(_Policy):
    """Retry requests that failed, after a pause that doubles.

    ``tries`` is the most tries of a request, its first included. ``on`` lists what is retried:
    ``connect``, ``tls``, ``timeout``, ``reset``, ``closed``, ``protocol``, ``check``, and statuses
    such as ``status:503`` or ``status:5xx``; also requests that change something are.

    The pause before the first retry is up to ``backoff_s``, before each further one up to twice
    that, at most ``most_backoff_s``; ``jitter`` (``full``, ``equal``, ``none``) says how it is
    drawn. ``budget`` limits the retries to this share of the requests (0.1: one retry for ten
    requests, and ten more); without one every failure is retried. ``deadline_s`` ends a request
    with all of its tries and pauses; each try has the plan's ``timeout_s`` besides.

    >>> str(Retry.parse("tries=4 backoff=50ms budget=10%"))
    'tries=4 backoff=0.05s budget=10%'

    Raises:
        InputError: a value that cannot be used.
    """

    tries: int = 3
    on: tuple[str, ...] = field(default=_USUAL, converter=_causes)
    backoff_s: float = 0.1
    most_backoff_s: float = 5.0
    jitter: str = "full"
    budget: float | None = None
    deadline_s: float | None = None

    def __attrs_post_init__(self) -> None:
        check_whole("tries", self.tries, 2, 100)
        for cause in self.on:
            if cause not in _KINDS and not (isinstance(cause, str) and _STATUS.fullmatch(cause)):
                raise InputError(
                    "is no reason to retry",
                    field="on",
                    value=cause,
                    remedy=f"{_one_of(_KINDS)}, status:503 or status:5xx",
                )
        if not self.on:
            raise InputError("is empty", field="on", remedy="leave it out, or name what is retried")
        check_seconds("backoff_s", self.backoff_s, zero=True)
        check_seconds("most_backoff_s", self.most_backoff_s, zero=True)
        check_choice("jitter", self.jitter, JITTERS)
        if self.budget is not None:
            check_number("budget", self.budget, "retries per request", 100, zero=True)
        if self.deadline_s is not None:
            check_seconds("deadline_s", self.deadline_s)

    def retries(self, error: ErrorKind, status: int) -> bool:
        """Whether a request that failed like this is retried.

        >>> from benchlab.samples.records import ErrorKind
        >>> Retry().retries(ErrorKind.STATUS, 503), Retry().retries(ErrorKind.STATUS, 404)
        (True, False)
        """
        if error.label in self.on:
            return True
        if error.label not in ("status", "check"):
            return False
        return f"status:{status}" in self.on or f"status:{status // 100}xx" in self.on

    def describe(self) -> str:
        """A short description.

        >>> Retry(budget=0.1).describe()
        'up to 3 tries, pauses from 0.1s up to 5s, full jitter, a budget of 10%'
        """
        pauses = "without a pause"
        first_s, most_s = self.backoff_s, self.most_backoff_s
        if first_s and most_s:
            rising = f"from {format_duration_s(first_s)} " if first_s < most_s else "of "
            pauses = f"pauses {rising}up to {format_duration_s(most_s)}, {self.jitter} jitter"
        budget = "no budget" if self.budget is None else f"a budget of {_percent(self.budget)}"
        end = f", at most {format_duration_s(self.deadline_s)}" if self.deadline_s else ""
        return f"up to {self.tries} tries, {pauses}, {budget}{end}"


@frozen
class Hedge(_Policy):
    """Send a request once more when its response is slow, and take what comes first.

    A hedge is sent ``after_s`` without a response, at most ``most`` of a request, each ``after_s``
    after the one before. The tries that lose are given up, and their connections closed.
    ``budget`` limits hedges to this share of the requests.

    >>> str(Hedge.parse("50ms"))
    'after=0.05s'

    Raises:
        InputError: a value that cannot be used.
    """

    after_s: float = 0.05
    most: int = 1
    budget: float | None = None

    def __attrs_post_init__(self) -> None:
        check_seconds("after_s", self.after_s)
        check_whole("most", self.most, 1, 10)
        if self.budget is not None:
            check_number("budget", self.budget, "hedges per request", 100, zero=True)

    def describe(self) -> str:
        """A short description.

        >>> Hedge().describe()
        'hedged after 0.05s'
        """
        many = f", at most {self.most} times" if self.most > 1 else ""
        budget = "" if self.budget is None else f", a budget of {_percent(self.budget)}"
        return f"hedged after {format_duration_s(self.after_s)}{many}{budget}"


@frozen
class Breaker(_Policy):
    """Send nothing to a service that fails, and try after a while whether it works again.

    The circuit of a service opens when ``failure_ratio`` of its responses in ``window_s`` failed,
    of at least ``least``: without a response, or with a status of 500 or above. It is open for
    ``open_s``: requests fail at once with ``circuit_open`` and are not sent. Then ``probes``
    requests are sent; if all succeed it closes, else it is open for as long again. Each worker has
    a breaker of its own for each service.

    >>> str(Breaker.parse("failure_ratio=25% open=1s"))
    'failure_ratio=25% open=1s'

    Raises:
        InputError: a value that cannot be used.
    """

    failure_ratio: float = 0.5
    least: int = 20
    window_s: float = 10.0
    open_s: float = 5.0
    probes: int = 1

    def __attrs_post_init__(self) -> None:
        check_number("failure_ratio", self.failure_ratio, "failures per response", 1)
        check_whole("least", self.least, 1, 1_000_000)
        check_seconds("window_s", self.window_s)
        check_seconds("open_s", self.open_s)
        check_whole("probes", self.probes, 1, 1000)

    def describe(self) -> str:
        """A short description.

        >>> Breaker().describe()
        'a circuit that opens at 50% of failures in 10s, for 5s'
        """
        return (
            f"a circuit that opens at {_percent(self.failure_ratio)} of failures in"
            f" {format_duration_s(self.window_s)}, for {format_duration_s(self.open_s)}"
        )


def policy_of(name: str, kind: type[Policy], given: Any) -> Policy | None:
    """The policy of ``kind`` that is ``given`` as itself, as a table or as a text; None for None.

    ``name`` is the setting, which errors name.

    Raises:
        InputError: it is something else, or cannot be used.
    """
    if given is None or isinstance(given, kind):
        return given
    try:
        if isinstance(given, Mapping):
            return kind.from_dict(given)
        if isinstance(given, str):
            return kind.parse(given)
    except InputError as exc:
        raise exc.of(f"{name}.{exc.field}" if exc.field else name) from exc
    raise InputError(
        f"is a {type(given).__name__}",
        field=name,
        remedy=f"give a benchlab.{kind.__name__}, a table of its fields, or a text",
    )


def _one_of(names: Iterable[str]) -> str:
    return f"one of {', '.join(names)}"


def _seconds(name: str, value: Any) -> Any:
    if isinstance(value, str) and name.endswith("_s"):
        try:
            return parse_duration_s(value)
        except InputError as exc:
            raise exc.of(name) from exc
    if isinstance(value, str) and name in _SHARES:
        return _share(name, value)
    return value


_SHARES = ("budget", "failure_ratio")


def _value_of(item: attrs.Attribute[Any], text: str) -> Any:
    if item.name.endswith("_s") or item.name in _SHARES:
        return _seconds(item.name, text)
    if isinstance(item.default, int):
        if not text.isdecimal():
            raise InputError("must be a whole number", field=item.name, value=text)
        return int(text)
    return text


def _share(name: str, text: str) -> float:
    number = text.removesuffix("%")
    try:
        value = float(number)
    except ValueError:
        raise InputError("must be a share", field=name, value=text, remedy="write 10%") from None
    return value / 100 if number != text else value


def _percent(ratio: float) -> str:
    return f"{ratio * 100:.12g}%"


def _text_of(name: str, value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(value)
    if name.endswith("_s"):
        return format_duration_s(value)
    return _percent(value) if name in _SHARES else str(value)
