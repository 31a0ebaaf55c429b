"""Judge recorded trials: which cause the diagnosis names, and which was injected.

A trial of one cause is right if that cause is ranked first. Without traces some causes cannot be
told apart, and count as one: `TOGETHER`. Healthy runs are right if nothing is found, or if the only
thing found is the noise of the machine. Two causes are right if both are among the first three.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from benchlab.analysis.causes.find import find_causes
from benchlab.statistics.proportions import wilson_interval
from tests.trials.corpus import Recorded
from tests.trials.trial import CAUSES

__all__ = ["GOALS", "NOTHING", "Judged", "Tally", "judge", "tally"]

NOTHING = "nothing"

TOGETHER = (
    frozenset({"queueing", "contention"}),
    frozenset({"stall", "periodic_pause", "event_loop"}),
)
"""Causes that count as one in a trial without traces."""

GOALS = {"single": 0.95, "healthy": 0.95, "double": 0.8}
"""The share of the trials of each kind that must be right: of 200 with one cause, 190."""

_TRACED = {True: "with traces", False: "without"}

Table = tuple[Sequence[str], Sequence[Sequence[str]]]
"""The names of columns, and the rows."""

Find = Callable[[Recorded], Sequence[str]]


@dataclass(frozen=True)
class Judged:
    """What came of a trial: the causes that were injected, and those found, first ranked first."""

    seed: int
    kind: str
    traced: bool
    causes: tuple[str, ...]
    found: tuple[str, ...]
    is_right: bool


def _same(one: str, other: str, traced: bool) -> bool:
    return one == other or (not traced and any({one, other} <= group for group in TOGETHER))


def is_right(kind: str, causes: Sequence[str], found: Sequence[str], traced: bool) -> bool:
    """Whether ``found``, ranked, is right for a trial with these ``causes``."""
    if kind == "healthy":
        return set(found) <= {"noise"}
    if kind == "single":
        return bool(found) and _same(causes[0], found[0], traced)
    return all(any(_same(cause, name, traced) for name in found[:3]) for cause in causes)


def diagnose(recorded: Recorded) -> tuple[str, ...]:
    """The causes that benchlab finds in a recorded run, the first ranked first."""
    return tuple(item.cause for item in find_causes(recorded.run, recorded.spans))


def judge(corpus: Iterable[Recorded], find: Find = diagnose) -> list[Judged]:
    """Diagnose every counted trial of a corpus."""
    judged = []
    for recorded in corpus:
        trial = recorded.trial
        if not trial["counted"]:
            continue
        kind, causes, traced = trial["kind"], tuple(trial["causes"]), bool(trial["traced"])
        found = tuple(find(recorded))
        right = is_right(kind, causes, found, traced)
        judged.append(Judged(trial["seed"], kind, traced, causes, found, right))
    return judged


@dataclass
class Tally:
    """The results of many trials: how many were right, and what was taken for what.

    ``confusion`` counts (injected, first ranked) of trials with one cause or none. A found cause
    that counts as the injected one is counted as that.
    """

    right: Counter[str] = field(default_factory=Counter)
    count: Counter[str] = field(default_factory=Counter)
    confusion: Counter[tuple[str, str]] = field(default_factory=Counter)

    def share(self, kind: str) -> tuple[float, float, float]:
        """The share that was right, and its 95 % interval (Wilson)."""
        right, count = self.right[kind], self.count[kind]
        return right / max(count, 1), *wilson_interval(right, count, 0.95)

    def shares(self) -> Table:
        """Columns and rows: how many trials of each kind were right."""
        rows = []
        for kind, goal in GOALS.items():
            for key in (kind, f"{kind}, {_TRACED[True]}", f"{kind}, {_TRACED[False]}"):
                if self.count[key]:
                    share, low, high = self.share(key)
                    right = f"{self.right[key]} of {self.count[key]}"
                    wanted = f"{goal:.0%}" if key == kind else ""
                    rows.append((key, right, f"{share:.1%}", f"{low:.1%} to {high:.1%}", wanted))
        return ("trials", "right", "share", "95 % interval", "at least"), rows

    def matrix(self) -> Table:
        """Columns and rows: how often each injected cause was taken for which."""
        names = [*CAUSES, NOTHING]
        columns = [name for name in names if any(key[1] == name for key in self.confusion)]
        rows = []
        for row in names:
            counts = [self.confusion[row, name] for name in columns]
            if any(counts):
                rows.append((row, *(str(count or "") for count in counts)))
        return ("", *columns), rows


def tally(judged: Iterable[Judged]) -> Tally:
    """Count what came of the trials."""
    result = Tally()
    for item in judged:
        for key in (item.kind, f"{item.kind}, {_TRACED[item.traced]}"):
            result.count[key] += 1
            result.right[key] += item.is_right
        if item.kind == "double":
            continue
        injected = item.causes[0] if item.causes else NOTHING
        named = item.found[0] if item.found else NOTHING
        if item.causes and _same(injected, named, item.traced):
            named = injected
        result.confusion[injected, named] += 1
    return result
