"""The extras of the package: what ``pip install benchlab`` alone leaves out.

benchlab[lab]     JupyterLab, and what runs notebooks without it
benchlab[target]  the bundled service under test, with OpenTelemetry
benchlab[grpc]    gRPC: messages, .proto files, reflection, and the target's gRPC service
benchlab[cluster] load from several machines, by Dask
benchlab[all]     all of them
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Literal

from benchlab.errors import MissingPackageError

__all__ = ["EXTRAS", "require_extra"]

EXTRAS = {
    "lab": ("anywidget", "ipykernel", "jupyterlab", "nbconvert", "papermill"),
    "target": (
        "fastapi",
        "httptools",
        "opentelemetry.exporter.otlp.json.file",
        "opentelemetry.exporter.otlp.proto",
        "opentelemetry.instrumentation.fastapi",
        "opentelemetry.sdk",
        "uvicorn",
        "websockets",
    ),
    "grpc": (
        "google.protobuf",
        "grpc",
        "grpc_health",
        "grpc_reflection",
        "grpc_tools",
        "opentelemetry.instrumentation.grpc",
    ),
    "cluster": ("distributed",),
}
"""Modules that an extra installs, by its name."""


def require_extra(extra: Literal["lab", "target", "grpc", "cluster"]) -> None:
    """Check that the packages of an extra are installed, without importing them.

    Raises:
        MissingPackageError: one is not; the error has the command that installs it.
    """
    for module in EXTRAS[extra]:
        if not _is_installed(module):
            raise MissingPackageError(
                f"this needs {module}, which is not installed",
                remedy=f'pip install "benchlab[{extra}]"',
            )


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of the package that would contain it
        return False
