"""The tags by which runs belong to an experiment."""

from __future__ import annotations

import json

import pytest

from benchlab.runs.experiment import EXPERIMENT_TAG, TAGS_VARIABLE, with_tags_of_experiment


def test_runs_of_a_process_in_a_sweep_have_its_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"branch": "main", "point": "mine"}
    assert with_tags_of_experiment(own) == own
    of_sweep = {EXPERIMENT_TAG: "01a209c5db41b16d", "point": "3", "swept.x": "1"}
    monkeypatch.setenv(TAGS_VARIABLE, json.dumps(of_sweep))
    assert with_tags_of_experiment(own) == {"branch": "main", **of_sweep}
    of_ab = {EXPERIMENT_TAG: "01a209c5db41b170", "arm": "a"}
    assert with_tags_of_experiment(of_ab) == of_ab  # stays with the experiment of its own
