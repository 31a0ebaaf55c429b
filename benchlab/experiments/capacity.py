"""Find out how much load a service takes: make probes, each a run, until the budget is used."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from benchlab.analysis.capacity import Capacity, CurvePoint, conclude
from benchlab.analysis.capacity_search import CapacitySearch, ProbeOrder
from benchlab.analysis.probe import Backlog, Probe, Requirement, requirements_of
from benchlab.errors import FaultError, InputError, RunError, TargetError
from benchlab.experiments.capacity_progress import CapacityProgress, OnCapacityProgress
from benchlab.experiments.probing import probe_of
from benchlab.experiments.saving import discard, usable_store
from benchlab.load.cluster.asked import Cluster, SamplesTo
from benchlab.load.run import run_until
from benchlab.load.supervisor.progress import OnProgress, Progress
from benchlab.load.supervisor.stop_signal import StopSignal, stop_on_signal
from benchlab.plan.grpc.request import bare_request
from benchlab.plan.objectives import Objective
from benchlab.plan.plan import Plan
from benchlab.plan.shapes import ConstantRate
from benchlab.plan.shapes.registry import load_from_options
from benchlab.runs.experiment import EXPERIMENT_TAG, Experiment
from benchlab.runs.head import new_run_id
from benchlab.runs.origin import origin_of
from benchlab.runs.run import Run

if TYPE_CHECKING:
    from benchlab.store import Store

__all__ = [
    "KIND",
    "CapacityRun",
    "capacity",
    "measure_capacity",
    "plan_for",
    "save_capacity",
    "search_for",
    "stored_capacity",
]

KIND = "capacity"
"""The kind of the stored experiment."""

PROBE_TAG = "probe"
"""The tag of a run with the number of its probe, from 1."""

_STORED = (
    "rate_rps",
    "rate_low",
    "rate_high",
    "limited_by",
    "objective",
    "arrivals",
    "recovers_at_rps",
    "took_s",
    "budget_s",
)
"""The keys of the stored result that are fields of `Capacity` as they are."""

Slo = str | Objective | Iterable[str | Objective]

_BARE_RPS = 1.0  # of the plan of a bare URL; each probe has its own rate
_DRAIN_S = 10.0
_LOOK_EVERY_S = 0.05
_ATTEMPTS, _PAUSE_S = 3, 1.0  # of starting a probe
_RATE_REMEDY = (
    "give the plan a rate, which the search varies: load=PoissonRate(1), or --arrivals poisson on"
    " the command line"
)
_HOPELESS = "ended early as hopeless: its open requests grew without end, or too many failed"


@dataclass(frozen=True, kw_only=True)
class CapacityRun:
    """A search that was made: its result, and the runs of its probes."""

    id: str
    plan: Plan
    started_at_ns: int
    runs: tuple[Run, ...]
    result: Capacity

    def to_experiment(self) -> Experiment:
        """The row that a store keeps of it, beside its runs."""
        return Experiment(
            id=self.id,
            kind=KIND,
            name=self.plan.name,
            started_at_ns=self.started_at_ns,
            run_ids=tuple(run.id for run in self.runs),
            design={
                "plan": self.result.name,
                "required_ratio": self.result.required_ratio,
                "limit_ns": self.result.limit_ns,
                "probes": [asdict(probe) for probe in self.result.probes],
                "origin": self.result.origin,
            },
            result=self.result.to_dict(),
        )


def capacity(
    plan: Plan | str,
    slo: Slo = (),
    budget_s: float = 120.0,
    *,
    from_rps: float | None = None,
    to_rps: float | None = None,
    cluster: Cluster | None = None,
    samples: SamplesTo = "parent",
    store: Store | None = None,
    save: bool = True,
    on_progress: OnCapacityProgress | None = None,
) -> Capacity:
    """Find the highest rate at which a service meets ``slo``, with an interval.

    ``plan`` is a plan with a constant or a Poisson rate, which keeps its arrivals while the rate
    varies; or the URL of a service, which gets requests at equal intervals. ``slo`` are objectives
    on a share of requests, such as ``p99<50ms`` or ``error_ratio<1%``; if not given, those of the
    plan.

    The search takes at most ``budget_s`` and the rest of one probe. It starts at ``from_rps`` (10
    requests/s if not given) and goes up to ``to_rps`` (until something gives way). A small budget
    gives a wide interval. The plan's seed also decides the order of rates near the capacity. See
    `benchlab.analysis.capacity_search` for how it goes on.

    Each probe is a run, made here or by a ``cluster``, as `benchlab.run` does; these, and the
    experiment that holds them together, are saved in ``store`` (by default ``bl.Store()``) at the
    end, unless ``save`` is False; until then they are in the spool, and ``benchlab recover`` saves
    them. Ctrl-C ends the search, and the result is what was found so far.

    Raises:
        InputError: a value that cannot be used, such as a closed loop, which slows down with the
            service and so cannot overload it.
        TargetError: the service cannot be reached at the start. No load was made.
        StoreError: the result cannot be saved.
    """
    plan = plan_for(plan, slo)
    search = search_for(plan, budget_s, from_rps, to_rps)
    target = usable_store(store) if save else None
    stop = StopSignal()
    made = measure_capacity(plan, search, stop, on_progress, cluster=cluster, samples=samples)
    save_capacity(made, target)
    stop.pass_on()
    return made.result


def plan_for(plan: Plan | str, slo: Slo = ()) -> Plan:
    """The plan that is probed: of a URL at a constant rate; with ``slo`` as its objectives.

    Raises:
        InputError: its load has no rate that could be varied, its objectives decide nothing, or a
            fault begins within the run.
    """
    if isinstance(plan, str):
        plan = Plan(bare_request(plan), ConstantRate(_BARE_RPS))
    if not isinstance(plan, Plan):
        raise InputError("is neither a plan nor a URL", field="plan", value=plan)
    load = plan.load
    why = ""
    if load.is_imported:
        why = f"is what {load.source} sent, whose intended times are unknown"
    elif not load.has_schedule:
        why = f"is a {load.describe()}, which never sends more than the service takes"
    elif load.duration_s is not None:
        why = f"varies by itself ({load.describe()}), and a probe has one rate"
    if why:
        raise InputError(why, field="load", remedy=_RATE_REMEDY)
    for fault in plan.faults:
        if fault.at_s:  # found out only now, this could end a search of minutes
            raise InputError(
                "begins within the run, and probes are of different lengths",
                field="faults",
                value=str(fault),
                remedy="let it begin at 0 s, so that it is on in every probe",
            )
    requirements = requirements_of(slo or plan.slo)
    return plan.replace(
        slo=[item.objective for item in requirements],
        duration_s=None,
        request_count=None,
        abort_on=(),  # the search ends hopeless probes itself
    )


def search_for(
    plan: Plan, budget_s: float, from_rps: float | None = None, to_rps: float | None = None
) -> CapacitySearch:
    """The search for the capacity of a plan that `plan_for` gave.

    Raises:
        InputError: a budget or a range that cannot be used.
    """
    return CapacitySearch(
        requirements_of(plan.slo),
        budget_s,
        from_rps,
        to_rps,
        random_arrivals=plan.load.arrivals == "poisson",
        warmup_s=plan.warmup_s,
        seed=plan.seed,
    )


def measure_capacity(
    plan: Plan,
    search: CapacitySearch,
    stop: StopSignal,
    on_progress: OnCapacityProgress | None = None,
    *,
    cluster: Cluster | None = None,
    samples: SamplesTo = "parent",
) -> CapacityRun:
    """Carry out ``search`` with probes of ``plan``; nothing is saved yet.

    When ``stop`` is requested, the search ends with the probe that is being made.

    Raises:
        TargetError: the service cannot be reached at the start. No load was made.
    """
    make = partial(run_until, cluster=cluster, samples=samples)
    prober = _Prober(plan, search, stop, on_progress, make)
    with stop_on_signal(stop):
        prober.make_all()
    result = conclude(
        search,
        arrivals=_arrivals(plan),
        name=plan.name,
        took_s=prober.elapsed_s,
        experiment_id=prober.id,
        origin=origin_of(prober.runs),
        warnings=prober.warnings,
    )
    return CapacityRun(
        id=prober.id,
        plan=plan,
        started_at_ns=prober.started_at_ns,
        runs=tuple(prober.runs),
        result=result,
    )


def save_capacity(made: CapacityRun, store: Store | None) -> None:
    """Save the runs and then the experiment in one opening of ``store``; None: discard the runs.

    Raises:
        StoreError: the store failed. The runs are kept, and ``benchlab recover`` saves them.
    """
    if store is None:
        discard(made.runs)
        return
    with store.connect():
        for run in made.runs:
            store.save(run)
        store.save_experiment(made.to_experiment())


def stored_capacity(store: Store, experiment: Experiment) -> Capacity:
    """The result of a stored search, as it was when it ended."""
    del store  # the experiment has all of it
    design, result = experiment.design, experiment.result
    return Capacity(
        **{name: result[name] for name in _STORED},
        probes=tuple(Probe(**item) for item in design["probes"]),
        curve=tuple(CurvePoint(**point) for point in result["curve"]),
        name=design["plan"],
        required_ratio=design["required_ratio"],
        limit_ns=design["limit_ns"],
        low_set_by=result["low_set_by"] or "",
        high_set_by=result["high_set_by"] or "",
        stays_bad=result["stays_bad_after_overload"],
        warnings=tuple(result["warnings"]),
        experiment_id=experiment.id,
        origin=design["origin"],
    )


class _Prober:
    """Makes the probes that a search orders, one after the other."""

    def __init__(
        self,
        plan: Plan,
        search: CapacitySearch,
        stop: StopSignal,
        on_progress: OnCapacityProgress | None,
        make: Callable[[Plan, StopSignal, OnProgress], Run],
    ) -> None:
        self.id = new_run_id()
        self.started_at_ns = time.time_ns()
        self.runs: list[Run] = []
        self.warnings: list[str] = []
        self._plan = plan
        self._search = search
        self._stop = stop
        self._on_progress = on_progress
        self._make = make
        self._start_s = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._start_s

    def make_all(self) -> None:
        search, last = self._search, None
        while not self._stop.level and (order := search.next_order(self.elapsed_s)) is not None:
            before_s, last = self.elapsed_s, order
            self._wait(order.cool_down_s)
            run = self._run(order)
            if run is None:
                break
            self.runs.append(run)
            if run.fault_error:  # the probe is not what the plan says
                self._stop.request(by=f"the fault {run.fault_error}")
                break
            probe = probe_of(run, search.requirements, order.rate_rps, order.kind)
            search.add(probe, self.elapsed_s - before_s)
        if self._on_progress is not None and last is not None:
            self._on_progress(replace(self._progress(last), finished=True))
        if self._stop.level:
            self.warnings.append(
                f"stopped by {self._stop.cause} before its end: the interval is what was found"
            )

    def _run(self, order: ProbeOrder) -> Run | None:
        """The run of a probe; None if the search has to end before it."""
        stop = StopSignal()
        plan = self._probe_plan(order)
        watch = _Watch(order, plan, self._search.requirements, stop, self._report(order))
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                run = self._make(plan, stop, watch)
                if stop.number and not self._stop.level:  # through the spool of this run
                    self._stop.request(stop.number, by=stop.cause)
                return run
            except KeyboardInterrupt:
                self._stop.request()
                return None
            except RunError as exc:
                if not self.runs:
                    raise
                if attempt == _ATTEMPTS or self._stop.level:
                    self.warnings.append(f"{_what_failed(exc)}: {exc}")
                    return None
                self._wait(attempt * _PAUSE_S)
        raise AssertionError("unreachable")

    def _probe_plan(self, order: ProbeOrder) -> Plan:
        number = len(self.runs) + 1
        plan, search = self._plan, self._search
        return plan.replace(
            load=load_from_options(order.rate_rps, plan.load.arrivals),
            duration_s=order.length_s,
            warmup_s=order.warmup_s,
            seed=(plan.seed + number) % 2**63,
            drain_s=min(plan.drain_s, _DRAIN_S, max(search.budget_s / 10, 1.0)),
            tags={**dict(plan.tags), EXPERIMENT_TAG: self.id, PROBE_TAG: f"{number}"},
        )

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._stop.level:
            time.sleep(min(_LOOK_EVERY_S, max(until - time.monotonic(), 0)))

    def _report(self, order: ProbeOrder) -> OnProgress | None:
        if self._on_progress is None:
            return None
        report, before = self._on_progress, self._progress(order)
        return lambda run: report(replace(before, elapsed_s=self.elapsed_s, run=run))

    def _progress(self, order: ProbeOrder) -> CapacityProgress:
        """The state before the probe of ``order``."""
        search = self._search
        limits_ns = [item.limit_ns for item in search.requirements if item.limit_ns is not None]
        low = high = None
        if search.probes:
            low, most = search.interval()
            high = most if any(item.culprit for item in search.probes) else None
        return CapacityProgress(
            elapsed_s=self.elapsed_s,
            budget_s=search.budget_s,
            probe_number=len(search.probes) + 1,
            rate_rps=order.rate_rps,
            kind=order.kind,
            low_rps=low,
            high_rps=high,
            last=search.probes[-1] if search.probes else None,
            probes=tuple(search.probes),
            objective=search.objective_text,
            limit_ns=min(limits_ns, default=None),
            title=self._plan.describe_requests(),
        )


class _Watch:
    """The progress of a probe: passed on, and the end of a hopeless one."""

    def __init__(
        self,
        order: ProbeOrder,
        plan: Plan,
        requirements: Sequence[Requirement],
        stop: StopSignal,
        report: OnProgress | None,
    ) -> None:
        self._warmup_s = order.warmup_s
        self._backlog = Backlog(requirements, order.rate_rps, order.length_s)
        # Iterations are due by the schedule, and steps are what is recorded.
        self._is_watched = plan.scenario is None
        self._stop = stop
        self._report = report

    def __call__(self, progress: Progress) -> None:
        if self._report is not None:
            self._report(progress)
        if progress.phase != "measuring" or not self._is_watched or self._stop.level:
            return
        measured_s = progress.elapsed_s - self._warmup_s
        counts = progress.count, progress.error_count
        if self._backlog.is_hopeless(measured_s, *counts, progress.p99_ns):
            self._stop.request(reason=_HOPELESS)


def _what_failed(error: RunError) -> str:
    if isinstance(error, FaultError):
        return "a fault could not be made"
    who = "service" if isinstance(error, TargetError) else "load generator"
    return f"the {who} stopped responding"


def _arrivals(plan: Plan) -> str:
    kind = plan.load.arrivals
    return "Poisson (random intervals)" if kind == "poisson" else "constant (equal intervals)"
