"""Parameters of a notebook: found in its cell, and read from text as their types."""

from __future__ import annotations

import ast
import math
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchlab.errors import InputError
from benchlab.notebook.headless import convert_parameters, notebook_parameters
from benchlab.notebook.headless.parameters import parameters_of_cell
from benchlab.notebook.headless.translator import PythonLiterals

NOTEBOOK = Path("x.ipynb")
CELL = """\
%matplotlib inline
import os
# what is measured
rate_rps: float = 500.0  # requests/s = of an open loop
body: str = '{"a" = [1, 2]}'  # with an = in it
sizes: list[int] = [
    1,  # the smallest
    2,
]  # sizes in bytes
limit: "Optional[float]" = None  # seconds
mode: Literal["fast", "slow"] = "fast"
plain = 50
factor = 60 * 1.5
old = 1  # type: float # a type comment
left = right = True
where = os.environ.get("HOME")
needed: int
if plain:
    inner = 1
"""


def convert(definition: str, text: str) -> Any:
    known = parameters_of_cell(definition)
    (name,) = known
    return convert_parameters({name: text}, known, NOTEBOOK)[name]


def test_a_cell_has_the_parameters_that_python_would_assign() -> None:
    found = parameters_of_cell(CELL)
    assert {name: (one.type, one.default, one.help) for name, one in found.items()} == {
        "rate_rps": ("float", "500.0", "requests/s = of an open loop"),
        "body": ("str", "'{\"a\" = [1, 2]}'", "with an = in it"),
        "sizes": ("list[int]", "[1, 2]", "sizes in bytes"),
        "limit": ("'Optional[float]'", "None", "seconds"),
        "mode": ("Literal['fast', 'slow']", "'fast'", ""),
        "plain": ("int", "50", ""),
        "factor": ("float", "60 * 1.5", ""),
        "old": ("float", "1", "a type comment"),
        "left": ("bool", "True", ""),
        "right": ("bool", "True", ""),
        "where": ("", "os.environ.get('HOME')", ""),
        "needed": ("int", "", ""),
    }


@pytest.mark.parametrize(
    ("definition", "text", "value"),
    [
        ("x: int = 1", "7", 7),
        ("x: float = 1.0", "100", 100.0),
        ("x: float = 1.0", "1e3", 1000.0),
        ("x: str = ''", "007", "007"),
        ("x: str = ''", "None", "None"),
        ("x: bool = False", " Yes ", True),
        ("x: bool = True", "0", False),
        ("x: dict = {}", '{"a": 1}', {"a": 1}),
        ("x: dict = {}", "{'a': True, 'b': None}", {"a": True, "b": None}),
        ("x: list = []", "[1, 'two']", [1, "two"]),
        ("x: list[int] = []", "[1, 2]", [1, 2]),
        ("x: list[float] = []", "[1, 2.5]", [1.0, 2.5]),
        ("x: List[str] = []", '["1"]', ["1"]),
        ("x: typing.Sequence[bool] = []", "[true, false]", [True, False]),
        ("x: dict[int, float] = {}", '{"1": 2}', {1: 2.0}),
        ("x: Mapping[str, list[int]] = {}", '{"1": [2]}', {"1": [2]}),
        ("x: tuple[int, str] = (1, '')", "[2, 'a']", (2, "a")),
        ("x: tuple[int, ...] = ()", "(1, 2, 3)", (1, 2, 3)),
        ("x: Optional[int] = None", "7", 7),
        ("x: Optional[int] = 5", "None", None),
        ("x: float | None = None", "0.5", 0.5),
        ("x: float | None = 0.5", "None", None),
        ("x: str | None = None", "7", "7"),
        ("x: str | int = ''", "7", 7),
        ("x: str | int = ''", "7s", "7s"),
        ("x: Union[bool, int] = 1", "1", 1),
        ("x: Union[bool, int] = 1", "true", True),
        ("x: list[int] | None = None", "[1]", [1]),
        ("x: list[int | None] = []", "[1, null]", [1, None]),
        ("x: 'float | None' = None", "1", 1.0),
        ("x: Literal['a', 'b'] = 'a'", "b", "b"),
        ("x: Literal[1, 2] = 1", "2", 2),
        ("x: Literal['1', None] = '1'", "1", "1"),
        ("x: Optional[Literal['a']] = 'a'", "None", None),
        ("x: Annotated[int, 'requests/s'] = 1", "7", 7),
        ("x: Final = 1", "7", 7),
        ("x: Any = 1", "[1]", [1]),
        ("x: Any = 1", "one", "one"),
        ("x: np.int64 = 1", "7", 7),
        ("x = 50", "100", 100),
        ("x = -50", "100", 100),
        ("x = 60 * 5", "100", 100),
        ("x = 1 / 4", "1", 1.0),
        ("x = not True", "False", False),
        ("x = 'a' 'b'", "100", "100"),
        ("x = f'{1}'", "100", "100"),
        ("x = (1, 2)", "(3,)", (3,)),
        ("x = {'a': 1}", '{"b": [2]}', {"b": [2]}),
        ("x = [1]  # type: list[float]", "[1]", [1.0]),
    ],
)
def test_text_becomes_a_value_of_the_type(definition: str, text: str, value: object) -> None:
    assert repr(convert(definition, text)) == repr(value)


@pytest.mark.parametrize(
    ("definition", "text", "message"),
    [
        ("x: int = 1  # how many", "7.5", "parameter x='7.5' must be int (how many)"),
        ("x: int = 1", "", "parameter x='' must be int"),
        ("x: float = 1  # rate", "soon", "parameter x='soon' must be float (rate)"),
        ("x: bool = True", "perhaps", "parameter x='perhaps' must be bool"),
        ("x: Optional[int] = 1", "none", "parameter x='none' must be Optional[int]"),
        ("x: float | None = 1", "fast", "parameter x='fast' must be float | None"),
        ("x: Literal['a', 'b'] = 'a'", "c", "parameter x='c' must be Literal['a', 'b']"),
        ("x: Literal[1, 2] = 1", "3", "parameter x='3' must be Literal[1, 2]"),
        (
            "x: list[int] = []",
            "[1, 2.5]",
            "parameter x='[1, 2.5]' must be list[int], written as JSON or in Python",
        ),
        (
            "x: list[int] = []",
            "1, two",
            "parameter x='1, two' must be list[int], written as JSON or in Python",
        ),
        (
            "x: tuple[int, int] = (1, 2)",
            "[1]",
            "parameter x='[1]' must be tuple[int, int], written as JSON or in Python",
        ),
        (
            "x: list = []",
            "[{1, 2}]",
            "parameter x='[{1, 2}]' must be list, written as JSON or in Python",
        ),
        (
            "x = 50",
            "fast",
            "parameter x='fast' must be int, as its default 50 is: annotate it to allow other"
            " values, such as int, float | None, list[int] or Literal['a', 'b']",
        ),
        (
            "x = None",
            "5",
            "parameter x: has the default None and no type that text can be read as: annotate it in"
            " the notebook, such as int, float | None, list[int] or Literal['a', 'b']",
        ),
    ],
)
def test_another_text_is_refused_with_what_is_allowed(
    definition: str, text: str, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        convert(definition, text)
    assert str(caught.value) == message


@pytest.mark.parametrize("default", ["Path('x')", "x()", "None", "[1][0]", "{1}", "b''", "1j"])
def test_a_default_whose_type_is_not_certain_takes_no_text(default: str) -> None:
    with pytest.raises(InputError, match="no type that text can be read as"):
        convert(f"x = {default}", "1")


@pytest.mark.parametrize(
    ("definition", "text"),
    [
        ("x: dict = {}", '{"authorization": s3cret}'),
        ("x: list[dict[str, str]] = []", "[s3cret]"),
        ("x: dict[str, str] | None = {}", "s3cret"),
        ("api_token: int = 1", "s3cret"),
        ("x: int = 1", "http://user:s3cret@host/"),
    ],
)
def test_a_value_that_may_be_secret_is_not_shown(definition: str, text: str) -> None:
    with pytest.raises(InputError, match="must be") as caught:
        convert(definition, text)
    assert "s3cret" not in str(caught.value)


def test_an_unknown_parameter_is_refused_with_those_that_are_known() -> None:
    known = parameters_of_cell("x = 1\ny = 1")
    with pytest.raises(InputError, match=r"x\.ipynb has no parameter 'z': it has x, y"):
        convert_parameters({"z": "1"}, known, NOTEBOOK)
    with pytest.raises(InputError, match="it has none"):
        convert_parameters({"z": "1"}, {}, NOTEBOOK)


def test_the_first_tagged_cell_counts(tmp_path: Path) -> None:
    cell, tags = nbformat.v4.new_code_cell, {"tags": ["parameters"]}
    notebook = nbformat.v4.new_notebook(
        cells=[cell("a = 1"), cell("b = 1", metadata=tags), cell("c = 1", metadata=tags)]
    )
    nbformat.write(notebook, tmp_path / "x.ipynb")
    assert list(notebook_parameters(tmp_path / "x.ipynb")) == ["b"]


def test_a_cell_that_is_not_python_is_refused_with_its_line(tmp_path: Path) -> None:
    cell = nbformat.v4.new_code_cell("a = 1\nb <- 2 3", metadata={"tags": ["parameters"]})
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "x.ipynb")
    with pytest.raises(InputError, match=r"x\.ipynb tagged 'parameters' .* \(line 2\)"):
        notebook_parameters(tmp_path / "x.ipynb")


@pytest.mark.parametrize("content", ["", "{}", "[]", "not json", '{"nbformat": 4}'])
def test_a_file_that_is_not_a_notebook_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "x.ipynb").write_text(content)
    with pytest.raises(InputError, match="cannot be read as a notebook"):
        notebook_parameters(tmp_path / "x.ipynb")


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text() | st.integers() | st.booleans(), inner)
    ),
)


@given(values)
def test_the_injected_cell_has_the_value_itself(value: object) -> None:
    source = PythonLiterals.codify({"x": value})
    scope: dict[str, Any] = {}
    exec(source, scope)
    assert repr(scope["x"]) == repr(value)
    if value is not None and not (isinstance(value, float) and math.isinf(value)):
        assert isinstance(ast.parse(source).body[0], ast.Assign)
