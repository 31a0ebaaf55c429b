"""Load shapes: when the next request should be sent.

A closed loop sends when a connection is free. An open loop sends at times fixed in advance, and
yields those times here: integer nanoseconds from the start of a phase, in order, in blocks of
bounded size, so that a long run does not hold its whole schedule in memory.

closed_loop.py    users who wait for their answers
constant_rate.py  equal gaps
poisson_rate.py   random gaps
stages.py         a rate that climbs and falls in straight lines
steps.py          a rate that jumps from one level to the next
spike.py          a level, a peak, the level again
replay.py         times that were recorded
imported.py       what another tool sent
varying_rate.py   what stages, steps and spike have in common
rate_curve.py     the area under a varying rate, and the way back
limits.py         what a value may be
codec.py          a shape as a dict, and back
notation.py       a shape as people write it on a command line, and back
"""

from __future__ import annotations

from benchlab.plan.shapes.closed_loop import THINK_TIMES, ClosedLoop
from benchlab.plan.shapes.codec import Load, OpenLoad, load_from_dict, load_to_dict
from benchlab.plan.shapes.constant_rate import ConstantRate
from benchlab.plan.shapes.imported import Imported
from benchlab.plan.shapes.limits import BLOCK
from benchlab.plan.shapes.poisson_rate import PoissonRate
from benchlab.plan.shapes.replay import Replay
from benchlab.plan.shapes.spike import Spike
from benchlab.plan.shapes.stages import Stages
from benchlab.plan.shapes.steps import Steps

__all__ = [
    "BLOCK",
    "THINK_TIMES",
    "ClosedLoop",
    "ConstantRate",
    "Imported",
    "Load",
    "OpenLoad",
    "PoissonRate",
    "Replay",
    "Spike",
    "Stages",
    "Steps",
    "load_from_dict",
    "load_to_dict",
]
