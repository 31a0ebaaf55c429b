"""``benchlab ab``: measure two plans in interleaved blocks, and compare them."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import click

from benchlab.cli.exit_codes import ExitCode, stopped_by
from benchlab.cli.lean_numpy import import_numpy
from benchlab.cli.options.cluster import CLUSTER, Place
from benchlab.cli.options.comparison import comparison_options, outputs_from
from benchlab.cli.options.group import (
    OptionGroup,
    errors_name_options,
    given_of,
    with_options,
)
from benchlab.cli.options.load import LENGTH
from benchlab.cli.options.output import ReportOutput, report_option
from benchlab.cli.options.run import OBJECTIVES, PLAN_OPTIONS, PlanCommand, plan_from_values
from benchlab.cli.options.types import DURATION
from benchlab.cli.terminal.output import print_line
from benchlab.errors import InputError, RunError, StoreError
from benchlab.text import plural

if TYPE_CHECKING:
    from benchlab.experiments.ab import ABRun
    from benchlab.experiments.ab_design import ABDesign
    from benchlab.load.cluster.asked import SamplesTo
    from benchlab.store import Store

__all__ = ["ab", "save"]

_MOST_SEED = 2**63 - 1

_PLAN = tuple(group for group in PLAN_OPTIONS if group not in (LENGTH, OBJECTIVES))

EXPERIMENT = OptionGroup(
    "Experiment",
    (
        click.option(
            "--against",
            metavar="URL",
            help="compare with the same plan at this service, such as http://10.0.0.2:8000,"
            " instead of PLAN_B",
        ),
        click.option(
            "--blocks",
            type=int,
            default=20,
            show_default=True,
            help="number of blocks; each measures both plans",
        ),
        click.option(
            "--block",
            "block_s",
            type=DURATION,
            default="2s",
            show_default=True,
            help="how long a block measures each plan",
        ),
        click.option(
            "--washout",
            "washout_s",
            type=DURATION,
            default="500ms",
            show_default=True,
            help="load before each measurement, recorded but not counted",
        ),
        click.option(
            "--before-block",
            metavar="CMD",
            help="shell command before each measurement, such as a restart of the service;"
            " BENCHLAB_ARM is a or b",
        ),
        click.option(
            "--force", is_flag=True, help="compare plans of different loads, with a warning"
        ),
    ),
)

_GROUPS = (EXPERIMENT, *_PLAN, CLUSTER)


class _AB(PlanCommand):
    groups = _GROUPS


@click.command(cls=_AB)
@click.pass_context
@click.argument("source_a", metavar="PLAN_A")
@click.argument("source_b", metavar="[PLAN_B]", required=False)
@with_options(_GROUPS)
@comparison_options("the comparison")
@report_option()
@click.option("--no-save", is_flag=True, help="save neither the experiment nor its runs")
def ab(
    context: click.Context,
    source_a: str,
    source_b: str | None,
    against: str | None,
    metric: str,
    threshold: float,
    before_block: str | None,
    cluster: str | None,
    samples: SamplesTo,
    report: ReportOutput,
    no_save: bool,
    **values: Any,
) -> int:
    """Measure two plans in interleaved blocks: is B slower than A?

    PLAN_A and PLAN_B are URLs or plan files, as for benchlab run; with --against, B is PLAN_A at
    another service. Options of the plan apply to both.

    Each block measures both plans, in an order drawn by a coin, with the same arrivals and data:
    whatever else changes on this machine and in the network meets both alike. The number of blocks
    is fixed; the progress shows how the interval closes.

    --seed decides all coins, arrivals and data; without it, it is drawn. Ctrl-C ends the experiment
    early and compares the complete blocks.

    \b
    Examples:
      benchlab ab http://10.0.0.1:8000/items http://10.0.0.2:8000/items --rate 500
      benchlab ab checkout.toml --against http://10.0.0.2:8000 --blocks 30 --block 4s
      benchlab ab old.toml new.toml --metric p99 --fail-on slower --markdown comment.md
      benchlab ab checkout.toml --against http://127.0.0.1:8001 --before-block ./restart.sh
      benchlab ab old.toml new.toml --cluster tcp://scheduler:8786
    """
    if (against is None) == (source_b is None):
        raise InputError("give two plans, or one and the service to compare it with (--against)")
    given = given_of(context, context.params)
    outputs = outputs_from(values, report)
    outputs.check()
    with errors_name_options(_GROUPS, given):
        design = _design(source_a, source_b, against, values, given)
        place = Place.of(cluster, samples, save=not no_save)
    import_numpy()
    from benchlab.experiments.saving import usable_store

    store = None if no_save else usable_store()
    with errors_name_options(_GROUPS, given):
        made, number = _measured(design, metric, threshold, before_block, place)
    try:
        code = ExitCode.FAILURE if made.comparison is None else outputs.write(made.comparison)
    finally:
        save(made, store)
    if number:
        if made.comparison is None:
            print_line(made.problem)
        return stopped_by(number)
    if made.comparison is None:
        raise RunError(made.problem)
    return ExitCode.OBJECTIVE_BROKEN if made.measured.aborted else code


def _design(
    source_a: str,
    source_b: str | None,
    against: str | None,
    values: dict[str, Any],
    given: set[str],
) -> ABDesign:
    from benchlab.experiments.ab_design import ABDesign
    from benchlab.experiments.against import plan_against

    own = {name: values.pop(name) for name in ("blocks", "block_s", "washout_s", "force")}
    plan_a = plan_from_values(source_a, values, given)
    if against is not None:
        plan_b = plan_against(plan_a, against)
    else:
        plan_b = plan_from_values(str(source_b), values, given)
    seed = values["seed"] if "seed" in given else secrets.randbelow(_MOST_SEED)
    return ABDesign(plan_a=plan_a, plan_b=plan_b, seed=seed, **own)


def _measured(
    design: ABDesign, metric: str, threshold: float, before_block: str | None, place: Place
) -> tuple[ABRun, int]:
    """The experiment, and the number of the signal that ended it, 0 if none did."""
    from benchlab.cli.terminal.ab import ab_bar
    from benchlab.experiments.ab import measure_ab
    from benchlab.experiments.before_block import shell_command
    from benchlab.load.supervisor.stop_signal import StopSignal

    stop = StopSignal()
    with ab_bar(design) as on_progress:
        made = measure_ab(
            design,
            stop,
            metric=metric,
            threshold=threshold,
            before_block=None if before_block is None else shell_command(before_block),
            on_progress=on_progress,
            **place.options,
        )
    return made, stop.number


def save(made: ABRun, store: Store | None) -> None:
    """Save the experiment and its runs, with progress, and say where."""
    from benchlab.cli.terminal.ab import saving_bar
    from benchlab.experiments.ab import save_ab

    try:
        with saving_bar(len(made.measured.runs)) as on_saved:
            save_ab(made, store, on_saved)
    except (KeyboardInterrupt, StoreError):
        print_line(
            f"experiment {made.id} was measured but not saved: benchlab recover saves its runs, and"
            f" then benchlab show {made.id} compares them"
        )
        raise
    if store is not None and made.measured.runs:
        runs = plural(len(made.measured.runs), "run")
        print_line(
            f"saved in {store.location} as experiment {made.id}, with {runs}:"
            f" benchlab history --experiment {made.id}"
        )
