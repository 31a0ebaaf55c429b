"""Credentials of an executed notebook are hidden, and it stays a notebook."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from papermill.parameterize import parameterize_notebook

from benchlab.notebook.headless.redaction import hide_secrets

CELL = """\
%config InlineBackend.figure_format = "retina"
µ = "µ"; url: str = "https://me:hunter22@host/µ?api_key=k1234567&page=2"  # what to send to
headers: dict = {"Accept": "text/html", "X-Api-Key": "de" "fault"}
api_token = f"t-{1}"
pin: int = 123456
use_auth: bool = True
password: str = ""
"""


def executed(tmp_path: Path, given: dict[str, Any], outputs: list[Any]) -> Path:
    cells = [
        nbformat.v4.new_code_cell(CELL, metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell(
            "print(1, 'hunter22')", outputs=outputs, execution_count=1, metadata={"tags": []}
        ),
        nbformat.v4.new_markdown_cell("print 1", metadata={"tags": []}),
    ]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"papermill": {}})
    done = parameterize_notebook(notebook, given, kernel_name="python3", language="python")
    nbformat.write(done, tmp_path / "report.ipynb")
    return tmp_path / "report.ipynb"


def stream(text: str) -> Any:
    return nbformat.v4.new_output("stream", name="stdout", text=text)


def read(path: Path) -> Any:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def test_the_cells_of_parameters_and_the_metadata_hide_credentials_in_their_places(
    tmp_path: Path,
) -> None:
    path = executed(
        tmp_path,
        {
            "url": "/x?token=abc",
            "headers": {"Authorization": "Bearer abcdefgh", "Accept": "1"},
            "pin": 1,
            "body": "1",
        },
        [],
    )
    hide_secrets(path)
    defined, injected, code, _ = read(path).cells
    assert defined.source == (
        '%config InlineBackend.figure_format = "retina"\n'
        "µ = \"µ\"; url: str = 'https://me:***@host/µ?api_key=***&page=2'  # what to send to\n"
        'headers: dict = {"Accept": "text/html", "X-Api-Key": \'***\'}\n'
        "api_token = '***'\n"
        "pin: int = '***'\n"
        "use_auth: bool = True\n"
        'password: str = ""\n'
    )
    shown: dict[str, Any] = {}
    exec(injected.source, shown)
    public = {
        "url": "/x?token=***",
        "headers": {"Authorization": "***", "Accept": "1"},
        "pin": "***",
        "body": "1",
    }
    assert {name: shown[name] for name in public} == public
    assert read(path).metadata.papermill.parameters == public
    assert code.source == "print(1, 'hunter22')"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("sent 'hunter22'", "sent '***'"),
        ("hunter22, hunter22 hunter22", "***, *** ***"),
        ("hunter222 or xhunter22", "hunter222 or xhunter22"),
        ("\x1b[33mhunter22\x1b[39m", "\x1b[33m***\x1b[39m"),
        ("Authorization: Bearer a&bcdefgh", "Authorization: ***"),
        ("token a&bcdefgh", "token ***"),
        ("<td>a&amp;bcdefgh</td>", "<td>***</td>"),
        ("q=a%26bcdefgh", "q=***"),
        ("print 1", "print 1"),
    ],
)
def test_outputs_hide_the_values_where_they_stand_alone(
    text: str, shown: str, tmp_path: Path
) -> None:
    given = {"headers": {"Authorization": "Bearer a&bcdefgh", "X-Key": "1"}, "password": "print"}
    output = nbformat.v4.new_output
    path = executed(
        tmp_path,
        given,
        [
            stream(text),
            output("display_data", data={"text/plain": text, "application/json": {"a": [text]}}),
            output("error", ename="E", evalue=text, traceback=[text]),
        ],
    )
    hide_secrets(path)
    printed, displayed, failed = read(path).cells[2].outputs
    assert printed.text == displayed.data["text/plain"] == failed.evalue == shown
    assert displayed.data["application/json"] == {"a": [shown]}
    assert failed.traceback == [shown]


def test_an_image_is_left_as_it_is(tmp_path: Path) -> None:
    data = {"image/png": "hunter22", "image/svg+xml": "<svg>hunter22</svg>"}
    path = executed(tmp_path, {}, [nbformat.v4.new_output("display_data", data=data)])
    hide_secrets(path)
    (output,) = read(path).cells[-2].outputs
    assert output.data == {"image/png": "hunter22", "image/svg+xml": "<svg>***</svg>"}


words = st.sampled_from(
    [
        "",
        "1",
        "print",
        "cells",
        "stream",
        "stdout",
        "source",
        "metadata",
        "parameters",
        '"',
        "\\",
        "***",
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    headers=st.dictionaries(st.sampled_from(["X-Token", "Cookie", "pin"]), words | st.text()),
    password=words,
)
def test_whatever_the_credentials_are_the_rest_of_the_notebook_stays(
    headers: dict[str, str], password: str, tmp_path: Path
) -> None:
    path = executed(tmp_path, {"headers": headers, "password": password}, [stream("print 1")])
    before = read(path)
    hide_secrets(path)
    after = read(path)
    assert [cell.source for cell in after.cells[2:]] == [cell.source for cell in before.cells[2:]]
    assert [cell.metadata for cell in after.cells] == [cell.metadata for cell in before.cells]
    assert after.cells[2].outputs[0].name == "stdout"
    compile(after.cells[1].source, "injected", "exec")
    shown = json.dumps(after.metadata.papermill.parameters)
    assert all(item in shown for item in headers)
