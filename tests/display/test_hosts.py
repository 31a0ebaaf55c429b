"""The hosts of a cluster, wherever a run is shown."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

from rich.console import Console

from benchlab.display.card import run_card
from benchlab.display.live.run import run_view
from benchlab.display.live.text import live_text
from benchlab.display.markdown import run_markdown
from benchlab.display.results.junit import junit
from benchlab.display.run_view import host_table, view
from benchlab.display.terminal import run_summary
from benchlab.load.supervisor.progress import Progress
from benchlab.report.sections.generator import generator
from benchlab.report.sections.setup import setup
from benchlab.runs.host_record import HostRecord
from tests.runs.clustered import HOSTS, LOST, make_clustered_run
from tests.runs.synthetic import make_run

KINDS = "cluster of 2 hosts: 2 × Fast 9000, 4 cores"


def on_terminal(width: int) -> str:
    console = Console(width=width)
    with console.capture() as capture:
        console.print(run_summary(view(make_clustered_run(LOST))))
    return capture.get()


def test_a_row_says_what_is_missing_of_a_host_and_how_well_its_clock_is_known() -> None:
    shown = host_table(LOST)
    assert shown.rows == [
        ["alpha", "complete", "0, 2", "+3,600.000000", "0.120", "-0.080", "0.150"],
        ["beta", "lost: its connection was reset", "1, 3", "-5.000000", "0.090", "–", "0.070"],
    ]
    assert shown.levels == ["good", "bad"]
    assert host_table(HOSTS, addresses=True).rows[1][-1] == "tcp://10.0.0.2:4001"
    assert view(make_run()).hosts.rows == []


def test_hosts_on_one_machine_are_told_apart_by_their_ports() -> None:
    names = [row[0] for row in host_table([HOSTS[0], replace(HOSTS[1], name="alpha")]).rows]
    assert names == ["alpha, port 4000", "alpha, port 4001"]


def test_of_very_many_hosts_those_that_lost_something_come_first() -> None:
    many = [HostRecord(f"tcp://h{n}:1", f"h{n}", tuple(range(n, 4_000, 40))) for n in range(40)]
    many[39] = replace(many[39], lost="gone")
    shown = host_table(many)
    assert len(shown.rows) == 25
    assert shown.rows[0][:3] == ["h39", "lost: gone", "100: 39, 79, 119, … 3999"]
    assert shown.note == "and 15 hosts more; all are in --json and in run.hosts"


def test_every_form_of_a_run_has_its_hosts() -> None:
    run = make_clustered_run(LOST)
    texts = [on_terminal(200), run_card(run), run_markdown(run)]
    assert all("beta" in text and "lost: its connection was reset" in text for text in texts)
    assert KINDS in run_markdown(run)
    properties = {
        item.attrib["name"]: item.attrib["value"]
        for item in ElementTree.fromstring(junit(run)).iter("property")
    }
    assert (properties["host"], properties["verdict"]) == (KINDS, "degraded")
    assert [host["name"] for host in run.to_dict()["hosts"]] == ["alpha", "beta"]
    assert run.to_pandas()["verdict"].item() == "degraded"


def test_the_floor_is_that_of_a_host_and_says_of_which() -> None:
    assert view(make_clustered_run()).floor.endswith(
        "(calibrated 2026-11-01 on bench-1, the host that adds the most)"
    )


def test_a_narrow_terminal_keeps_state_and_error() -> None:
    text = on_terminal(80)
    assert "its connection was reset" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 80


def test_the_report_has_addresses_and_says_who_made_the_load() -> None:
    run = make_clustered_run()
    assert generator(run).values["hosts"].rows[0][-1] == "tcp://10.0.0.1:4000"
    facts = {fact.label: fact.lines for fact in setup(run).values["machine_facts"]}
    assert facts["load made by"] == [KINDS]
    assert facts["the parent, which made no load"] == ["laptop"]
    assert "hosts" not in facts


def test_a_view_of_a_run_in_progress_has_lost_hosts_first() -> None:
    progress = Progress("measuring", 3.0, 10.0, hosts=tuple(zip(LOST, (120, 40), strict=True)))
    rows = run_view(progress).rows
    assert [(row.name, row.met) for row in rows] == [("host beta", False), ("host alpha", None)]
    assert rows[0].observed == "lost: its connection was reset (2 workers, 40 requests received)"
    assert rows[1].observed == "2 workers, 120 requests"
    assert "hosts" not in progress.to_dict()
    many = tuple((replace(HOSTS[0], name=f"h{n}"), 1) for n in range(20))
    assert run_view(replace(progress, hosts=many)).rows[-1].name == "and 12 hosts more"
    assert "host beta" in live_text(run_view(progress))
