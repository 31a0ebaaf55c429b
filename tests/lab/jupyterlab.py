"""A real JupyterLab for tests, with directories of its own, and a page of it in a real browser."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Browser, Locator, Page, expect
from playwright.sync_api import TimeoutError as NotYet

__all__ = ["WAIT_MS", "JupyterLab", "Notebook", "jupyterlab"]

WAIT_MS = 60_000
"""How long a condition is awaited: as long as it may take on a machine that is busy."""


class Notebook:
    """A notebook in a tab of a browser."""

    def __init__(self, page: Page, path: Path) -> None:
        self.page = page
        self.path = path

    @property
    def widget(self) -> Locator:
        """The widget of the live view."""
        return self.page.locator(".benchlab-live-widget")

    @property
    def static(self) -> Locator:
        """The state without any script, which is hidden while there is a widget."""
        return self.page.locator(".benchlab-live-static")

    @property
    def stop(self) -> Locator:
        """The Stop button."""
        return self.widget.get_by_role("button")

    def run_cell(self, number: int) -> Locator:
        """Run the cell of this number, from 0; returns it."""
        cell = self.page.locator(".jp-CodeCell").nth(number)
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Shift+Enter")
        return cell

    def goes_on(self, shown: Locator) -> None:
        """Wait until a view has changed from what it is now."""
        done = shown.locator(".benchlab-live-done")
        done.wait_for()
        expect(done).not_to_have_text(done.inner_text())

    def is_back(self) -> None:
        """Wait until the page shows the widget again, and it goes on.

        A page asks its kernel for widgets once, and of two that ask at the same time one may get
        no response: ipywidgets has one channel for all of them. Then a person loads it again.
        """
        with suppress(NotYet):
            self.widget.wait_for(timeout=WAIT_MS / 2)
        if not self.widget.count():
            self.page.reload()
        self.goes_on(self.widget)

    def save(self) -> Any:
        """Save it; returns its cells as they are in the file."""
        with self.page.expect_response(
            lambda response: response.request.method == "PUT" and "/api/contents/" in response.url
        ):
            self.page.keyboard.press("Control+s")
        return nbformat.read(self.path, as_version=4).cells

    def restart_kernel(self) -> None:
        """Restart the kernel by its button, and confirm that."""
        self.page.get_by_role("button", name="Restart the kernel", exact=True).click()
        self.page.get_by_role("button", name="Confirm Kernel Restart").click()

    def interrupt_kernel(self) -> None:
        """Interrupt the kernel by its button."""
        self.page.get_by_role("button", name="Interrupt the kernel").click()


@dataclass(frozen=True)
class JupyterLab:
    """A server, and the browser that visits it."""

    url: str
    token: str
    directory: Path
    browser: Browser

    def write(self, name: str, *sources: str) -> Path:
        """A notebook of these cells; returns its path."""
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in sources],
            metadata={"kernelspec": kernel},
        )
        path = self.directory / f"{name}.ipynb"
        nbformat.write(notebook, path)
        return path

    def open(self, path: Path) -> Notebook:
        """The notebook in a new tab, with a kernel that is ready."""
        page = self.browser.new_page(viewport={"width": 1300, "height": 900})
        page.set_default_timeout(WAIT_MS)
        page.on("dialog", lambda dialog: dialog.accept())  # "leave the page?"
        page.goto(f"{self.url}/doc/tree/{path.name}?token={self.token}")
        page.locator(".jp-CodeCell").first.wait_for()
        return Notebook(page, path)


@contextmanager
def jupyterlab(
    browser: Browser, directory: Path, environment: Mapping[str, str]
) -> Iterator[JupyterLab]:
    """JupyterLab on the loopback interface, which keeps nothing outside of ``directory``."""
    expect.set_options(timeout=WAIT_MS)
    token = secrets.token_urlsafe(16)
    program = shutil.which("jupyter", path=Path(sys.executable).parent)
    assert program is not None
    notebooks = directory / "notebooks"
    notebooks.mkdir()
    own = {
        f"JUPYTER{part}_DIR": str(directory / part.lower().strip("_"))
        for part in ("_CONFIG", "_DATA", "_RUNTIME", "LAB_SETTINGS", "LAB_WORKSPACES")
    }
    settings = directory / "lab_settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    quiet = '{"fetchNews": "false", "checkForUpdates": false}'
    (settings / "notification.jupyterlab-settings").write_text(quiet)
    server = subprocess.Popen(
        [program, "lab", "--no-browser", "--ip", "127.0.0.1", "--port", "0", "--allow-root",
         f"--IdentityProvider.token={token}", str(notebooks)],
        env={**os.environ, **own, "IPYTHONDIR": str(directory / "ipython"), **environment},
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert server.stderr is not None
        found = (re.search(r"(http://127\.0\.0\.1:\d+)/lab", line) for line in server.stderr)
        url = next(match[1] for match in found if match)
        threading.Thread(target=server.stderr.read, daemon=True).start()  # or its pipe fills up
        yield JupyterLab(url, token, notebooks, browser)
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=60)
