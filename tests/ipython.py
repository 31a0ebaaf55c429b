"""IPython in this process, without its files: what a notebook does, without a kernel."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

__all__ = ["ipython_shell"]


@contextmanager
def ipython_shell(directory: Path) -> Iterator[InteractiveShell]:
    """A shell that is the current one, with its settings in ``directory``."""
    config = Config()
    config.HistoryManager.enabled = False
    builtins.__dict__.pop("_", None)  # of doctests: with it IPython leaves the user's alone
    shell = InteractiveShell.instance(config=config, ipython_dir=str(directory))
    try:
        yield shell
    finally:
        shell.restore_sys_module_state()
        InteractiveShell.clear_instance()
