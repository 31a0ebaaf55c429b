"""Every view of a run as text that can be compared, and read in a diff."""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib as mpl
import pytest

from benchlab import __version__
from benchlab.cli.terminal.output import print_coverage, print_run
from benchlab.plan.toml import plan_to_toml
from benchlab.report import write_report
from tests.golden.runs import Case

_SVG = re.compile(r"(<svg\b[^>]*>)(.*?)</svg>", re.DOTALL)


def page(case: Case) -> str:
    """The report. Of figures, what they say; `drawings` has the rest."""
    html = _written(case).replace(f"benchlab {__version__}", "benchlab VERSION")
    return _lines(_SVG.sub(lambda found: f"{found[1]}\n{_said(found[2])}\n</svg>", html))


def drawings(case: Case) -> str:
    """A digest of each figure. Another matplotlib puts things elsewhere, and is named for that."""
    html = re.sub(r"base64,[^\"]*", "base64", _written(case))
    lines = [f"{_label(found[1])}: {_digest(found[2])}" for found in _SVG.finditer(html)]
    return "\n".join([drawn_by(), *lines, ""])


def drawn_by() -> str:
    """What the place of every line in a figure depends on."""
    return f"matplotlib {mpl.__version__} on {platform.machine()}"


def summary(case: Case) -> str:
    """What ``benchlab show`` prints where there is no terminal."""
    out = StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out):
        for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS"):
            patch.delenv(name, raising=False)
        _show(case)
    return _trimmed(out.getvalue())


def terminal(case: Case) -> str:
    """The same on a coloured terminal of 80 columns."""
    out = StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out):
        for name in ("NO_COLOR", "COLORTERM", "TTY_COMPATIBLE"):
            patch.delenv(name, raising=False)
        for name, value in {"FORCE_COLOR": "1", "COLUMNS": "80", "TERM": "xterm"}.items():
            patch.setenv(name, value)
        _show(case)
    return _trimmed(out.getvalue().replace("\x1b", "␛"))


def card(case: Case) -> str:
    """What a notebook shows."""
    return _lines(case.run._repr_html_()) + "\n"


def result(case: Case) -> str:
    """What ``--json`` writes."""
    return json.dumps(case.run.to_dict(), indent=2, ensure_ascii=False) + "\n"


def frame(case: Case) -> str:
    """`Run.summary`, a column per line."""
    (row,) = case.run.to_pandas().to_dict("records")
    return "".join(f"{name}: {value!r}\n" for name, value in row.items())


def short(case: Case) -> str:
    """The ``repr``."""
    return f"{case.run!r}\n"


def plan(case: Case) -> str:
    """What ``--dry-run`` prints."""
    return plan_to_toml(case.run.plan)


VIEWS: Mapping[str, Callable[[Case], str]] = {
    "page.html": page,
    "drawings.txt": drawings,
    "summary.txt": summary,
    "terminal.txt": terminal,
    "card.html": card,
    "result.json": result,
    "frame.txt": frame,
    "repr.txt": short,
    "plan.toml": plan,
}


@cache
def _written(case: Case) -> str:
    with TemporaryDirectory() as directory:
        return write_report(case.run, Path(directory), **case.beside).read_bytes().decode()


def _show(case: Case) -> None:
    print_run(case.run)
    if "coverage" in case.beside:
        print_coverage(case.beside["coverage"])


def _lines(html: str) -> str:
    """``html`` with a line for each tag that follows another, and without its style sheet."""
    html = re.sub(
        r"(<style>)(.*?)(</style>)",
        lambda found: f"{found[1]}{_digest(found[2])}{found[3]}",
        html,
        flags=re.DOTALL,
    )
    return _trimmed(re.sub(r"><(?!/)", ">\n<", html))


def _said(drawing: str) -> str:
    """The texts of a figure, and the palette's colours in it."""
    texts = re.findall(r"<text\b[^>]*>(.*?)</text>", drawing, re.DOTALL)
    colors = sorted(set(re.findall(r"var\(--plot-(\w+)\)", drawing)))
    return "\n".join(
        [f"colours: {', '.join(colors)}", *(re.sub(r"<[^>]*>", "", text).strip() for text in texts)]
    )


def _label(opening: str) -> str:
    found = re.search(r'aria-label="([^"]*)"', opening)
    assert found is not None
    return found[1]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _trimmed(text: str) -> str:
    """Without the spaces at ends of lines, which nobody sees and editors remove."""
    return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)
