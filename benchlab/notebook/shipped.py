"""Find and copy the notebooks that ship with benchlab."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchlab.bundled.files import home_of
from benchlab.errors import InputError

__all__ = ["copy_notebooks", "notebook_path"]


def notebook_path(name: str) -> Path:
    """The notebook called ``name``: a path, or a bundled one, with or without ``.ipynb``.

    Raises:
        InputError: there is neither such a file nor such a bundled notebook.
    """
    path = Path(name)
    if path.suffix == ".ipynb" and path.is_file():
        return path
    bundled = sorted((home_of("notebooks") / "notebooks").glob("*.ipynb"))
    for candidate in bundled:
        if Path(name).name in (candidate.name, candidate.stem):
            return candidate
    known = ", ".join(candidate.stem for candidate in bundled)
    raise InputError(f"there is no notebook {name!r}: give a path to one, or one of {known}")


def copy_notebooks(directory: Path) -> list[Path]:
    """Copy the bundled notebooks into ``directory``; returns the copies.

    Raises:
        InputError: one of them is there already, or the directory cannot be written.
    """
    sources = sorted((home_of("notebooks") / "notebooks").glob("*.ipynb"))
    copies = [directory / source.name for source in sources]
    for copy in copies:
        if copy.exists():
            raise InputError(f"{copy} exists already: move it away or choose another directory")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for source, copy in zip(sources, copies, strict=True):
            shutil.copyfile(source, copy)
    except OSError as exc:
        raise InputError(f"cannot write notebooks to {directory}: {exc.strerror}") from exc
    return copies
