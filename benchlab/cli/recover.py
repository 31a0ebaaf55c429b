"""``benchlab recover``: save runs that a crash, a full disk or a missing store left unsaved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from benchlab.cli.exit_codes import ExitCode, exit_code_of_parts
from benchlab.cli.options.cluster import any_cluster_option
from benchlab.cli.terminal.output import print_line
from benchlab.errors import (
    BenchlabError,
    DamagedError,
    InputError,
    RunError,
    StoreBusyError,
    StoreUnavailableError,
)
from benchlab.store import Store
from benchlab.text import listed, plural

if TYPE_CHECKING:
    from benchlab.load.cluster.connect import ClusterConnection
    from benchlab.load.cluster.recover import KeptShare
    from benchlab.runs.run import Run

__all__ = ["recover"]

_LOOK_EVERY_S = 0.5
_MOST_NUMBERS = 8  # of workers that are listed


class _Wanted(NamedTuple):
    """What is done with unsaved runs: saved, unless they are only listed or deleted."""

    only_list: bool
    discard: bool
    partial: bool


@click.command()
@click.option("--list", "only_list", is_flag=True, help="only list the unsaved runs")
@click.option("--discard", is_flag=True, help="delete the unsaved runs instead of saving them")
@any_cluster_option("first fetch what the hosts of this Dask cluster have kept of any runs")
@click.option(
    "--partial",
    is_flag=True,
    help="save runs of a cluster without what is missing of them, and give that up",
)
def recover(only_list: bool, discard: bool, cluster: str | None, partial: bool) -> int:
    """Save runs that were measured but not stored. May be repeated: nothing is stored twice.

    This includes runs of bl.run and bl.start that your code did not save. Runs that go on are left
    alone: benchlab live lists them. Runs of an interrupted calibration are removed. A run that
    cannot be read or saved is reported, the others are still saved, and the exit code is 1. If the
    store cannot be reached, it is 4. A saved run's plan has no credentials, as in the store.

    A run is left as it is, and the exit code is 1, while hosts of a cluster have more of it:
    --cluster fetches what they have kept on their disks, also of runs that this machine does not
    know any more, and --partial saves the run without that. With --cluster, --list and --discard
    are also about what the hosts have.

    \b
    Examples:
      benchlab recover
      benchlab recover --list
      benchlab recover --cluster tcp://scheduler:8786
      benchlab recover --partial
    """
    from benchlab import spool

    if sum((only_list, discard, partial)) > 1:
        raise InputError(
            "--list, --discard and --partial exclude each other: leave all but one of them out"
        )
    wanted = _Wanted(only_list, discard, partial)
    failures: list[int] = []
    found = 0 if cluster is None else _from_cluster(cluster, wanted, failures)
    waiting = list(spool.pending())
    if not waiting and not found:
        going_on = sum(1 for _ in spool.runs())
        others = f"; {plural(going_on, 'run')} in use: see benchlab live" if going_on else ""
        print_line(f"nothing to recover{others}")
    for directory in waiting:
        with _noting_failure(directory.name, failures):
            if not _recover(directory, wanted):
                failures.append(ExitCode.FAILURE)
    return exit_code_of_parts(failures)


@contextmanager
def _noting_failure(run_id: str, failures: list[int]) -> Iterator[None]:
    """Report what is wrong with a run, and note its exit code: the others are still saved."""
    try:
        yield
    except (StoreBusyError, StoreUnavailableError):  # the others would fail in the same way
        raise
    except BenchlabError as exc:
        # A damaged spool is not what the user gave.
        damaged = isinstance(exc, DamagedError)
        failures.append(ExitCode.FAILURE if damaged else exc.exit_code)
        print_line(f"{run_id}: {exc}")
    except Exception as exc:
        failures.append(ExitCode.FAILURE)
        print_line(f"{run_id}: cannot be saved ({type(exc).__name__}: {exc})")


def _from_cluster(cluster: str, wanted: _Wanted, failures: list[int]) -> int:
    """Fetch, list or delete what hosts have kept; returns of how many runs there was anything."""
    from benchlab.cli.options.cluster import CLUSTER
    from benchlab.cli.options.group import errors_name_options
    from benchlab.load.cluster.connect import connected

    with errors_name_options([CLUSTER], {"cluster"}), connected(cluster) as connection:
        by_run, problems = _kept(connection, wanted)
        for problem in problems:
            failures.append(ExitCode.FAILURE)
            print_line(problem)
        for run_id, kept in by_run.items():
            for each in kept:
                print_line(f"{run_id}: {_share_text(each)}", err=not wanted.only_list)
            free = [each for each in kept if not each.is_in_use]
            if not wanted.only_list and free:
                with _noting_failure(run_id, failures):
                    print_line(f"{run_id}: {_fetched(connection, free, wanted)}")
    return len(by_run)


def _kept(
    connection: ClusterConnection, wanted: _Wanted
) -> tuple[dict[str, list[KeptShare]], list[str]]:
    """What hosts have kept. Those that have just lost their parent need a moment to let go."""
    import time

    from benchlab import spool
    from benchlab.load.cluster.recover import kept_shares
    from benchlab.load.cluster.timing import USUAL_PATIENCE
    from benchlab.paths import spool_root

    patience_s = 2 * USUAL_PATIENCE.lease_s
    until, is_told = time.monotonic() + patience_s, False
    while True:
        by_run, problems = kept_shares(connection)
        ending = [
            each
            for run_id, kept in by_run.items()
            for each in kept
            if each.is_in_use and not spool.is_in_use(spool_root() / run_id)
        ]
        if wanted.only_list or not ending or time.monotonic() > until:
            return by_run, problems
        if not is_told:
            print_line(
                f"{plural(len(ending), 'host')} still at work, waiting for up to {patience_s:g} s:"
                " without their parent they end by themselves"
            )
            is_told = True
        time.sleep(_LOOK_EVERY_S)


def _fetched(connection: ClusterConnection, kept: list[KeptShare], wanted: _Wanted) -> str:
    """Fetch the shares of a run, have them sent to the store, or delete them; says what was done.

    Raises:
        RunError: a host does not respond any more, or the spool cannot be written; or the run was
            saved without them, by another machine.
        StoreError: hosts cannot send them.
    """
    from benchlab import spool
    from benchlab.load.cluster.delivery import usual_sink
    from benchlab.load.cluster.kept_direct import complete
    from benchlab.load.cluster.recover import discard, fetch
    from benchlab.paths import spool_root

    run_id, hosts = kept[0].share.run_id, plural(len(kept), "host")
    directory = spool_root() / run_id
    is_here = (directory / spool.HEAD).exists()
    was_started = any(each.was_started for each in kept)
    if wanted.discard or not (was_started or (is_here and spool.was_started(directory))):
        discard(connection, kept)
        return f"deleted on {hosts}{'' if was_started else ', where nothing was measured'}"
    if kept[0].share.is_direct:
        run = complete(connection, fetch(connection, kept), kept, usual_sink())
        return f"{_of_run(run)}, saved"
    if not is_here and Store().has(run_id):
        _check_saved_whole(run_id, kept)
        discard(connection, kept)
        return f"was saved with all of that, which is deleted on {hosts}"
    fetch(connection, kept)
    return f"fetched from {hosts}"


def _check_saved_whole(run_id: str, kept: list[KeptShare]) -> None:
    """Check that the store has what hosts have kept of a run that this machine knows no more.

    Raises:
        RunError: it was saved without that.
    """
    import numpy as np

    total = kept[0].share.workers_total
    saved = np.zeros(total, dtype=np.int64)  # samples of each worker
    for seqs in Store().load(run_id).samples.in_blocks("seq"):
        saved += np.bincount(seqs % total, minlength=total)
    for each in kept:
        if saved[list(each.share.workers)].sum() < each.sample_count:
            raise RunError(
                "it was saved without that, and the machine that made it has the rest",
                remedy="run benchlab recover --cluster there, or delete this with --discard",
            )


def _share_text(kept: KeptShare) -> str:
    """What a host has: ``host beta has 12.3 MiB of workers 1, 3 (of 4)``."""
    from benchlab.units import format_bytes

    workers = kept.share.workers
    text = (
        f"host {kept.name} has {format_bytes(kept.bytes_kept)} of"
        f" {'worker' if len(workers) == 1 else 'workers'} {listed(workers, _MOST_NUMBERS)} (of"
        f" {kept.share.workers_total})"
    )
    return f"{text}, in use: the run goes on, or has just ended" if kept.is_in_use else text


def _recover(directory: Path, wanted: _Wanted) -> bool:
    """Save the run in ``directory``, or remove what needs no saving; or list it.

    False if a part of the run is missing, and it was left as it is.
    """
    from benchlab import spool
    from benchlab.runs.floor import CALIBRATION_TAGS

    if wanted.discard:
        spool.remove(directory)
        print_line(f"{directory.name}: deleted")
        return True
    if not spool.was_started(directory):
        if not wanted.only_list:
            spool.remove(directory)
        print_line(f"{directory.name}: never started, nothing was measured")
        return True
    if spool.is_direct(directory):
        return _recover_direct(directory, wanted)
    run = spool.read_run(directory)
    if run.plan.tags == CALIBRATION_TAGS:
        description = f"{directory.name}: part of an interrupted calibration"
        if wanted.only_list:
            print_line(description, err=False)
        else:
            spool.remove(directory)
            print_line(f"{description}, removed")
        return True
    description = _description(run)
    missing = spool.missing_workers(directory)
    if missing:
        description += f", without {_missing_text(directory, missing, run.plan.workers)}"
    if wanted.only_list:
        print_line(description, err=False)
        return True
    if missing and not wanted.partial:
        print_line(
            f"{description}: fetch that with benchlab recover --cluster"
            f" {_scheduler(directory)}, or save the run without it by --partial"
        )
        return False
    Store().save(run)
    spool.remove(directory)
    print_line(f"{description}, saved")
    return True


def _recover_direct(directory: Path, wanted: _Wanted) -> bool:
    """The same for a run whose hosts send their samples to a store by themselves."""
    from benchlab import spool
    from benchlab.load.cluster.delivery import usual_sink
    from benchlab.load.cluster.kept_direct import complete_partly

    head = spool.read_head(directory)
    description = (
        f"{directory.name}: {head.started_at:%Y-%m-%d %H:%M}, {head.plan.name}, whose samples are"
        " on its hosts"
    )
    if wanted.only_list:
        print_line(description, err=False)
        return True
    if wanted.partial:
        run = complete_partly(directory, usual_sink())
        print_line(f"{_description(run)}, saved")
        return True
    print_line(
        f"{description}: complete it with benchlab recover --cluster {_scheduler(directory)}, or"
        " save what the store has of it by --partial"
    )
    return False


def _description(run: Run) -> str:
    return f"{run.id}: {_of_run(run)}"


def _of_run(run: Run) -> str:
    return (
        f"{run.started_at:%Y-%m-%d %H:%M}, {run.name},"
        f" {len(run.samples.requests):,} requests, {run.verdict}"
    )


def _scheduler(directory: Path) -> str:
    from benchlab import spool

    found = spool.read_cluster(directory)
    return "ADDRESS" if found is None else found.scheduler


def _missing_text(directory: Path, missing: tuple[int, ...], workers: int) -> str:
    """Which workers are not whole here, and where they were."""
    from benchlab import spool

    where = {worker: host.name for host in spool.read_hosts(directory) for worker in host.workers}
    names = listed(list(dict.fromkeys(where[each] for each in missing if each in where)))
    at = f" on {names}" if names else ""
    return f"what {len(missing)} of {plural(workers, 'worker')}{at} measured"
