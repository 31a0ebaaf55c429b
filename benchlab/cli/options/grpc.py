"""The options of ``benchlab run`` for gRPC calls."""

from __future__ import annotations

import click
from attrs import evolve

from benchlab.cli.options.group import Draft, OptionGroup, Values
from benchlab.cli.options.types import DURATION
from benchlab.errors import InputError
from benchlab.plan.grpc.request import COMPRESSIONS, GrpcRequest

__all__ = ["GRPC"]


def _calls(draft: Draft, values: Values) -> None:
    given = {name: value for name, value in values.items() if value not in (None, "", ())}
    if not given:
        return
    if not any(isinstance(request, GrpcRequest) for request in draft["requests"]):
        raise InputError(
            "is for gRPC",
            field=next(iter(given)),
            remedy="write the URL as grpc://HOST:PORT/pkg.Service/Method, or leave it out",
        )
    draft["requests"] = [
        evolve(request, **given) if isinstance(request, GrpcRequest) else request
        for request in draft["requests"]
    ]


GRPC = OptionGroup(
    "Calls of gRPC",
    (
        click.option(
            "--proto",
            default="",
            metavar="FILE",
            help=".proto file that describes the method  [default: ask the service (reflection)]",
        ),
        click.option(
            "--import-path",
            "import_paths",
            multiple=True,
            metavar="DIR",
            help="directory that the imports of --proto begin in; repeatable",
        ),
        click.option(
            "--protoset",
            default="",
            metavar="FILE",
            help="descriptor set instead, as protoc --include_imports writes it",
        ),
        click.option(
            "--deadline",
            "deadline_s",
            type=DURATION,
            default=None,
            help="deadline sent with each call  [default: --timeout]",
        ),
        click.option(
            "--compression",
            type=click.Choice([name for name in COMPRESSIONS if name]),
            default=None,
            help="how messages are compressed  [default: not at all]",
        ),
    ),
    _calls,
)
