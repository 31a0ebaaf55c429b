"""The options of commands that make load, for making it on a cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from benchlab.cli.options.group import Draft, OptionGroup, Values
from benchlab.cli.terminal.output import print_line
from benchlab.errors import InputError

if TYPE_CHECKING:
    from benchlab.load.cluster.asked import SamplesTo
    from benchlab.runs.cluster import ClusterSize

__all__ = ["CLUSTER", "CLUSTER_VARIABLE", "Place", "any_cluster_option", "print_size"]

CLUSTER_VARIABLE = "BENCHLAB_CLUSTER"
"""The variable that stands for ``--cluster``."""

_EXAMPLE = "tcp://scheduler:8786"


def _nothing(draft: Draft, values: Values) -> None:
    """Where load is made is not part of a plan."""


CLUSTER = OptionGroup(
    "Load generator",
    (
        click.option(
            "--cluster",
            envvar=CLUSTER_VARIABLE,
            metavar="ADDRESS",
            help="make the load on the workers of this Dask scheduler, such as"
            f" {_EXAMPLE}; --workers is then the number of all of them"
            f"  [default: {CLUSTER_VARIABLE}, or this machine]",
        ),
        click.option(
            "--samples",
            type=click.Choice(["parent", "direct"]),
            default="parent",
            show_default=True,
            help="where the hosts of a cluster send what they measured: to this machine, or"
            " straight to the ClickHouse server of BENCHLAB_DSN",
        ),
    ),
    _nothing,
)
"""``--cluster`` and ``--samples``, as arguments of these names."""


class Place(NamedTuple):
    """Where load is made, this machine without a ``cluster``, and where its samples go."""

    cluster: str = ""
    samples: SamplesTo = "parent"

    @staticmethod
    def of(cluster: str | None, samples: SamplesTo, *, save: bool) -> Place:
        """What the options say; ``save`` is whether the runs are to be saved.

        Raises:
            InputError: samples cannot go where they should.
        """
        if samples == "direct" and not save:
            raise InputError(
                "saves the run while it is made: leave --no-save out",
                field="samples",
                value=samples,
            )
        if samples == "direct" and not cluster:
            raise InputError(
                "is how the hosts of a cluster send samples, and there is none",
                field="samples",
                value=samples,
                remedy=f"give --cluster {_EXAMPLE}, or leave --samples out",
            )
        return Place(cluster or "", samples)

    @property
    def options(self) -> dict[str, Any]:
        """The arguments of `benchlab.run` and of other functions that make load."""
        return self._asdict() if self.cluster else {}


def print_size(size: ClusterSize) -> None:
    """Print how many workers a plan needs on a cluster, before its load."""
    if size.problem:
        print_line(f"warning: {size.problem}")
        return
    for text in filter(None, (size.describe(), size.note)):
        print_line(text)


def any_cluster_option(text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """``--cluster ADDRESS`` as the argument ``cluster``; ``text`` is its help.

    Without ADDRESS it takes that of `CLUSTER_VARIABLE`. Without the option nothing is of a cluster,
    whatever the variable says.
    """

    def address(_: click.Context, param: click.Parameter, value: str | None) -> str | None:
        import os

        if value != "":
            return value
        if found := os.environ.get(CLUSTER_VARIABLE):
            return found
        raise click.BadParameter(
            f"say which: --cluster {_EXAMPLE}, or set {CLUSTER_VARIABLE}", param=param
        )

    return click.option(
        "--cluster",
        is_flag=False,
        flag_value="",
        callback=address,
        metavar="[ADDRESS]",
        help=f"{text}  [default of ADDRESS: {CLUSTER_VARIABLE}]",
    )
