"""The options for the load and its duration."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, ClassVar

import pytest
from attrs import frozen
from rich.console import Console

from benchlab.cli.main import cli
from benchlab.cli.options.load import LOAD
from benchlab.cli.terminal.run import print_run
from benchlab.errors import InputError
from benchlab.plan.plan import Plan
from benchlab.plan.request import Request
from benchlab.plan.shapes import ClosedLoop, LoadShape, PoissonRate, Replay, Spike, Stages, Steps
from benchlab.plan.shapes.registry import TEXT_SHAPES
from benchlab.runs.run import Run
from tests.runs.synthetic import URL, make_run


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """The plans that commands would have carried out, collected instead."""
    plans: list[Plan] = []

    def carry_out(plan: Plan, *_: object, **_options: object) -> Run:
        plans.append(plan)
        return make_run()

    monkeypatch.setattr("benchlab.load.run.run_until", carry_out)
    return plans


def ask(*options: str) -> None:
    cli.main(["run", URL, "--no-save", *options], standalone_mode=False)


@pytest.mark.parametrize(
    ("options", "load", "duration_s"),
    [
        ([], ClosedLoop(64), 10),
        (["--think-time", "50ms"], ClosedLoop(64, 0.05), 10),
        (["-c", "5", "--think-time", "1s,exponential"], ClosedLoop(5, 1, "exponential"), 10),
        (["--rate", "5", "--arrivals", "poisson"], PoissonRate(5), 10),
        (["--stages", "5s:10-100,5s:100"], Stages([(5, 100), (5, 100)], 10), 10),
        (["--stages", "5s:100,5s:50", "--duration", "7s"], Stages([(5, 100), (5, 50)]), 7),
        (["--steps", "5s:1,1s:9", "--arrivals", "poisson"], Steps([(5, 1), (1, 9)], "poisson"), 6),
        (
            ["--spike", "base=1,peak=5,at=2s,length=500ms,duration=4s"],
            Spike(1, 5, 2, 0.5, 4),
            4,
        ),
    ],
)
def test_options_decide_the_load(
    made: list[Plan], options: list[str], load: LoadShape, duration_s: float
) -> None:
    ask(*options)
    assert [(plan.load, plan.length_s) for plan in made] == [(load, duration_s)]


def test_a_number_of_requests_ends_the_run(made: list[Plan]) -> None:
    ask("--requests", "1000")
    ask("--requests", "1000", "--duration", "5s", "--rate", "400")
    assert [plan.request_count for plan in made] == [1000, 1000]
    assert [plan.length_s for plan in made] == [86_400, 2.5]


def test_arrivals_are_replayed_from_a_file(made: list[Plan], tmp_path: Path) -> None:
    (tmp_path / "times.csv").write_text("when,path\n17.5,/\n18,/\n")
    ask("--replay", str(tmp_path / "times.csv"))
    assert made[0].load == Replay([0, 0.5])
    (tmp_path / "bad").write_text("1\nx\n")
    with pytest.raises(InputError, match="bad: line 2 begins with 'x'"):
        ask("--replay", str(tmp_path / "bad"))
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="binary is neither UTF-8 nor UTF-16 text"):
        ask("--replay", str(tmp_path / "binary"))
    with pytest.raises(InputError, match="No such file"):
        ask("--replay", str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rate", "0"], "--rate 0 makes no load"),
        (["--rate", "5", "--stages", "1s:5"], "--rate and --stages exclude each other"),
        (["--spike", "base=1", "--replay", "x"], "--spike and --replay exclude each other"),
        (["--rate", "5", "--think-time", "1s"], "--think-time is for a closed loop"),
        (["--rate", "5", "-c", "9"], "cap the connections of an open loop with --max-connections"),
        (["--arrivals", "poisson"], "--arrivals is for an open loop"),
        (["--replay", "x", "--arrivals", "poisson"], "--arrivals is not for recorded arrivals"),
        (["--stages", "10s"], "stages='10s' cannot be used"),
        (["--steps", "1s:5", "--duration", "2s"], "--duration=2.0 is longer .* own 1 s"),
        (["--think-time", "x"], "'x' is not a duration"),
        (["--requests", "0"], "--requests=0"),
    ],
)
def test_invalid_options_are_refused(made: list[Plan], options: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ask(*options)
    assert made == []


@frozen
class Crowd(LoadShape):
    """A closed loop with a text form, which no shape of benchlab has yet."""

    users: int
    kind: ClassVar[str] = "crowd"
    metavar: ClassVar[str] = "N"

    @classmethod
    def parse(cls, text: str, arrivals: str = "constant") -> Crowd:
        """The crowd in ``text``."""
        return cls(int(text))


def test_a_shape_of_a_closed_loop_may_have_a_text_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TEXT_SHAPES, "crowd", Crowd)
    draft: dict[str, Any] = {"load": PoissonRate(5)}
    LOAD.apply(draft, {"crowd": "7"})
    assert draft == {"load": Crowd(7)}
    for option, value, words in (
        ("connections", 5, "--crowd and --connections exclude each other"),
        ("think_time", "1s", "--crowd and --think-time exclude each other"),
        ("arrivals", "poisson", "--arrivals is for an open loop: leave it out with --crowd"),
    ):
        with pytest.raises(InputError, match=words):
            LOAD.apply({}, {"crowd": "7", option: value})


def test_the_summary_has_a_row_for_each_of_several_requests() -> None:
    requests = [Request("GET", URL, name="read"), Request("POST", URL, name="write [bold]")]
    out = Console(file=io.StringIO(), width=120)
    print_run(make_run(requests=requests), out)
    assert isinstance(out.file, io.StringIO)
    text = out.file.getvalue()
    assert text.count("\n  read ") == text.count("\n  write [bold] ") == 1
    out = Console(file=io.StringIO(), width=120)
    print_run(make_run(), out)
    assert isinstance(out.file, io.StringIO)
    assert "endpoint" not in out.file.getvalue()
