"""Files that a plan names travel with it: the certificates and keys of its transport.

Everything else of a plan is in it: the code of a scenario, the rows of its data, the bodies of its
requests and the descriptors of its calls.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from benchlab.errors import InputError
from benchlab.plan.plan import Plan
from benchlab.spool.storage import open_private

__all__ = ["files_of", "placed", "remove_files"]

_FIELDS: Final = ("ca_file", "client_cert", "client_key")
_NAME = "file-{}.pem"


def files_of(plan: Plan) -> dict[str, bytes]:
    """The contents of the files that ``plan`` names, by the fields of its transport.

    Raises:
        InputError: a file cannot be read.
    """
    found = {}
    for name in _FIELDS:
        path = getattr(plan.transport, name)
        if not path:
            continue
        try:
            found[name] = Path(path).read_bytes()
        except OSError as exc:
            raise InputError(
                f"cannot be read ({exc.strerror})",
                field=name,
                value=path,
                remedy="name a file of PEM that you can read: it is sent to the hosts",
            ) from exc
    return found


def placed(plan: Mapping[str, Any], files: Mapping[str, bytes], place: Path) -> dict[str, Any]:
    """``plan`` as a dict, with ``files`` written to the directory ``place`` and named there."""
    transport = dict(plan["transport"])
    for name, content in files.items():
        path = place / _NAME.format(name)
        descriptor = open_private(path, os.O_WRONLY | os.O_TRUNC)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        transport[name] = str(path)
    return {**plan, "transport": transport}


def remove_files(place: Path) -> None:
    """Remove the files that `placed` wrote: a key stays on no disk longer than workers need it."""
    for name in _FIELDS:
        (place / _NAME.format(name)).unlink(missing_ok=True)
