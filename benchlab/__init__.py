"""benchlab: benchmark HTTP services from notebooks, with numbers that can be checked.

The names below are loaded on first use, so that ``import benchlab`` stays fast.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from benchlab.version import __version__ as __version__

if TYPE_CHECKING:
    from benchlab import plots as plots
    from benchlab.calibration import calibrate as calibrate
    from benchlab.errors import BenchlabError as BenchlabError
    from benchlab.exchange import export_run as export_run
    from benchlab.exchange import import_file as import_file
    from benchlab.feeds import read_feed as read_feed
    from benchlab.load.run import run as run
    from benchlab.load.run import run_async as run_async
    from benchlab.plan_file import read_plan as read_plan
    from benchlab.report import write_report as write_report
    from benchlab.samples.histogram import LatencyHistogram as LatencyHistogram
    from benchlab.samples.samples import Samples as Samples
    from benchlab.scenarios import scenario as scenario
    from benchlab.store import Store as Store
    from benchlab.values.checks import BodyContains as BodyContains
    from benchlab.values.checks import BodyEquals as BodyEquals
    from benchlab.values.checks import BodyMatches as BodyMatches
    from benchlab.values.checks import JsonEquals as JsonEquals
    from benchlab.values.checks import MaxBody as MaxBody
    from benchlab.values.checks import StatusIn as StatusIn
    from benchlab.values.feed import Feed as Feed
    from benchlab.values.floor import Floor as Floor
    from benchlab.values.imported import ImportedSummary as ImportedSummary
    from benchlab.values.load import ClosedLoop as ClosedLoop
    from benchlab.values.load import ConstantRate as ConstantRate
    from benchlab.values.load import PoissonRate as PoissonRate
    from benchlab.values.load import Replay as Replay
    from benchlab.values.load import Spike as Spike
    from benchlab.values.load import Stages as Stages
    from benchlab.values.load import Steps as Steps
    from benchlab.values.objectives import Objective as Objective
    from benchlab.values.plan import Plan as Plan
    from benchlab.values.request import Request as Request
    from benchlab.values.run import Run as Run
    from benchlab.values.scenario import Scenario as Scenario
    from benchlab.values.transport import Transport as Transport

_HOME = {
    "BenchlabError": "benchlab.errors",
    "BodyContains": "benchlab.values.checks",
    "BodyEquals": "benchlab.values.checks",
    "BodyMatches": "benchlab.values.checks",
    "ClosedLoop": "benchlab.values.load",
    "ConstantRate": "benchlab.values.load",
    "Floor": "benchlab.values.floor",
    "JsonEquals": "benchlab.values.checks",
    "Feed": "benchlab.values.feed",
    "ImportedSummary": "benchlab.values.imported",
    "LatencyHistogram": "benchlab.samples.histogram",
    "MaxBody": "benchlab.values.checks",
    "Objective": "benchlab.values.objectives",
    "Plan": "benchlab.values.plan",
    "PoissonRate": "benchlab.values.load",
    "Replay": "benchlab.values.load",
    "Request": "benchlab.values.request",
    "Run": "benchlab.values.run",
    "Samples": "benchlab.samples.samples",
    "Scenario": "benchlab.values.scenario",
    "Spike": "benchlab.values.load",
    "Stages": "benchlab.values.load",
    "StatusIn": "benchlab.values.checks",
    "Steps": "benchlab.values.load",
    "Store": "benchlab.store",
    "calibrate": "benchlab.calibration",
    "export_run": "benchlab.exchange",
    "import_file": "benchlab.exchange",
    "Transport": "benchlab.values.transport",
    "read_feed": "benchlab.feeds",
    "read_plan": "benchlab.plan_file",
    "run": "benchlab.load.run",
    "run_async": "benchlab.load.run",
    "scenario": "benchlab.scenarios",
    "write_report": "benchlab.report",
}

__all__ = [
    "BenchlabError",
    "BodyContains",
    "BodyEquals",
    "BodyMatches",
    "ClosedLoop",
    "ConstantRate",
    "Feed",
    "Floor",
    "ImportedSummary",
    "JsonEquals",
    "LatencyHistogram",
    "MaxBody",
    "Objective",
    "Plan",
    "PoissonRate",
    "Replay",
    "Request",
    "Run",
    "Samples",
    "Scenario",
    "Spike",
    "Stages",
    "StatusIn",
    "Steps",
    "Store",
    "Transport",
    "calibrate",
    "export_run",
    "import_file",
    "plots",
    "read_feed",
    "read_plan",
    "run",
    "run_async",
    "scenario",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name == "plots":
        return importlib.import_module("benchlab.plots")
    if name not in _HOME:
        raise AttributeError(f"module 'benchlab' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
