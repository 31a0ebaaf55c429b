"""Open loops whose rate follows a curve: stages, steps and spike.

Text forms, as on the command line:

    stages   30s:500,1m:500,10s:0   duration:rate at its end; the first may say where it starts
    steps    10s:100,20s:500        duration:rate
    spike    base=100,peak=1000,at=10s,length=5s,duration=30s
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, Self

from attrs import field, frozen

from benchlab.errors import InputError
from benchlab.plan.shapes.base import OpenLoop
from benchlab.plan.shapes.fixed_rate import ConstantRate, PoissonRate
from benchlab.plan.validation import ARRIVALS, check_choice, check_rate, check_seconds, reading
from benchlab.units import format_duration_s, parse_duration_s

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from benchlab.plan.shapes.rate_curve import RateCurve

__all__ = ["Spike", "Stages", "Steps", "VaryingRate"]

_STAGES_HINT = "write DURATION:RATE,…, such as 30s:500,1m:500; the first may be 30s:100-500"
_STEPS_HINT = "write DURATION:RATE,…, such as 10s:100,20s:500"
_SPIKE_HINT = "write base=100,peak=1000,at=10s,length=5s,duration=30s"
_TOLERANCE_S = 1e-9  # 0.1 + 0.2 is not beyond 0.3
_MOST_SHOWN = 6

Levels = Sequence[tuple[float, float]]
"""Pairs of a duration in s and a rate in requests/s."""


@frozen
class VaryingRate(OpenLoop):
    """An open loop along a `RateCurve`; each such shape has a curve and a text form."""

    def curve(self) -> RateCurve:
        """The rate over time."""
        raise NotImplementedError

    def notation(self) -> str:
        """The text that `parse` reads."""
        raise NotImplementedError

    @property
    def highest_rps(self) -> float:
        """The highest rate."""
        return float(self.curve().corners[1].max())

    def options(self) -> tuple[tuple[str, str], ...]:
        """The option of the shape, and ``--arrivals`` unless they are constant."""
        return ((f"--{self.kind}", self.notation()), *self._arrivals_option())

    def steady(self) -> ConstantRate | PoissonRate:
        """The warm-up's load: the first rate that is not 0; of a rise from 0, its mean."""
        rate_rps = self.curve().first_rps
        return PoissonRate(rate_rps) if self.arrivals == "poisson" else ConstantRate(rate_rps)

    def offsets(self, duration_ns: int, seed: int) -> Iterator[NDArray[np.int64]]:
        """Intended times in [0, ``duration_ns``), sorted, in blocks of at most `BLOCK`.

        ``constant`` arrivals are exactly round(area under the rate) many; the count of
        ``poisson`` ones varies around that, and is fixed by the seed.
        """
        return self.curve().offsets(duration_ns, seed, self.arrivals)


def _stages(given: Levels) -> tuple[tuple[float, float], ...]:
    from benchlab.plan.shapes.rate_curve import check_levels

    return check_levels("stages", given)


def _steps(given: Levels) -> tuple[tuple[float, float], ...]:
    from benchlab.plan.shapes.rate_curve import check_levels

    return check_levels("steps", given)


@frozen
class Stages(VaryingRate):
    """An open loop whose rate goes in a straight line from one stage's rate to the next one's.

    ``stages`` are pairs (duration_s, rate_rps): over its duration a stage brings the rate from
    where the last one ended (the first: from ``start_rps``) to its own. A stage with the rate of
    the one before holds it. ``arrivals`` are ``constant`` or ``poisson``. A warm-up runs at
    ``start_rps``; where that is 0, at the mean rate of the first rise.

    >>> Stages([(10, 500), (60, 500)]).duration_s
    70.0
    """

    stages: tuple[tuple[float, float], ...] = field(converter=_stages)
    start_rps: float = 0.0
    arrivals: str = "constant"
    kind: ClassVar[str] = "stages"
    metavar: ClassVar[str] = "TIME:RATE,…"
    help: ClassVar[str] = (
        "a rate that goes in straight lines: from 0 (or the first stage's FROM-TO) to each RATE"
        " within its TIME"
    )

    def __attrs_post_init__(self) -> None:
        check_rate("start_rps", self.start_rps, zero=True)
        check_choice("arrivals", self.arrivals, ARRIVALS)
        self.curve()

    @property
    def duration_s(self) -> float:
        """The length of all stages."""
        return float(sum(duration_s for duration_s, _ in self.stages))

    def curve(self) -> RateCurve:
        """The rate over time."""
        from benchlab.plan.shapes.rate_curve import Piece, RateCurve

        rates = [self.start_rps, *(rate_rps for _, rate_rps in self.stages)]
        return RateCurve(
            [
                Piece(duration_s, rates[index], rate_rps)
                for index, (duration_s, rate_rps) in enumerate(self.stages)
            ]
        )

    def describe(self) -> str:
        """Short description."""
        start = f"open loop from {self.start_rps:,.10g} to "
        shown = [f"{rate:,.10g} in {length:g} s" for length, rate in self.stages]
        return f"{start}{_listed(shown, 'stages')} (requests/s), {self._spacing()}"

    @classmethod
    def parse(cls, text: str, arrivals: str = "constant") -> Self:
        """The stages in ``text``, such as ``30s:500,1m:500``.

        Raises:
            InputError: another form; a stage that starts where the one before does not end.
        """
        stages: list[tuple[float, float]] = []
        start_rps = 0.0
        with reading("stages", text, _STAGES_HINT):
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
            return cls(stages, start_rps, arrivals)

    def notation(self) -> str:
        """The text that `parse` reads."""
        first, *others = _level_texts(self.stages)
        if self.start_rps:
            length, _, rate = first.partition(":")
            first = f"{length}:{self.start_rps:.12g}-{rate}"
        return ",".join([first, *others])


@frozen
class Steps(VaryingRate):
    """An open loop that holds one rate after the other.

    ``steps`` are pairs (duration_s, rate_rps); a rate of 0 is a pause. ``arrivals`` are
    ``constant`` or ``poisson``. A warm-up runs at the first rate that is not 0.
    """

    steps: tuple[tuple[float, float], ...] = field(converter=_steps)
    arrivals: str = "constant"
    kind: ClassVar[str] = "steps"
    metavar: ClassVar[str] = "TIME:RATE,…"
    help: ClassVar[str] = "a rate that is held for each TIME, then jumps"

    def __attrs_post_init__(self) -> None:
        check_choice("arrivals", self.arrivals, ARRIVALS)
        self.curve()

    @property
    def duration_s(self) -> float:
        """The length of all steps."""
        return float(sum(duration_s for duration_s, _ in self.steps))

    def curve(self) -> RateCurve:
        """The rate over time."""
        from benchlab.plan.shapes.rate_curve import Piece, RateCurve

        return RateCurve([Piece(length_s, rate, rate) for length_s, rate in self.steps])

    def describe(self) -> str:
        """Short description."""
        shown = [f"{rate:,.10g} for {length:g} s" for length, rate in self.steps]
        return f"open loop of {_listed(shown, 'steps')} (requests/s), {self._spacing()}"

    @classmethod
    def parse(cls, text: str, arrivals: str = "constant") -> Self:
        """The steps in ``text``, such as ``10s:100,20s:500``.

        Raises:
            InputError: another form.
        """
        with reading("steps", text, _STEPS_HINT):
            return cls([(length_s, _rate(rate)) for length_s, rate in _pairs(text)], arrivals)

    def notation(self) -> str:
        """The text that `parse` reads."""
        return ",".join(_level_texts(self.steps))


@frozen
class Spike(VaryingRate):
    """An open loop at ``base_rps``, but at ``peak_rps`` for ``length_s`` from ``at_s`` on.

    It ends after ``duration_s``: what follows the peak shows how the service recovers. A
    ``base_rps`` of 0 means silence around the peak. ``arrivals`` are ``constant`` or ``poisson``.
    A warm-up runs at ``base_rps``, or at ``peak_rps`` when that is 0.
    """

    base_rps: float
    peak_rps: float
    at_s: float
    length_s: float
    duration_s: float
    arrivals: str = "constant"
    kind: ClassVar[str] = "spike"
    metavar: ClassVar[str] = "base=…,peak=…,at=…,length=…,duration=…"
    help: ClassVar[str] = "a rate with a peak in it"

    def __attrs_post_init__(self) -> None:
        check_rate("base_rps", self.base_rps, zero=True)
        check_rate("peak_rps", self.peak_rps)
        check_seconds("at_s", self.at_s, zero=True)
        check_seconds("length_s", self.length_s)
        check_seconds("duration_s", self.duration_s)
        check_choice("arrivals", self.arrivals, ARRIVALS)
        if self.at_s + self.length_s > self.duration_s + _TOLERANCE_S:
            raise InputError(
                f"ends before the peak does, which lasts from {self.at_s:g} s to"
                f" {self.at_s + self.length_s:g} s",
                field="duration_s",
                value=self.duration_s,
                remedy="let the peak begin earlier or make the whole longer",
            )

    def curve(self) -> RateCurve:
        """The rate over time."""
        from benchlab.plan.shapes.rate_curve import Piece, RateCurve

        after_s = self.duration_s - self.at_s - self.length_s
        pieces = (
            Piece(self.at_s, self.base_rps, self.base_rps),
            Piece(self.length_s, self.peak_rps, self.peak_rps),
            Piece(after_s, self.base_rps, self.base_rps),
        )
        return RateCurve([piece for piece in pieces if piece.duration_s > _TOLERANCE_S])

    def describe(self) -> str:
        """Short description."""
        return (
            f"open loop of {self.base_rps:,.10g} requests/s, {self.peak_rps:,.10g}"
            f" from {self.at_s:g} s to {self.at_s + self.length_s:g} s, {self._spacing()}"
        )

    @classmethod
    def parse(cls, text: str, arrivals: str = "constant") -> Self:
        """The spike in ``text``, such as ``base=100,peak=1000,at=10s,length=5s,duration=30s``.

        Raises:
            InputError: another form, a key twice, or one that is missing or unknown.
        """
        given: dict[str, str] = {}
        with reading("spike", text, _SPIKE_HINT):
            for part in text.split(","):
                key, equals, value = (word.strip() for word in part.partition("="))
                if not equals or key in given:
                    raise InputError(f"a part of it is {part!r}")
                given[key] = value
            keys = {"base", "peak", "at", "length", "duration"}
            if set(given) != keys:
                wrong = ", ".join(sorted(set(given) ^ keys))
                raise InputError(
                    f"the key {wrong} is {'unknown' if set(given) - keys else 'missing'}"
                )
            return cls(
                _rate(given["base"]),
                _rate(given["peak"]),
                parse_duration_s(given["at"]),
                parse_duration_s(given["length"]),
                parse_duration_s(given["duration"]),
                arrivals,
            )

    def notation(self) -> str:
        """The text that `parse` reads."""
        rates = f"base={self.base_rps:.12g},peak={self.peak_rps:.12g}"
        times = {"at": self.at_s, "length": self.length_s, "duration": self.duration_s}
        return ",".join([rates, *(f"{key}={format_duration_s(s)}" for key, s in times.items())])


def _listed(shown: list[str], noun: str) -> str:
    if len(shown) > _MOST_SHOWN:
        shown[2:-2] = [f"… ({len(shown) - 4} more {noun})"]
    return ", ".join(shown)


def _level_texts(levels: Levels) -> list[str]:
    return [f"{format_duration_s(length_s)}:{rate:.12g}" for length_s, rate in levels]


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
