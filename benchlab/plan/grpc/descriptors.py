"""Descriptors: what a service's methods take and return, as protobuf describes them."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, Self

from attrs import evolve, field, frozen

from benchlab.errors import WRONG_CONTENT, InputError
from benchlab.extras import require_extra
from benchlab.text import plural
from benchlab.units import format_bytes

if TYPE_CHECKING:
    from google.protobuf.descriptor import ServiceDescriptor
    from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
    from google.protobuf.descriptor_pool import DescriptorPool
    from google.protobuf.message import Message

__all__ = ["Descriptors", "Method", "is_shipped", "source_kind", "split_name", "unknown_name"]

_SHIPPED = "google/protobuf/"
"""Where protobuf's own files are, which its package ships: they need not be carried."""

_MAX_BYTES = 64 * 1024 * 1024
_SHOWN = 12  # names in a message
_POOLS_KEPT = 64

_INCOMPLETE = "make it with protoc --include_imports --descriptor_set_out=FILE"


class Method(NamedTuple):
    """A method of a service: the classes of its messages, and which of them come in streams."""

    name: str
    takes: type[Message]
    returns: type[Message]
    takes_stream: bool
    returns_stream: bool


def _shown_data(data: bytes) -> str:
    return f"<{format_bytes(len(data))}>"


@frozen
class Descriptors:
    """The files that describe services and their messages, as a serialized FileDescriptorSet.

    Each file comes after those it imports; protobuf's own (``google/protobuf/…``) are left out.
    ``source`` says where they come from: the whole path of a ``.proto`` file, which was compiled
    with ``import_paths``, or of a descriptor set; or it is empty for a service's reflection.
    ``streaming`` names the methods that respond with a stream, as ``pkg.Service/Method``: stored
    runs are read where protobuf may not be installed.
    """

    data: bytes = field(repr=_shown_data)
    source: str = ""
    import_paths: tuple[str, ...] = ()
    streaming: tuple[str, ...] = ()

    @classmethod
    def of_set(cls, data: bytes, source: str = "", import_paths: Sequence[str] = ()) -> Self:
        """The descriptors of a serialized FileDescriptorSet, in any order.

        Raises:
            InputError: it is none, or lacks a file that another imports.
        """
        require_extra("grpc")
        from google.protobuf.descriptor_pb2 import FileDescriptorSet
        from google.protobuf.message import DecodeError

        try:
            found = FileDescriptorSet.FromString(data)
        except DecodeError as exc:
            raise InputError(f"is not a descriptor set ({exc})", remedy=_INCOMPLETE) from exc
        made = cls(_serialized(_in_order(found.file)), source, tuple(import_paths))
        _ = made.pool  # built from the files, and so checked
        streaming = (
            f"{service.full_name}/{method.name}"
            for service in made.services
            for method in service.methods
            if method.server_streaming
        )
        return evolve(made, streaming=tuple(streaming))

    @property
    def pool(self) -> DescriptorPool:
        """The descriptors, ready for use."""
        return _pool(self.data)

    @property
    def services(self) -> list[ServiceDescriptor]:
        """The services, in the order of their names."""
        found = (
            self.pool.FindServiceByName(".".join(filter(None, (file.package, service.name))))
            for file in _parsed(self.data).file
            for service in file.service
        )
        return sorted(found, key=lambda service: service.full_name)

    def method(self, name: str) -> Method:
        """The method called ``name``: ``pkg.Service/Method``.

        Raises:
            InputError: there is no such service or method; the message says which there are.
        """
        from google.protobuf.message_factory import GetMessageClass

        service_name, method_name = split_name(name)
        services = {service.full_name: service for service in self.services}
        if service_name not in services:
            raise unknown_name("service", service_name, services, self._place)
        service = services[service_name]
        if method_name not in service.methods_by_name:
            raise unknown_name("method", method_name, list(service.methods_by_name), service_name)
        found = service.methods_by_name[method_name]
        return Method(
            f"{service_name}/{method_name}",
            GetMessageClass(found.input_type),
            GetMessageClass(found.output_type),
            bool(found.client_streaming),
            bool(found.server_streaming),
        )

    def of_service(self, name: str) -> Descriptors:
        """Only what the service called ``name`` needs, or all if there is none.

        Comments and names of source lines are left out.
        """
        files = {file.name: file for file in _parsed(self.data).file}
        first = [
            file
            for file in files.values()
            if any(
                ".".join(filter(None, (file.package, item.name))) == name for item in file.service
            )
        ]
        needed: dict[str, None] = {}
        waiting = [file.name for file in first or files.values()]
        while waiting:
            current = waiting.pop()
            if current in files and current not in needed:
                needed[current] = None
                waiting += files[current].dependency
        kept = [file for file in files.values() if file.name in needed]
        for file in kept:
            file.ClearField("source_code_info")
        streaming = tuple(each for each in self.streaming if split_name(each)[0] == name)
        return Descriptors(_serialized(kept), self.source, self.import_paths, streaming)

    @property
    def _place(self) -> str:
        return self.source or "the service"

    def to_text(self) -> str:
        """The files, compressed, as text that JSON can hold; without what is said of them."""
        return base64.b64encode(zlib.compress(self.data, 9)).decode()

    @classmethod
    def from_text(
        cls,
        text: str,
        source: str = "",
        import_paths: Sequence[str] = (),
        streaming: Sequence[str] = (),
    ) -> Self:
        """The descriptors that `to_text` wrote.

        Raises:
            InputError: the text is something else.
        """
        try:
            stream = zlib.decompressobj()
            data = stream.decompress(base64.b64decode(text, validate=True), _MAX_BYTES)
            if not stream.eof:
                most = format_bytes(_MAX_BYTES)
                raise InputError(f"is cut off, or has more than {most}", field="descriptors")
        except (*WRONG_CONTENT, zlib.error) as exc:
            raise InputError(f"cannot be read: {exc}", field="descriptors") from exc
        return cls(data, source, tuple(import_paths), tuple(streaming))


def source_kind(source: str) -> str:
    """The parameter of a call that names the file ``source``: ``proto`` or ``protoset``."""
    return "proto" if source.endswith(".proto") else "protoset"


def split_name(name: str) -> tuple[str, str]:
    """The service and the method in ``pkg.Service/Method``, or ``pkg.Service.Method``.

    >>> split_name("demo.Vectors/Add")
    ('demo.Vectors', 'Add')
    """
    service, _, method = name.rpartition("/" if "/" in name else ".")
    return service, method


@lru_cache(_POOLS_KEPT)
def _pool(data: bytes) -> DescriptorPool:
    from google.protobuf.descriptor_pool import DescriptorPool

    pool = DescriptorPool()
    shipped: set[str] = set()
    for file in _parsed(data).file:
        for name in file.dependency:
            _add_shipped(pool, name, shipped)
        try:
            pool.Add(file)
        except TypeError as exc:
            raise InputError(
                f"{file.name} cannot be used: {exc}", field="descriptors", remedy=_INCOMPLETE
            ) from exc
    return pool


def _add_shipped(pool: DescriptorPool, name: str, added: set[str]) -> None:
    """Add the file called ``name`` if protobuf ships it, with what it imports."""
    if name in added or not is_shipped(name):
        return
    added.add(name)
    module = import_module(name.removesuffix(".proto").replace("/", ".") + "_pb2")
    for other in module.DESCRIPTOR.dependencies:
        _add_shipped(pool, other.name, added)
    pool.AddSerializedFile(module.DESCRIPTOR.serialized_pb)


@cache
def is_shipped(name: str) -> bool:
    """Whether ``name`` is a file of protobuf's own, which every process has."""
    if not name.startswith(_SHIPPED):
        return False
    try:
        import_module(name.removesuffix(".proto").replace("/", ".") + "_pb2")
    except ImportError:
        return False
    return True


def _parsed(data: bytes) -> FileDescriptorSet:
    from google.protobuf.descriptor_pb2 import FileDescriptorSet

    return FileDescriptorSet.FromString(data)


def _serialized(files: Iterable[FileDescriptorProto]) -> bytes:
    from google.protobuf.descriptor_pb2 import FileDescriptorSet

    return FileDescriptorSet(file=files).SerializeToString(deterministic=True)


def _in_order(files: Iterable[FileDescriptorProto]) -> list[FileDescriptorProto]:
    """The files, each after those it imports; without protobuf's own."""
    by_name = {file.name: file for file in files}
    ordered: dict[str, FileDescriptorProto] = {}
    for start in by_name:
        waiting = [start]
        while waiting:
            name = waiting[-1]
            if name in ordered or is_shipped(name):
                waiting.pop()
                continue
            missing = [
                other
                for other in by_name[name].dependency
                if other not in ordered and not is_shipped(other)
            ]
            for other in missing:
                if other not in by_name:
                    raise InputError(f"lacks {other}, which {name} imports", remedy=_INCOMPLETE)
                if other in waiting:
                    raise InputError(f"has {other} and {name}, which import each other")
            if missing:
                waiting += missing
            else:
                ordered[name] = by_name[name]
                waiting.pop()
    return list(ordered.values())


def unknown_name(what: str, name: str, known: Iterable[str], place: str) -> InputError:
    """The error for a ``what`` that ``place`` does not have, among the ``known`` ones."""
    from difflib import get_close_matches

    names = sorted(known)
    near = get_close_matches(name, names, 1) or [
        full for full in names if full.rpartition(".")[2] == name.rpartition(".")[2]
    ]
    listed = ", ".join(names[:_SHOWN]) or "none"
    if len(names) > _SHOWN:
        listed += f" and {plural(len(names) - _SHOWN, 'other')}"
    meant = f"did you mean {near[0]}? " if near else ""
    return InputError(
        f"{place} has no {what} {name!r}",
        field="url",
        remedy=f"{meant}{what}s there: {listed}",
    )
