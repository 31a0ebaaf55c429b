"""The design of an A/B: which arm is measured when, and what it sends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal, NamedTuple

from benchlab.errors import InputError
from benchlab.load.run import check_plan
from benchlab.plan.plan import Plan
from benchlab.plan.tracing import GOLDEN, scramble
from benchlab.plan.validation import check_seconds, check_whole
from benchlab.runs.experiment import EXPERIMENT_TAG

__all__ = ["ARM_TAG", "OVERHEAD_S", "PAIR_TAG", "ABDesign", "Arm", "Block"]

Arm = Literal["a", "b"]

ARM_TAG: Final = "arm"
"""The tag of a run that says which plan of an A/B it carried out: ``a`` or ``b``."""

PAIR_TAG: Final = "pair"
"""The tag of a run that says which block of an A/B it belongs to, from 1."""

OVERHEAD_S: Final = 0.5
"""What a block costs besides its load, about: its processes start, and connections drain."""

_MOST_BLOCKS = 1000
_MASK = 2**64 - 1
_MIXED = {
    "workers": "workers",
    "driver": "driver",
    "max_connections": "connections at most",
    "streams": "streams per connection",
}


class Block(NamedTuple):
    """A pair of runs: its number from 1, the arms in the order they run, and the seed of both."""

    number: int
    order: tuple[Arm, Arm]
    seed: int


@dataclass(frozen=True, kw_only=True)
class ABDesign:
    """Randomized complete pairs: each block has both arms, and a coin says which comes first.

    What drifts while the experiment runs meets both arms of a block almost equally, and the coin
    keeps anything periodic from favouring one of them. Both runs of a block have the same seed, so
    the same arrivals, the same order of requests and the same data; each block has another. Coins
    and seeds follow from ``seed`` alone (SplitMix64).

    Each run sends load for ``washout_s``, which counts in no result, and is measured for the
    ``block_s`` after it. The plans' own duration, number of requests, warm-up, seed and name do
    not apply.

    Source: the randomized complete block design; Montgomery, Design and Analysis of Experiments
    (2017), chapter 4.

    Raises:
        InputError: a value that cannot be used, a plan that cannot be carried out or not in such
            blocks, or plans of different loads without ``force``.
    """

    plan_a: Plan
    plan_b: Plan
    blocks: int = 20
    block_s: float = 2.0
    washout_s: float = 0.5
    seed: int = 1
    name: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    force: bool = False

    def __post_init__(self) -> None:
        check_whole("blocks", self.blocks, 2, _MOST_BLOCKS)
        check_seconds("block_s", self.block_s)
        check_seconds("washout_s", self.washout_s, zero=True)
        check_whole("seed", self.seed, 0, 2**63 - 1)
        for arm, plan in self.plans.items():
            check_plan(plan)
            own = sorted({EXPERIMENT_TAG, ARM_TAG, PAIR_TAG} & {*dict(plan.tags), *self.tags})
            if own:
                raise InputError(
                    f"{own[0]!r} is what an A/B itself calls its runs",
                    field="tags",
                    remedy="choose another name for the tag",
                )
            self._check_length(arm, plan)
        if self.plan_a.load != self.plan_b.load and not self.force:
            raise InputError(
                f"{self._loads()}, so the comparison would say little about the services",
                remedy="give both plans the same load; or force it (force=True, --force)",
            )

    def _check_length(self, arm: Arm, plan: Plan) -> None:
        own_s = plan.load.duration_s
        if own_s is not None and own_s > self.block_s * (1 + 1e-9):
            raise InputError(
                f"is shorter than the load of plan {arm.upper()}, whose rate varies over"
                f" {own_s:g} s",
                field="block_s",
                value=self.block_s,
                remedy=f"make a block {own_s:g} s long, or compare at a constant rate",
            )

    @cached_property
    def plans(self) -> dict[Arm, Plan]:
        """The two plans, as they were given."""
        return {"a": self.plan_a, "b": self.plan_b}

    @property
    def title(self) -> str:
        """The name of the experiment and of its runs."""
        return self.name or self.plan_a.name

    @cached_property
    def arm_names(self) -> tuple[str, str]:
        """What to call A and B: by their plans' names, or by what else tells them apart."""
        for names in (
            tuple(plan.name for plan in self.plans.values()),
            tuple(plan.describe_requests() for plan in self.plans.values()),
        ):
            if names[0] != names[1]:
                return f"A ({names[0]})", f"B ({names[1]})"
        return "A", "B"

    @property
    def total_s(self) -> float:
        """How long the experiment takes, about, if every response comes at once."""
        return self.blocks * (2 * (self.washout_s + self.block_s) + OVERHEAD_S)

    def in_order(self) -> Iterator[Block]:
        """The blocks, in the order in which they are measured."""
        for number in range(1, self.blocks + 1):
            coin, seed = (self._drawn(2 * number + part) for part in (0, 1))
            order: tuple[Arm, Arm] = ("a", "b") if coin >> 63 else ("b", "a")
            yield Block(
                number, order, seed >> 2
            )  # a plan's seed is below 2**63, and so is seed + 1

    def _drawn(self, number: int) -> int:
        return scramble((self.seed + number * GOLDEN) & _MASK)

    def run_plan(self, experiment_id: str, block: Block, arm: Arm) -> Plan:
        """What the run of ``arm`` in ``block`` carries out."""
        plan = self.plans[arm]
        own_length = plan.load.duration_s is not None
        return plan.replace(
            duration_s=None if own_length else self.block_s,
            request_count=None,
            warmup_s=self.washout_s,
            seed=block.seed,
            name=self.title,
            tags={
                **dict(plan.tags),
                **self.tags,
                EXPERIMENT_TAG: experiment_id,
                ARM_TAG: arm,
                PAIR_TAG: str(block.number),
            },
        )

    def warnings(self) -> list[str]:
        """What else differs between the plans that can move a latency by itself."""
        differing = [
            f"{text} {getattr(self.plan_a, name)} and {getattr(self.plan_b, name)}"
            for name, text in _MIXED.items()
            if getattr(self.plan_a, name) != getattr(self.plan_b, name)
        ]
        found = []
        if self.plan_a.load != self.plan_b.load:
            found.append(self._loads())
        if differing:
            found.append(f"A and B were measured differently: {'; '.join(differing)}")
        return found

    def _loads(self) -> str:
        loads = [plan.load.describe() for plan in self.plans.values()]
        return f"the loads differ (A: {loads[0]}, B: {loads[1]}), and latency depends on load"

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready dict of the design, with the order of the arms; plans are the runs' own."""
        return {
            "a": self.plan_a.describe(),
            "b": self.plan_b.describe(),
            "blocks": self.blocks,
            "block_s": self.block_s,
            "washout_s": self.washout_s,
            "seed": self.seed,
            "orders": ["".join(block.order) for block in self.in_order()],
        }
