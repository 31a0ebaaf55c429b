"""The section of a replayed run's report."""

from __future__ import annotations

from benchlab.report.sections.fidelity import fidelity
from tests.runs.replayed import poisson_s, replayed_run
from tests.runs.synthetic import make_run


def test_a_replay_says_how_faithful_it_was() -> None:
    section = fidelity(replayed_run(poisson_s(500)))
    assert section is not None
    html = section.render()
    assert "<h2>Fidelity of the replay</h2>" in html
    assert "KS distance of inter-arrivals" in html
    assert "<svg" in html


def test_another_load_has_no_such_section() -> None:
    assert fidelity(make_run()) is None
