"""The options of ``benchlab run`` for the load and its duration."""

from __future__ import annotations

from pathlib import Path

import click

from benchlab.cli.options.group import Draft, OptionGroup, Values
from benchlab.cli.options.types import DURATION
from benchlab.errors import InputError
from benchlab.plan.shapes import ClosedLoop, LoadShape
from benchlab.plan.shapes.registry import TEXT_SHAPES, load_from_options
from benchlab.plan.validation import ARRIVALS
from benchlab.text_files import read_text

__all__ = ["LENGTH", "LOAD"]

_CONNECTIONS = ClosedLoop().connections


def _load(draft: Draft, values: Values) -> None:
    if _keeps_recorded_times(draft, values):
        return
    if "load" in draft and values:
        values = _completed(values, draft["load"])
    given = {name: values[name] for name in _shapes() if values.get(name) is not None}
    if len(given) > 1:
        names = " and ".join(f"--{name}" for name in given)
        raise InputError(f"{names} exclude each other: a run has one load")
    connections, arrivals = values.get("connections"), values.get("arrivals")
    think_time = values.get("think_time")
    for name, value in given.items():
        _refuse_others(name, values)
        draft["load"] = _shaped(name, value, arrivals or "constant")
    if not given and ("load" not in draft or values):
        if arrivals is not None:
            raise InputError(
                "--arrivals is for an open loop: give a --rate too, or leave --arrivals out"
            )
        users = _CONNECTIONS if connections is None else connections
        draft["load"] = load_from_options(0, connections=users, think_time=think_time or "")


def _shapes() -> tuple[str, ...]:
    """The options that give a load a shape."""
    return ("rate", *TEXT_SHAPES)


def _is_open(name: str) -> bool:
    return name == "rate" or TEXT_SHAPES[name].has_schedule


def _refuse_others(name: str, values: Values) -> None:
    """Refuse options that the load of ``--name`` does not take."""
    others = [item for item in ("think_time", "connections") if values.get(item) is not None]
    if _is_open(name):
        if "think_time" in others:
            raise InputError(f"--think-time is for a closed loop: leave --{name} out")
        if others:
            raise InputError(
                f"--connections is for a closed loop: leave --{name} out, or cap the connections"
                " of an open loop with --max-connections"
            )
        return
    if values.get("arrivals") is not None:
        raise InputError(f"--arrivals is for an open loop: leave it out with --{name}")
    if others:
        option = others[0].replace("_", "-")
        raise InputError(f"--{name} and --{option} exclude each other: a run has one load")


def _keeps_recorded_times(draft: Draft, values: Values) -> bool:
    """Whether recorded requests are sent at their own times: no option gives them another load."""
    recorded = draft.get("recorded")
    if recorded is None:
        return False
    names = (*_shapes(), "arrivals", "connections", "think_time")
    given = [name for name in names if values.get(name) is not None]
    if given and recorded.speed != 1:
        raise InputError(
            f"--speed is about the recorded times, which --{given[0].replace('_', '-')} replaces:"
            " leave one of them out"
        )
    return not given


def _completed(values: Values, load: LoadShape) -> Values:
    """``values`` plus the options that keep the settings of ``load`` which they do not change."""
    own = {flag.removeprefix("--").replace("-", "_"): text for flag, text in load.options() or ()}
    shapes = [name for name in _shapes() if name in values]
    if shapes:
        keeps = "rate" in own and all(map(_is_open, shapes))
        return {"arrivals": load.arrivals, **values} if keeps else values
    if "connections" in own and "arrivals" not in values:
        return {**own, "connections": int(own["connections"]), **values}
    if "rate" in own and set(values) == {"arrivals"}:
        return {"rate": float(own["rate"]), **values}
    option = next(iter(values)).replace("_", "-")
    raise InputError(
        f"--{option} does not fit the plan's load ({load.describe()}): edit its file, or give"
        " another load"
    )


def _shaped(name: str, value: str | float, arrivals: str) -> LoadShape:
    if isinstance(value, float):
        if value == 0:
            raise InputError("--rate 0 makes no load: leave --rate out for a closed loop")
        return load_from_options(value, arrivals)
    shape = TEXT_SHAPES[name]
    if shape.file_field and arrivals != "constant":
        raise InputError(f"--arrivals is not for recorded arrivals: leave it out with --{name}")
    text = read_text(Path(value)) if shape.file_field else value
    try:
        return shape.parse(text, arrivals)
    except InputError as exc:
        raise (exc.within(value) if shape.file_field else exc.of(name)) from exc


LOAD = OptionGroup(
    "Load",
    (
        click.option(
            "--connections",
            "-c",
            type=int,
            default=None,
            help=f"number of users of a closed loop  [default: {_CONNECTIONS}]",
        ),
        click.option(
            "--think-time",
            metavar="TIME[,exponential]",
            help="pause of a closed loop's user after each response; with ,exponential the mean",
        ),
        click.option(
            "--rate", "-r", type=float, default=None, help="requests per second of an open loop"
        ),
        *(
            click.option(f"--{kind}", metavar=shape.metavar, help=shape.help)
            for kind, shape in TEXT_SHAPES.items()
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
            help="length of the measured window; with --requests its maximum"
            "  [default: that of the load shape, else 10s]",
        ),
        click.option(
            "--requests",
            "request_count",
            type=int,
            default=None,
            metavar="N",
            help="end after N measured requests",
        ),
        click.option(
            "--warmup",
            "warmup_s",
            type=DURATION,
            default="2s",
            show_default=True,
            help="load before the measured window, recorded but not counted; of a replay none,"
            " unless given",
        ),
    ),
)
