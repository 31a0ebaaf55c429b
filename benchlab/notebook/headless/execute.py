"""Execute a notebook: parameters in, a directory with the executed notebook and its report out."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from benchlab.errors import BenchlabError, InputError, RunError
from benchlab.extras import require_extra
from benchlab.notebook import events
from benchlab.notebook.headless.kernel import KERNEL, kernel_manager, quiet_papermill
from benchlab.notebook.headless.parameters import convert_parameters, notebook_parameters
from benchlab.notebook.headless.quick_import import import_papermill
from benchlab.notebook.headless.redaction import hide_secrets
from benchlab.signals import ENDING_SIGNALS, handle_signals
from benchlab.spool.storage import replace_text

__all__ = ["Report", "execute_notebook"]

OnEvent = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Report:
    """Result of a headless notebook: the directory, its page, and what the page is of, if known.

    That is a run or an experiment. ``signal_number`` is the signal that ended the run early, 0 if
    none did.
    """

    directory: Path
    page: Path
    notebook: Path
    run_id: str | None = None
    experiment_id: str | None = None
    signal_number: int = 0


def execute_notebook(
    notebook: Path,
    parameters: Mapping[str, str],
    directory: Path | None = None,
    on_event: OnEvent | None = None,
) -> Report:
    """Run ``notebook`` with ``parameters`` (as text) and collect what it made in one directory.

    The directory is ``directory``, else the one in which the notebook wrote its report, else
    ``reports/<name of the notebook>``. ``report.ipynb`` in it is the executed notebook, also when
    it failed; credentials among the parameters are hidden in it. A notebook that wrote no page
    gets one made from its cells. Ctrl-C, SIGTERM and SIGHUP end the run early, and the notebook
    continues with what was measured; a second of them ends everything.

    Raises:
        InputError: an unknown parameter or a value of the wrong type.
        MissingPackageError: the extra "lab" is not installed.
        RunError: a cell failed; the message names the error and the executed notebook.
    """
    require_extra("lab")
    known = notebook_parameters(notebook)
    values = convert_parameters(parameters, known, notebook)
    if directory is not None and "report_dir" in known and "report_dir" not in values:
        values["report_dir"] = str(directory)
    with tempfile.TemporaryDirectory(prefix="benchlab-") as scratch:
        executed = Path(scratch) / "report.ipynb"
        reported: dict[str, Any] = {}
        with (
            _listening(Path(scratch) / "events", reported, on_event),
            _interrupting(reported) as received,
        ):
            failure = _run(notebook, executed, values, Path(scratch) / "kernel.log")
        page = Path(reported["report"]) if "report" in reported else None
        home = directory or (page.parent if page else Path("reports") / notebook.stem)
        if executed.exists():
            hide_secrets(executed)
        kept = _keep(executed, home)
        if failure is not None:
            raise type(failure)(f"{failure} (executed notebook: {kept})") from failure
        if page is None:
            page = _page_from_cells(kept, notebook.stem)
        made = {name: reported.get(name) for name in ("run_id", "experiment_id")}
        return Report(home, page, kept, **made, signal_number=sum(received[:1]))


def _run(
    notebook: Path, executed: Path, values: Mapping[str, Any], kernel_log: Path
) -> BenchlabError | None:
    papermill = import_papermill()
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError
    from papermill.translators import papermill_translators

    from benchlab.notebook.headless.translator import PythonLiterals

    papermill_translators.register(KERNEL, PythonLiterals)
    try:
        with quiet_papermill(), kernel_log.open("wb") as log, kernel_manager(log) as manager:
            papermill.execute_notebook(
                str(notebook),
                str(executed),
                parameters=dict(values),
                progress_bar=False,
                kernel_name=KERNEL,
                language="python",
                km=manager,
            )
    except PapermillExecutionError as exc:
        kind = InputError if exc.ename == "InputError" else RunError
        name = "" if kind is InputError else f"{exc.ename}: "
        return kind(f"{name}{exc.evalue}")
    except DeadKernelError:
        last_line = (
            kernel_log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        )
        return RunError("".join(["the kernel died", *(f": {line}" for line in last_line)]))
    return None


@contextmanager
def _listening(path: Path, reported: dict[str, Any], on_event: OnEvent | None) -> Iterator[None]:
    before = os.environ.get(events.VARIABLE)
    os.environ[events.VARIABLE] = str(path)  # the kernel inherits it
    done = threading.Event()

    def listen() -> None:
        offset, last = 0, False
        while not last:
            last = done.wait(0.2)
            found, offset = events.read(path, offset)
            for event in found:
                reported.update(event)
                if on_event is not None:
                    on_event(event)

    listener = threading.Thread(target=listen, name="notebook events", daemon=True)
    listener.start()
    try:
        yield
    finally:
        done.set()
        listener.join()
        if before is None:
            del os.environ[events.VARIABLE]
        else:
            os.environ[events.VARIABLE] = before


@contextmanager
def _interrupting(reported: Mapping[str, Any]) -> Iterator[list[int]]:
    """The first Ctrl-C interrupts the run in the kernel, and the notebook goes on with it.

    So does a signal that ends this process. Yields a list that gets the signal's number.
    """
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return

    def forward(number: int, _frame: FrameType | None) -> None:
        restore()
        if "pid" in reported and "report" not in reported:
            received.append(number)
            os.kill(reported["pid"], signal.SIGINT)
        else:
            signal.raise_signal(number)

    restore = handle_signals((signal.SIGINT, *ENDING_SIGNALS), forward, always=(signal.SIGINT,))
    try:
        yield received
    finally:
        restore()


def _keep(executed: Path, home: Path) -> Path:
    kept = home / "report.ipynb"
    try:
        home.mkdir(parents=True, exist_ok=True)
        if executed.exists():
            shutil.copyfile(executed, kept)
    except OSError as exc:
        raise RunError(f"cannot write {kept}: {exc.strerror}") from exc
    return kept


def _page_from_cells(notebook: Path, name: str) -> Path:
    from nbconvert import HTMLExporter

    # The template would load these from a CDN: without them the page works offline.
    exporter = HTMLExporter(  # type: ignore[no-untyped-call]
        exclude_input=True, mathjax_url="", require_js_url="", jquery_url="", mermaid_js_url=""
    )
    body, _ = exporter.from_filename(str(notebook))
    page = notebook.with_suffix(".html")
    replace_text(page, body)
    from benchlab.report.index import Manifest, iso_now, list_report

    about = Manifest(kind="notebook", title=name, written_at=iso_now(), page=page.name)
    list_report(page.parent, about, body)
    return page
