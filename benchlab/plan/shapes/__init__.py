"""Load shapes: when the next request should be sent.

A closed loop sends when a connection is free. An open loop sends at times fixed in advance, and
yields those times here: integer nanoseconds from the start of a phase, in order, in blocks of
bounded size, so that a long run does not hold its whole schedule in memory.

base.py          what every shape is
closed_loop.py   users who wait for each response
fixed_rate.py    equal gaps (constant), random gaps (Poisson)
varying_rate.py  a rate that climbs and falls (stages), jumps (steps), or peaks (spike)
rate_curve.py    the area under a varying rate, and its inverse
replay.py        times that were recorded
arrival_times.py such times in a text
imported.py      what another tool sent
registry.py      all of them; a new shape is a file and a line there
"""

from __future__ import annotations

from benchlab.plan.shapes.base import BLOCK, LoadShape, OpenLoop
from benchlab.plan.shapes.closed_loop import THINK_DISTRIBUTIONS, ClosedLoop
from benchlab.plan.shapes.fixed_rate import ConstantRate, PoissonRate
from benchlab.plan.shapes.imported import Imported
from benchlab.plan.shapes.registry import load_from_dict, load_to_dict
from benchlab.plan.shapes.replay import Replay
from benchlab.plan.shapes.varying_rate import Spike, Stages, Steps

__all__ = [
    "BLOCK",
    "THINK_DISTRIBUTIONS",
    "ClosedLoop",
    "ConstantRate",
    "Imported",
    "LoadShape",
    "OpenLoop",
    "PoissonRate",
    "Replay",
    "Spike",
    "Stages",
    "Steps",
    "load_from_dict",
    "load_to_dict",
]
