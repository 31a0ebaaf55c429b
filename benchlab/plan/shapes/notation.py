"""Load shapes as people write them in one word, such as ``30s:0-500,1m:500``; and back.

stages   ``30s:500,1m:500,10s:0``   duration:rate at its end; the first may say where it starts
steps    ``10s:100,20s:500``        duration:rate
spike    ``base=100,peak=1000,at=10s,length=5s,duration=30s``
think    ``100ms`` or ``100ms,exponential``
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from benchlab.errors import InputError
from benchlab.plan.shapes.closed_loop import THINK_TIMES
from benchlab.plan.shapes.spike import Spike
from benchlab.plan.shapes.stages import Stages
from benchlab.plan.shapes.steps import Steps
from benchlab.units import format_duration_s, parse_duration_s

__all__ = [
    "parse_spike",
    "parse_stages",
    "parse_steps",
    "parse_think_time",
    "write_spike",
    "write_stages",
    "write_steps",
    "write_think_time",
]

_STAGES_HINT = "write DURATION:RATE,…, such as 30s:500,1m:500; the first may be 30s:100-500"
_STEPS_HINT = "write DURATION:RATE,…, such as 10s:100,20s:500"
_SPIKE_HINT = "write base=100,peak=1000,at=10s,length=5s,duration=30s"
_THINK_HINT = "write 100ms or 100ms,exponential"


def parse_stages(text: str, arrivals: str = "constant") -> Stages:
    """The stages in ``text``.

    Raises:
        InputError: something else; a stage that starts where the one before does not end.
    """
    stages: list[tuple[float, float]] = []
    start_rps = 0.0
    with _reading("stages", text, _STAGES_HINT):
        for duration_s, rates in _pairs(text):
            first, dash, last = rates.partition("-")
            rate_rps = _rate(last if dash else first)
            if dash and not stages:
                start_rps = _rate(first)
            elif dash and _rate(first) != stages[-1][1]:
                raise InputError(
                    f"stage {len(stages) + 1} starts at {first} requests/s, but the one before"
                    f" ends at {stages[-1][1]:g}",
                    remedy="leave its start out, or use steps for a jump",
                )
            stages.append((duration_s, rate_rps))
        return Stages(stages, start_rps, arrivals)


def parse_steps(text: str, arrivals: str = "constant") -> Steps:
    """The steps in ``text``.

    Raises:
        InputError: something else.
    """
    with _reading("steps", text, _STEPS_HINT):
        return Steps([(length_s, _rate(rate)) for length_s, rate in _pairs(text)], arrivals)


def parse_spike(text: str, arrivals: str = "constant") -> Spike:
    """The spike in ``text``.

    Raises:
        InputError: something else, a key twice, or one that is missing or unknown.
    """
    given: dict[str, str] = {}
    with _reading("spike", text, _SPIKE_HINT):
        for part in text.split(","):
            key, equals, value = (word.strip() for word in part.partition("="))
            if not equals or key in given:
                raise InputError(f"a part of it is {part!r}")
            given[key] = value
        keys = {"base", "peak", "at", "length", "duration"}
        if set(given) != keys:
            wrong = ", ".join(sorted(set(given) ^ keys))
            raise InputError(f"the key {wrong} is {'unknown' if set(given) - keys else 'missing'}")
        return Spike(
            _rate(given["base"]),
            _rate(given["peak"]),
            parse_duration_s(given["at"]),
            parse_duration_s(given["length"]),
            parse_duration_s(given["duration"]),
            arrivals,
        )


def parse_think_time(text: str) -> tuple[float, str]:
    """Seconds of think time, and how they are spread.

    Raises:
        InputError: something else.
    """
    length, _, spread = text.partition(",")
    spread = spread.strip() or "constant"
    with _reading("think_time", text, _THINK_HINT):
        if spread not in THINK_TIMES:
            raise InputError(f"the spread {spread!r} is unknown")
        return parse_duration_s(length), spread


def write_stages(load: Stages) -> str:
    """What `parse_stages` reads."""
    words = [f"{format_duration_s(length)}:{rate:.12g}" for length, rate in load.stages]
    if load.start_rps:
        length, _, rate = words[0].partition(":")
        words[0] = f"{length}:{load.start_rps:.12g}-{rate}"
    return ",".join(words)


def write_steps(load: Steps) -> str:
    """What `parse_steps` reads."""
    return ",".join(f"{format_duration_s(length)}:{rate:.12g}" for length, rate in load.steps)


def write_spike(load: Spike) -> str:
    """What `parse_spike` reads."""
    rates = f"base={load.base_rps:.12g},peak={load.peak_rps:.12g}"
    times = {"at": load.at_s, "length": load.length_s, "duration": load.duration_s}
    return ",".join([rates, *(f"{key}={format_duration_s(time)}" for key, time in times.items())])


def write_think_time(seconds: float, spread: str) -> str:
    """What `parse_think_time` reads."""
    return format_duration_s(seconds) + ("" if spread == "constant" else f",{spread}")


@contextmanager
def _reading(field: str, text: str, hint: str) -> Iterator[None]:
    """Let errors inside be about ``text``, with ``hint`` unless they have a remedy of their own."""
    try:
        yield
    except InputError as exc:
        raise InputError(
            f"cannot be used: {exc}", field=field, value=text, remedy="" if exc.remedy else hint
        ) from exc


def _pairs(text: str) -> list[tuple[float, str]]:
    pairs = []
    for part in text.split(","):
        length, colon, rate = (word.strip() for word in part.partition(":"))
        if not (length and colon and rate):
            raise InputError(f"a part of it is {part!r}")
        pairs.append((parse_duration_s(length), rate))
    return pairs


def _rate(word: str) -> float:
    try:
        return float(word)
    except ValueError as exc:
        raise InputError(f"{word!r} is not a rate in requests/s") from exc
