"""Read descriptors from files: a ``.proto``, which is compiled, or a descriptor set."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from os.path import abspath
from pathlib import Path
from tempfile import TemporaryDirectory

from benchlab.errors import InputError
from benchlab.extras import require_extra
from benchlab.plan.grpc.descriptors import Descriptors

__all__ = ["descriptors_of_proto", "descriptors_of_set"]

_SHOWN_LINES = 3


def descriptors_of_proto(path: str, import_paths: Sequence[str] = ()) -> Descriptors:
    """Compile the ``.proto`` file at ``path`` and what it imports.

    Imports are looked up in ``import_paths``, and then beside the file; protobuf's own are found.

    Raises:
        InputError: no such file or directory, or an error in it: the compiler's message says where.
    """
    require_extra("grpc")
    import grpc_tools

    file = Path(abspath(path))
    if not file.is_file():
        raise InputError("is not a file", field="proto", value=path)
    places = [Path(abspath(place)) for place in import_paths]
    for given, place in zip(import_paths, places, strict=True):
        if not place.is_dir():
            raise InputError("is not a directory", field="import_paths", value=given)
    if not any(file.is_relative_to(place) for place in places):
        places.append(file.parent)
    own = Path(grpc_tools.__file__).parent / "_proto"
    with TemporaryDirectory() as directory:
        output = Path(directory) / "descriptors"
        done = subprocess.run(
            [
                *(sys.executable, "-P", "-m", "grpc_tools.protoc"),
                *(f"-I{place}" for place in (*places, own)),
                *("--include_imports", f"--descriptor_set_out={output}", str(file)),
            ],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if done.returncode or not output.is_file():
            lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            remedy = "add the directory that imports begin in (import_paths, --import-path)"
            missing = "File not found" in done.stderr
            raise InputError(
                f"cannot be compiled: {' · '.join(lines[:_SHOWN_LINES]).rstrip('.')}",
                field="proto",
                value=path,
                remedy=remedy if missing else "",
            )
        data = output.read_bytes()
    return Descriptors.of_set(data, str(file), [abspath(item) for item in import_paths])


def descriptors_of_set(path: str) -> Descriptors:
    """Read the descriptor set at ``path``, as ``protoc --descriptor_set_out`` writes it.

    Raises:
        InputError: no such file, or something else in it.
    """
    file = Path(abspath(path))
    try:
        data = file.read_bytes()
    except OSError as exc:
        raise InputError(f"cannot be read ({exc.strerror})", field="protoset", value=path) from exc
    try:
        return Descriptors.of_set(data, str(file))
    except InputError as exc:
        raise exc.of("protoset") from exc
