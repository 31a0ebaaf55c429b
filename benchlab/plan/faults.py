"""Faults on the run's clock: what is broken on purpose, when, and for how long.

    KIND [AMOUNT] [NAME=VALUE …] [at TIME] [for TIME]

such as ``latency 200ms ratio=10% at 10s for 5s``. TIME counts from the start of the measured
window, as load shapes do. Without ``for`` a fault lasts to the end of the run. The kinds are in
`benchlab.plan.fault_kinds`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, overload
from urllib.parse import urlsplit

from attrs import field, frozen

from benchlab.displayed import Displayed
from benchlab.errors import InputError
from benchlab.plan.fault_kinds import FAULT_KINDS, FaultKind, FaultOption
from benchlab.plan.request import DEFAULT_PORTS, Origin
from benchlab.plan.validation import check_seconds, check_text, check_whole, is_number, reading
from benchlab.redact import public_command, public_text, unread_url
from benchlab.units import (
    format_duration_s,
    parse_duration_s,
    parse_share,
    parse_size_bytes,
    seconds_to_ns,
)

__all__ = ["Fault", "FaultSchedule", "check_faults"]

Distribution = Literal["constant", "uniform", "exponential", "pareto"]

_HINT = "write it like 'latency 200ms at 10s for 5s' or 'error 503 ratio=10%'"
_OPTION = re.compile(r"(?P<name>[a-z_]+)=(?P<value>.*)", re.DOTALL)
_AMOUNT = re.compile(
    r"(?P<most>[^\s±+]+)\s*(?:(?:±|\+/?-)\s*(?P<spread>[^\s±+]+))?"
    r"(?:\s+(?P<drawn>exponential|pareto))?"
)
_NO_OPTIONS = ("kind", "amount", "at_s", "for_s", "at", "for")
"""What a text has in places of its own."""

_LONGEST_S = 3600.0
_MOST_BYTES = 1 << 40
_MOST_FAULTS = 10_000
_MAX_SEED = 2**63 - 1
_MAX_WHOLE = 2**31 - 1


@frozen(init=False, repr=False)
class Fault(Displayed):
    """One fault; `parse` reads its text form, and ``str`` writes it, without secrets in commands.

    ``kind`` is one of `benchlab.plan.fault_kinds.FAULT_KINDS`, and ``amount`` what that says:
    ``200ms``, ``1MB/s``, a status. Where it may vary, ``200ms±50ms`` is drawn evenly from between,
    ``20ms exponential`` has this mean, and ``20ms pareto`` this minimum and a heavy tail (of
    index 1.5).

    It begins ``at_s`` after the start of the measured window and lasts ``for_s``, or to the end of
    the run. ``ratio`` is the share (0 to 1) of the requests that it affects; ``route`` is the start
    of their paths; ``seed`` draws them, the plan's if it is None.
    ``options`` are those of the kind, and ``service`` the URL of the service if it is not the
    plan's first.

    Raises:
        InputError: a value that cannot be used, or that the kind does not have.

    >>> fault = Fault("pause", "150ms", at_s=10, for_s=5, every="2s")
    >>> str(fault), fault.amount_value, fault.options["every"]
    ('pause 150ms every=2s at 10s for 5s', 0.15, 2.0)
    """

    kind: str
    amount: str
    at_s: float
    for_s: float | None
    ratio: float
    route: str
    seed: int | None
    settings: tuple[tuple[str, Any], ...]
    """The options of the kind, with their usual values, in order of their names."""
    amount_value: float = field(eq=False)
    """The amount as a number: in s, a status, in bytes, in bytes/s or in s/byte; 0 without one."""
    spread: float = field(eq=False)
    """How far a uniform amount lies from ``amount_value`` at most, each way."""
    distribution: Distribution = field(eq=False)
    """How the amount is drawn for each request."""

    def __init__(
        self,
        kind: str,
        amount: str | float = "",
        *,
        at_s: float = 0.0,
        for_s: float | None = None,
        ratio: float = 1.0,
        route: str = "",
        seed: int | None = None,
        **options: Any,
    ) -> None:
        traits = _traits(kind)
        text, value, spread, distribution = _read_amount(kind, traits, amount)
        check_seconds("at_s", at_s, zero=True)
        if for_s is not None:
            check_seconds("for_s", for_s)
        if not (is_number(ratio) and 0 < ratio <= 1):
            raise InputError("must lie above 0 and at most at 1", field="ratio", value=ratio)
        check_text("route", route)
        if route and not route.startswith("/"):
            raise InputError(
                "is not the start of a path", field="route", value=route, remedy=f"write /{route}"
            )
        if seed is not None:
            check_whole("seed", seed, 0, _MAX_SEED)
        for name, is_given in (("ratio", ratio != 1), ("route", route), ("seed", seed is not None)):
            if is_given and name not in traits.common:
                raise _unknown_option(kind, name)
        self.__attrs_init__(
            kind=kind,
            amount=text,
            at_s=_to_the_ns(at_s),
            for_s=None if for_s is None else _to_the_ns(for_s),
            ratio=ratio,
            route=route,
            seed=seed,
            settings=tuple(sorted(_read_options(kind, traits, options).items())),
            amount_value=value,
            spread=spread,
            distribution=distribution,
        )
        if kind == "kill" and for_s is not None and "restart" not in self.options:
            raise InputError(
                "it is given for a process that nothing starts again",
                field="for_s",
                value=for_s,
                remedy='give the command too, such as restart="python -m app"',
            )

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read the text form of a fault.

        >>> Fault.parse("latency 200ms at 10s for 5s").for_s
        5.0

        Raises:
            InputError: it cannot be read, or a value in it cannot be used.
        """
        with reading("fault", public_text(text), _HINT):
            return cls(**_read(text))

    def __str__(self) -> str:
        options: dict[str, str] = {} if self.ratio == 1 else {"ratio": _share_text(self.ratio)}
        if self.route:
            options["route"] = self.route
        if self.seed is not None:
            options["seed"] = str(self.seed)
        options |= {name: str(value) for name, value in self._option_texts(shown=True).items()}
        words = [f"{name}={shlex.quote(value)}" for name, value in options.items()]
        if self.at_s or self.for_s is not None:
            words += ["at", _time_text(self.at_s)]
        if self.for_s is not None:
            words += ["for", _time_text(self.for_s)]
        return " ".join(filter(None, [self.kind, self.amount, *words]))

    def __repr__(self) -> str:
        usual = {"at_s": 0.0, "for_s": None, "ratio": 1.0, "route": "", "seed": None}
        values = {**self.to_dict(), **self._option_texts(shown=True)}
        named = {key: value for key, value in values.items() if key not in _POSITIONAL}
        shown = [repr(self.kind), *([repr(self.amount)] if self.amount else [])]
        shown += [
            f"{name}={value!r}"
            for name, value in named.items()
            if name not in usual or value != usual[name]
        ]
        return f"Fault({', '.join(shown)})"

    @property
    def where(self) -> str:  # jedi cannot complete a property of a Literal
        """What makes it: ``target``, ``proxy`` or ``process``."""
        return FAULT_KINDS[self.kind].where

    @property
    def options(self) -> dict[str, Any]:
        """The options of its kind by their names, durations in seconds."""
        return dict(self.settings)

    @property
    def origin(self) -> Origin | None:
        """The service that it names; None: the plan's first."""
        service = self.options.get("service")
        return None if service is None else _origin(service)

    def begin_ns(self, warmup_ns: int) -> int:
        """When it is to begin, from the start of a run with a warm-up of ``warmup_ns``."""
        return warmup_ns + seconds_to_ns(self.at_s)

    def end_ns(self, warmup_ns: int, run_end_ns: int) -> int:
        """When it is to end: at ``run_end_ns`` at the latest."""
        if self.for_s is None:
            return run_end_ns
        return min(run_end_ns, warmup_ns + seconds_to_ns(self.at_s + self.for_s))

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict: the fields, and the options beside them as they are written."""
        return {
            "kind": self.kind,
            "amount": self.amount,
            "at_s": self.at_s,
            "for_s": self.for_s,
            "ratio": self.ratio,
            "route": self.route,
            "seed": self.seed,
            **self._option_texts(shown=False),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Fault:
        """The fault that `to_dict` wrote; what is absent has its default.

        Raises:
            InputError: an unknown field, or a value that cannot be used.
        """
        if "kind" not in data:
            raise InputError("it is missing", field="kind", remedy=f"use {', '.join(FAULT_KINDS)}")
        return cls(**data)

    def _option_texts(self, *, shown: bool) -> dict[str, str | int]:
        """The options as they are written; without secrets if they are ``shown``."""
        options = FAULT_KINDS[self.kind].options
        found: dict[str, str | int] = {}
        for name, value in self.settings:
            quantity = options[name].quantity if name in options else ""
            if quantity == "duration":
                found[name] = _time_text(value)
            else:
                found[name] = public_command(value) if shown and quantity == "command" else value
        return found


_POSITIONAL = ("kind", "amount")

Given = str | Fault | Mapping[str, Any]


def _one_or_more(given: Given | Iterable[Given]) -> tuple[Fault, ...]:
    items = (given,) if isinstance(given, str | Fault | Mapping) else given
    if not isinstance(items, Iterable):
        raise InputError("must be a list of faults", field="faults", value=items, remedy=_HINT)
    faults = []
    for item in items:
        if isinstance(item, Fault):
            faults.append(item)
        elif isinstance(item, str):
            faults.append(Fault.parse(item))
        elif isinstance(item, Mapping):
            faults.append(Fault.from_dict(item))
        else:
            raise InputError(f"{item!r} is among them", field="faults", remedy=_HINT)
        if len(faults) > _MOST_FAULTS:
            raise InputError(f"there are more than {_MOST_FAULTS:,}", field="faults")
    return tuple(sorted(faults, key=lambda fault: fault.at_s))


@frozen
class FaultSchedule(Displayed, Sequence[Fault]):
    """The faults of a run, in the order in which they begin.

    Each is a `Fault`, its text form, or a dict of its fields.

    Raises:
        InputError: a fault that cannot be used, or the same one twice.

    >>> schedule = FaultSchedule(["error 503 at 20s for 1s", "latency 200ms at 10s for 5s"])
    >>> [fault.kind for fault in schedule]
    ['latency', 'error']
    """

    faults: tuple[Fault, ...] = field(default=(), converter=_one_or_more)

    def __attrs_post_init__(self) -> None:
        seen: set[Fault] = set()
        for fault in self.faults:
            if fault in seen:
                raise InputError(
                    "is there twice", field="faults", value=str(fault), remedy="leave one out"
                )
            seen.add(fault)

    def __len__(self) -> int:
        return len(self.faults)

    def __iter__(self) -> Iterator[Fault]:
        return iter(self.faults)

    @overload
    def __getitem__(self, index: int) -> Fault: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Fault, ...]: ...

    def __getitem__(self, index: int | slice) -> Fault | tuple[Fault, ...]:
        return self.faults[index]

    def __str__(self) -> str:
        return "; ".join(map(str, self.faults))

    def describe(self) -> str:
        """The faults in a few words, such as ``3 faults``; one alone as it is written."""
        return f"fault {self}" if len(self) == 1 else f"{len(self)} faults"

    def to_list(self) -> list[dict[str, Any]]:
        """A JSON-ready list of the faults."""
        return [fault.to_dict() for fault in self.faults]


def check_faults(faults: FaultSchedule, origins: Sequence[Origin], length_s: float) -> None:
    """Refuse faults that a plan with these services and this length could never have.

    Raises:
        InputError: a fault that begins after the end of the run, or a proxy before a service that
            is none of the plan's.
    """
    for fault in faults:
        if fault.at_s >= length_s:
            raise InputError(
                f"begins at {fault.at_s:.10g} s of a run of {length_s:.10g} s",
                field="faults",
                value=str(fault),
                remedy="let it begin earlier, or make the run longer",
            )
        if fault.where != "proxy":
            continue
        if fault.origin is not None and fault.origin not in origins:
            raise InputError(
                f"is for {fault.origin}, which gets no request of the plan",
                field="faults",
                value=str(fault),
                remedy=f"the plan has {', '.join(map(str, origins))}",
            )


def _read(text: str) -> dict[str, Any]:
    """The arguments of `Fault` that ``text`` has."""
    try:
        words = shlex.split(text)
    except ValueError as exc:
        raise InputError(str(exc).lower(), remedy="close the quotation") from exc
    if not words:
        raise InputError("it is empty")
    found: dict[str, Any] = {"kind": words[0]}
    amount: list[str] = []
    rest = iter(words[1:])
    for word in rest:
        option = _OPTION.fullmatch(word)
        if option is not None and option["name"] in _NO_OPTIONS:
            raise _unknown_option(words[0], option["name"])
        if word in ("at", "for"):
            name, value = f"{word}_s", _time(word, next(rest, ""))
        elif option is not None:
            name, value = option["name"], _read_common(option["name"], option["value"])
        else:
            amount.append(word)
            continue
        if name in found:
            raise InputError("is there twice", field=name.removesuffix("_s"), value=value)
        found[name] = value
    return {**found, "amount": " ".join(amount)}


def _time(word: str, text: str) -> float:
    try:
        return parse_duration_s(text)
    except InputError as exc:
        raise exc.of(word) from exc


def _read_common(name: str, text: str) -> Any:
    if name == "ratio":
        return parse_share(text)
    if name == "seed":
        return _whole(name, text)
    return text


def _traits(kind: object) -> FaultKind:
    if isinstance(kind, str) and kind in FAULT_KINDS:
        return FAULT_KINDS[kind]
    from difflib import get_close_matches  # only for the message

    near = get_close_matches(str(kind), FAULT_KINDS, 1)
    remedy = f"did you mean {near[0]}? Known are" if near else "known are"
    raise InputError(
        "is unknown", field="kind", value=kind, remedy=f"{remedy} {', '.join(FAULT_KINDS)}"
    )


def _read_amount(
    kind: str, traits: FaultKind, given: object
) -> tuple[str, float, float, Distribution]:
    """The amount as it is written, its number, its spread and its distribution."""
    if isinstance(given, int | float) and not isinstance(given, bool):
        given = f"{given:.10g}"
    check_text("amount", given)
    assert isinstance(given, str)
    text = given.strip() or traits.usual
    if traits.amount is None:
        if text:
            raise InputError(f"{kind} has no amount", field="amount", value=text)
        return "", 0.0, 0.0, "constant"
    if not text:
        raise InputError(
            f"{kind} needs one", field="amount", remedy=f"write it like {traits.example!r}"
        )
    parts = _AMOUNT.fullmatch(text)
    if parts is None or (parts["spread"] and parts["drawn"]):
        raise InputError(
            "cannot be read",
            field="amount",
            value=text,
            remedy=f"write it like {traits.example!r}",
        )
    if (parts["spread"] or parts["drawn"]) and not traits.varies:
        raise InputError(f"the amount of {kind} cannot vary", field="amount", value=text)
    tidy, value = _quantity(traits, parts["most"])
    if parts["drawn"]:
        drawn: Distribution = "exponential" if parts["drawn"] == "exponential" else "pareto"
        return f"{tidy} {drawn}", value, 0.0, drawn
    if not parts["spread"]:
        return tidy, value, 0.0, "constant"
    more, spread = _quantity(traits, parts["spread"])
    if spread > value:
        raise InputError("varies to below 0", field="amount", value=text)
    return f"{tidy}±{more}", value, spread, "uniform"


def _quantity(traits: FaultKind, text: str) -> tuple[str, float]:
    """A part of an amount as it is written, and as a number."""
    hint = f"write it like {traits.example!r}"
    try:
        if traits.amount == "status":
            return text, _status(text)
        if text[-1] in ".0123456789":
            raise InputError(f"{text!r} has no unit")
        if traits.amount in ("duration", "per byte"):
            value, most = parse_duration_s(text), _LONGEST_S
        else:
            size = text.removesuffix("/s") if traits.amount == "rate" else text
            value, most = parse_size_bytes(size), _MOST_BYTES
    except InputError as exc:
        raise InputError(exc.problem, field="amount", remedy=hint) from exc
    if not 0 < value <= most:
        raise InputError(
            "is out of range", field="amount", value=text, remedy=f"0 is not enough; {hint}"
        )
    return text, value


def _status(text: str) -> int:
    if not (text.isdecimal() and 400 <= int(text) <= 599):
        raise InputError(f"{text!r} is not the status of an error, 400 to 599")
    return int(text)


def _read_options(kind: str, traits: FaultKind, given: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in given.items():
        if name == "service" and name in traits.common:
            found[name] = str(_origin(value))
        elif name in traits.options:
            found[name] = _option(name, traits.options[name], value)
        else:
            raise _unknown_option(kind, name)
    for name, option in traits.options.items():
        if name in found or option.may_lack:
            continue
        if option.usual is None:
            raise InputError(
                f"{kind} needs it", field=name, remedy=f"write it like {traits.example!r}"
            )
        found[name] = option.usual
    return found


def _unknown_option(kind: str, name: str) -> InputError:
    known = [*_traits(kind).common, *FAULT_KINDS[kind].options]
    return InputError(
        f"{kind} has no option {name!r}", remedy=f"it has {', '.join(known)}, at and for"
    )


def _option(name: str, option: FaultOption, value: Any) -> Any:
    if option.quantity == "duration":
        if isinstance(value, str):
            value = _time(name, value)
        return _to_the_ns(check_seconds(name, value))
    if option.quantity == "whole":
        return check_whole(name, _whole(name, value), 1, _MAX_WHOLE)
    check_text(name, value)
    try:
        is_empty = not shlex.split(value)
    except ValueError as exc:
        raise InputError(f"is no command ({exc})", field=name, value=value) from exc
    if is_empty:
        raise InputError("is an empty command", field=name, value=value)
    return value


def _whole(name: str, value: Any) -> int:
    if isinstance(value, str) and value.isdecimal() and len(value) < 20:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise InputError("must be a whole number", field=name, value=value)


def _origin(service: object) -> Origin:
    """The service of a URL that has nothing else."""
    check_text("service", service)
    text = str(service)
    try:
        parts = urlsplit(text)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:
        parts, port = urlsplit(""), 0
    is_bare = parts.path in ("", "/") and not (parts.query or parts.fragment or parts.username)
    if not (parts.hostname and port and parts.scheme in DEFAULT_PORTS and is_bare):
        raise InputError(
            f"{unread_url(text)!r} is not a service",
            field="service",
            remedy="write it like http://127.0.0.1:8000",
        )
    return Origin(parts.scheme, parts.hostname, port)


def _share_text(ratio: float) -> str:
    percent = f"{ratio * 100:.10g}%"
    return percent if parse_share(percent) == ratio else repr(float(ratio))


def _time_text(seconds: float) -> str:
    """``300ms``, or from a second on ``1.5s``."""
    if not 0 < seconds < 1:
        return format_duration_s(seconds)
    return f"{seconds * 1000:.6f}".rstrip("0").rstrip(".") + "ms"


def _to_the_ns(seconds: float) -> float:
    return round(float(seconds), 9)
