"""benchlab: benchmark HTTP services from notebooks, with numbers that can be checked.

The public names are loaded on first use, so that ``import benchlab`` stays fast. A new one goes
into both lists below: the first is read by type checkers and editors, the second by Python.
"""

import typing as _typing

from benchlab import displayed as _displayed
from benchlab.version import __version__ as __version__

if _typing.TYPE_CHECKING:
    from benchlab import notebook as notebook
    from benchlab import plots as plots
    from benchlab.analysis.capacity import Capacity as Capacity
    from benchlab.analysis.comparison import Comparison as Comparison
    from benchlab.analysis.resilience import Resilience as Resilience
    from benchlab.analysis.scalability import Scalability as Scalability
    from benchlab.analysis.sweep import Sweep as Sweep
    from benchlab.analysis.trend import Trend as Trend
    from benchlab.calibration.measure import calibrate as calibrate
    from benchlab.errors import BenchlabError as BenchlabError
    from benchlab.exchange import export_run as export_run
    from benchlab.exchange import import_file as import_file
    from benchlab.experiments.ab import ab as ab
    from benchlab.experiments.attribute import attribute as attribute
    from benchlab.experiments.capacity import capacity as capacity
    from benchlab.experiments.compare import compare as compare
    from benchlab.experiments.explain import explain as explain
    from benchlab.experiments.resilience import resilience as resilience
    from benchlab.experiments.scalability import scalability as scalability
    from benchlab.experiments.trend import trend as trend
    from benchlab.load.run import run as run
    from benchlab.load.run import run_async as run_async
    from benchlab.notebook.sweep.sweeping import sweep as sweep
    from benchlab.plan.checks import BodyContains as BodyContains
    from benchlab.plan.checks import BodyEquals as BodyEquals
    from benchlab.plan.checks import BodyMatches as BodyMatches
    from benchlab.plan.checks import EventContains as EventContains
    from benchlab.plan.checks import EventCount as EventCount
    from benchlab.plan.checks import EventJson as EventJson
    from benchlab.plan.checks import GrpcStatusIn as GrpcStatusIn
    from benchlab.plan.checks import JsonEquals as JsonEquals
    from benchlab.plan.checks import MaxBody as MaxBody
    from benchlab.plan.checks import StatusIn as StatusIn
    from benchlab.plan.faults import Fault as Fault
    from benchlab.plan.faults import FaultSchedule as FaultSchedule
    from benchlab.plan.feed import Feed as Feed
    from benchlab.plan.files.feed import read_feed as read_feed
    from benchlab.plan.files.plan import read_plan as read_plan
    from benchlab.plan.files.scenario import scenario as scenario
    from benchlab.plan.grpc.request import GrpcRequest as GrpcRequest
    from benchlab.plan.objectives import Objective as Objective
    from benchlab.plan.plan import Plan as Plan
    from benchlab.plan.policies import Breaker as Breaker
    from benchlab.plan.policies import Hedge as Hedge
    from benchlab.plan.policies import Retry as Retry
    from benchlab.plan.recording import Recording as Recording
    from benchlab.plan.request import Request as Request
    from benchlab.plan.scenario import Scenario as Scenario
    from benchlab.plan.shapes import ClosedLoop as ClosedLoop
    from benchlab.plan.shapes import ConstantRate as ConstantRate
    from benchlab.plan.shapes import PoissonRate as PoissonRate
    from benchlab.plan.shapes import Replay as Replay
    from benchlab.plan.shapes import Spike as Spike
    from benchlab.plan.shapes import Stages as Stages
    from benchlab.plan.shapes import Steps as Steps
    from benchlab.plan.stream import Stream as Stream
    from benchlab.plan.transport import Transport as Transport
    from benchlab.report import write_report as write_report
    from benchlab.runs.apdex import Apdex as Apdex
    from benchlab.runs.attainment import Attainment as Attainment
    from benchlab.runs.fault_record import FaultRecord as FaultRecord
    from benchlab.runs.fidelity import Fidelity as Fidelity
    from benchlab.runs.floor import Floor as Floor
    from benchlab.runs.host_record import HostRecord as HostRecord
    from benchlab.runs.imported_summary import ImportedSummary as ImportedSummary
    from benchlab.runs.littles_law import LittlesLaw as LittlesLaw
    from benchlab.runs.modes import Modes as Modes
    from benchlab.runs.run import Run as Run
    from benchlab.runs.steady_state import SteadyState as SteadyState
    from benchlab.samples.histogram import LatencyHistogram as LatencyHistogram
    from benchlab.samples.percentile_interval import PercentileInterval as PercentileInterval
    from benchlab.samples.samples import Samples as Samples
    from benchlab.store import Store as Store
    from benchlab.telemetry.instrument import instrument as instrument
    from benchlab.watch.live_run import LiveRun as LiveRun
    from benchlab.watch.running import LiveRuns as LiveRuns
    from benchlab.watch.running import live as live
    from benchlab.watch.start import start as start

_MODULES = {
    "Apdex": "benchlab.runs.apdex",
    "Attainment": "benchlab.runs.attainment",
    "BenchlabError": "benchlab.errors",
    "BodyContains": "benchlab.plan.checks",
    "BodyEquals": "benchlab.plan.checks",
    "BodyMatches": "benchlab.plan.checks",
    "Breaker": "benchlab.plan.policies",
    "Capacity": "benchlab.analysis.capacity",
    "ClosedLoop": "benchlab.plan.shapes",
    "Comparison": "benchlab.analysis.comparison",
    "ConstantRate": "benchlab.plan.shapes",
    "EventContains": "benchlab.plan.checks",
    "EventCount": "benchlab.plan.checks",
    "EventJson": "benchlab.plan.checks",
    "Fault": "benchlab.plan.faults",
    "FaultRecord": "benchlab.runs.fault_record",
    "FaultSchedule": "benchlab.plan.faults",
    "Feed": "benchlab.plan.feed",
    "Fidelity": "benchlab.runs.fidelity",
    "Floor": "benchlab.runs.floor",
    "GrpcRequest": "benchlab.plan.grpc.request",
    "GrpcStatusIn": "benchlab.plan.checks",
    "Hedge": "benchlab.plan.policies",
    "HostRecord": "benchlab.runs.host_record",
    "ImportedSummary": "benchlab.runs.imported_summary",
    "JsonEquals": "benchlab.plan.checks",
    "LatencyHistogram": "benchlab.samples.histogram",
    "LittlesLaw": "benchlab.runs.littles_law",
    "LiveRun": "benchlab.watch.live_run",
    "LiveRuns": "benchlab.watch.running",
    "MaxBody": "benchlab.plan.checks",
    "Modes": "benchlab.runs.modes",
    "Objective": "benchlab.plan.objectives",
    "PercentileInterval": "benchlab.samples.percentile_interval",
    "Plan": "benchlab.plan.plan",
    "PoissonRate": "benchlab.plan.shapes",
    "Recording": "benchlab.plan.recording",
    "Replay": "benchlab.plan.shapes",
    "Request": "benchlab.plan.request",
    "Resilience": "benchlab.analysis.resilience",
    "Retry": "benchlab.plan.policies",
    "Run": "benchlab.runs.run",
    "Samples": "benchlab.samples.samples",
    "Scalability": "benchlab.analysis.scalability",
    "Scenario": "benchlab.plan.scenario",
    "Spike": "benchlab.plan.shapes",
    "Stages": "benchlab.plan.shapes",
    "StatusIn": "benchlab.plan.checks",
    "SteadyState": "benchlab.runs.steady_state",
    "Steps": "benchlab.plan.shapes",
    "Store": "benchlab.store",
    "Stream": "benchlab.plan.stream",
    "Sweep": "benchlab.analysis.sweep",
    "Transport": "benchlab.plan.transport",
    "Trend": "benchlab.analysis.trend",
    "ab": "benchlab.experiments.ab",
    "attribute": "benchlab.experiments.attribute",
    "calibrate": "benchlab.calibration.measure",
    "capacity": "benchlab.experiments.capacity",
    "compare": "benchlab.experiments.compare",
    "explain": "benchlab.experiments.explain",
    "export_run": "benchlab.exchange",
    "import_file": "benchlab.exchange",
    "instrument": "benchlab.telemetry.instrument",
    "live": "benchlab.watch.running",
    "notebook": "benchlab.notebook",
    "plots": "benchlab.plots",
    "read_feed": "benchlab.plan.files.feed",
    "read_plan": "benchlab.plan.files.plan",
    "resilience": "benchlab.experiments.resilience",
    "run": "benchlab.load.run",
    "run_async": "benchlab.load.run",
    "scalability": "benchlab.experiments.scalability",
    "scenario": "benchlab.plan.files.scenario",
    "start": "benchlab.watch.start",
    "sweep": "benchlab.notebook.sweep.sweeping",
    "trend": "benchlab.experiments.trend",
    "write_report": "benchlab.report",
}

__all__ = list(_MODULES)  # sorted, as a test says


def _renderers() -> _displayed.Renderers:
    from benchlab.display.renderers import RENDERERS
    from benchlab.watch.pick import PICKER

    return {**RENDERERS, **PICKER}


_displayed.set_renderers(_renderers)


def load_ipython_extension(shell: _typing.Any) -> None:
    """``%load_ext benchlab``: add ``%bench``, which is ``benchlab run`` in a notebook."""
    from benchlab.cli import magic

    magic.register(shell)


def unload_ipython_extension(shell: _typing.Any) -> None:
    """``%unload_ext benchlab``: take it away again."""
    from benchlab.cli import magic

    magic.unregister(shell)


if not _typing.TYPE_CHECKING:  # else a type checker would take any name for one of these

    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name not in _MODULES:
            raise AttributeError(f"module 'benchlab' has no attribute {name!r}")
        module = import_module(_MODULES[name])
        is_module = module.__name__ == f"benchlab.{name}"
        globals()[name] = value = module if is_module else getattr(module, name)
        return value

    def __dir__() -> list[str]:
        return [*__all__, "__version__"]
