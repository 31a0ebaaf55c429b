"""What every load shape is, and what the shapes of an open loop have in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Self

from attrs import frozen

from benchlab.displayed import Displayed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

if TYPE_CHECKING:
    from benchlab.plan.shapes.rate_curve import RateCurve

__all__ = ["BLOCK", "LoadShape", "OpenLoop"]

BLOCK = 512
"""Offsets made at once, while the run goes on: few enough not to delay a send by 0.1 ms."""


@frozen
class LoadShape(Displayed):
    """When requests are sent. A shape is a frozen attrs class; its fields are its JSON and TOML.

    A shape with a text form (``metavar`` is not empty) gets an option ``--<kind>`` on the command
    line, and is a ``shape`` of `benchlab.Plan.from_options`; with a ``file_field``, that text is
    read from a file, which a plan file names under that key.
    """

    kind: ClassVar[str]
    has_schedule: ClassVar[bool] = False
    """Whether requests are due at times fixed in advance (open loop)."""
    is_imported: ClassVar[bool] = False
    """Whether another tool made this load, so that it cannot be made again."""
    metavar: ClassVar[str] = ""
    help: ClassVar[str] = ""
    file_field: ClassVar[str] = ""

    @property
    def duration_s(self) -> float | None:
        """The shape's own length; None if it can go on for ever."""
        return None

    @property
    def arrivals(self) -> str:
        """How the requests of an open loop are spaced: ``constant`` or ``poisson``."""
        return "constant"

    @property
    def think_time_s(self) -> float:
        """The pause of a closed loop's users after each response; its mean if it is random."""
        return 0.0

    def pauses(self, users: int, seed: int, worker: int) -> Iterator[int]:
        """Think times in ns of a worker's ``users``, without end; none without think time.

        They are in the order in which pauses start: the first ones are those before each user's
        first request.
        """
        del users, seed, worker
        return iter(())

    @property
    def source(self) -> str:
        """The tool that made the load, if it is imported."""
        return ""

    @property
    def highest_rps(self) -> float | None:
        """The highest rate in requests/s; None without a schedule."""
        return None

    def curve(self) -> RateCurve | None:
        """The rate over time of a shape whose rate varies as planned; None for others."""
        return None

    def connection_limit(self, max_connections: int) -> int:
        """The most connections that are open at once, where an open loop may open so many."""
        raise NotImplementedError

    def describe(self) -> str:
        """Short description, e.g. "closed loop of 64 connections"."""
        raise NotImplementedError

    def options(self) -> tuple[tuple[str, str], ...] | None:
        """Options and values for ``benchlab run`` that make this load; None if none do."""
        return None

    @classmethod
    def parse(cls, text: str, arrivals: str = "constant") -> Self:
        """The shape that ``text`` describes, of those that have a ``metavar``.

        Raises:
            InputError: the text has another form.
        """
        raise NotImplementedError

    def steady(self) -> LoadShape:
        """The load of the warm-up."""
        return self

    def offsets(self, duration_ns: int, seed: int) -> Iterator[NDArray[np.int64]]:
        """Intended times in [0, ``duration_ns``), sorted, in blocks of at most `BLOCK`.

        int64 nanoseconds from the start of a phase; none without a schedule.
        """
        del duration_ns, seed
        return iter(())


@frozen
class OpenLoop(LoadShape):
    """A load with a schedule: requests are due at fixed times, whatever the service does."""

    has_schedule: ClassVar[bool] = True

    def connection_limit(self, max_connections: int) -> int:
        """``max_connections``: an open loop opens connections as it needs them."""
        return max_connections

    def _arrivals_option(self) -> tuple[tuple[str, str], ...]:
        return (("--arrivals", self.arrivals),) if self.arrivals != "constant" else ()

    def _spacing(self) -> str:
        return "at random (Poisson) intervals" if self.arrivals == "poisson" else "evenly spaced"
