"""The options of ``benchlab run`` that say how much load there is, and for how long."""

from __future__ import annotations

from pathlib import Path

import click

from benchlab.cli.options.group import Draft, OptionGroup, Values
from benchlab.cli.options.types import DURATION
from benchlab.errors import InputError
from benchlab.plan.options import load_from_options
from benchlab.plan.shapes import ClosedLoop, ConstantRate, Load, PoissonRate, Replay
from benchlab.plan.shapes.limits import ARRIVALS
from benchlab.plan.shapes.notation import parse_think_time

__all__ = ["LENGTH", "LOAD"]

_CONNECTIONS = ClosedLoop().connections
_OPEN = ("rate", "stages", "steps", "spike", "replay")


def _load(draft: Draft, values: Values) -> None:
    if "load" in draft and values:
        values = _completed(values, draft["load"])
    given = {name: values[name] for name in _OPEN if values.get(name) is not None}
    if len(given) > 1:
        names = " and ".join(f"--{name}" for name in given)
        raise InputError(f"{names} exclude each other: a run has one load")
    connections, arrivals = values.get("connections"), values.get("arrivals")
    think_time = values.get("think_time")
    for name, value in given.items():
        if think_time is not None:
            raise InputError(f"--think-time is for the users of a closed loop: leave --{name} out")
        if connections is not None:
            raise InputError(
                f"--connections is for a closed loop: leave --{name} out, or cap the connections"
                " of an open loop with --max-connections"
            )
        draft["load"] = _open_loop(name, value, arrivals or "constant")
    if not given and ("load" not in draft or values):
        if arrivals is not None:
            raise InputError(
                "--arrivals is for an open loop: give a --rate too, or leave --arrivals out"
            )
        pause_s, spread = (
            parse_think_time(think_time) if think_time is not None else (0, "constant")
        )
        users = _CONNECTIONS if connections is None else connections
        draft["load"] = ClosedLoop(users, pause_s, spread)


def _completed(values: Values, load: Load) -> Values:
    """The options that change ``load``, and what they leave as it is."""
    if any(name in values for name in _OPEN):
        return {"arrivals": "poisson", **values} if isinstance(load, PoissonRate) else values
    if isinstance(load, ClosedLoop) and "arrivals" not in values:
        spread = ",exponential" if load.think_time == "exponential" else ""
        pause = {"think_time": f"{load.think_time_s}s{spread}"} if load.think_time_s else {}
        return {"connections": load.connections, **pause, **values}
    if isinstance(load, ConstantRate | PoissonRate) and set(values) == {"arrivals"}:
        return {"rate": float(load.rate_rps), **values}
    option = next(iter(values)).replace("_", "-")
    raise InputError(
        f"--{option} does not fit the plan's load ({load.describe()}): edit its file, or give"
        " another load"
    )


def _open_loop(name: str, value: str | float, arrivals: str) -> Load:
    if isinstance(value, float):
        if value == 0:
            raise InputError("--rate 0 makes no load: leave --rate out for a closed loop")
        return load_from_options(value, arrivals)
    if name != "replay":
        try:
            return load_from_options(0, arrivals, shape=f"{name} {value}")
        except InputError as exc:
            raise exc.of(name) from exc
    if arrivals != "constant":
        raise InputError("--arrivals is not for recorded arrivals: leave it out with --replay")
    return _read_replay(Path(value))


def _read_replay(path: Path) -> Replay:
    try:
        text = path.read_text()
    except OSError as exc:
        raise InputError(f"cannot read arrival times from {path}: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise InputError(f"cannot read arrival times from {path}: it is not text") from exc
    try:
        return Replay.from_text(text)
    except InputError as exc:
        raise exc.within(str(path)) from exc


LOAD = OptionGroup(
    "Load",
    (
        click.option(
            "--connections",
            "-c",
            type=int,
            default=None,
            help=f"connections of a closed loop  [default: {_CONNECTIONS}]",
        ),
        click.option(
            "--think-time",
            metavar="TIME[,exponential]",
            help="pause of a closed loop's users after each answer; with ,exponential its mean",
        ),
        click.option("--rate", "-r", type=float, default=None, help="requests/s of an open loop"),
        click.option(
            "--stages",
            metavar="TIME:RATE,…",
            help="a rate that goes in straight lines: from 0 (or the first stage's FROM-TO) to"
            " each RATE within its TIME",
        ),
        click.option(
            "--steps", metavar="TIME:RATE,…", help="a rate that is held for each TIME, then jumps"
        ),
        click.option(
            "--spike",
            metavar="base=…,peak=…,at=…,length=…,duration=…",
            help="a rate with a peak in it",
        ),
        click.option(
            "--replay",
            metavar="FILE",
            help="recorded arrival times: a number of seconds per line, or first in a CSV line",
        ),
        click.option(
            "--arrivals",
            type=click.Choice(ARRIVALS),
            default=None,
            help="how the requests of an open loop are spaced  [default: constant]",
        ),
    ),
    _load,
    fields={"rate_rps": "rate", "think_time_s": "think_time"},
)

LENGTH = OptionGroup(
    "Load",
    (
        click.option(
            "--duration",
            "duration_s",
            type=DURATION,
            default=None,
            help="length of the measured window; with --requests its limit"
            "  [default: the load's own, else 10s]",
        ),
        click.option(
            "--requests",
            "request_count",
            type=int,
            default=None,
            metavar="N",
            help="end after N measured requests instead of a time",
        ),
        click.option(
            "--warmup",
            "warmup_s",
            type=DURATION,
            default="2s",
            show_default=True,
            help="load before that, recorded but not counted",
        ),
    ),
)
