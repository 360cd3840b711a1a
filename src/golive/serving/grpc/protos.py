"""Protos: the ``.proto`` files beside this module in, descriptors and message classes out. No generated code."""

import re
from collections.abc import Iterator
from importlib import resources
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

FILES = ("inference.proto", "health.proto", "reflection_v1.proto", "reflection_v1alpha.proto")
"""What a server speaks."""

_COMMENT = re.compile(r"//[^\n]*")
_TOKEN = re.compile(r'"[^"]*"|[\w.]+|[^\s\w]')


def declared(name: str) -> descriptor_pb2.FileDescriptorProto:
    """Read one of the files of this package into its descriptor."""
    return parsed(name, resources.files(__package__).joinpath(name).read_text("utf-8"))


def parsed(name: str, text: str) -> descriptor_pb2.FileDescriptorProto:
    """Read the part of the proto3 language that the files of this package use.

    Known are messages and enums (nested too), ``repeated``, ``map<string, …>``, ``oneof``, services and streams. A
    type's name is looked for in the message it stands in, then among the types of the file.
    """
    return _Reader(name, text).file


class Messages:
    """The message classes and services of the files, in a pool of their own.

    A process may hold another library's messages of the same names; the pools do not meet.
    """

    def __init__(self) -> None:
        self.pool = descriptor_pool.DescriptorPool()
        for name in FILES:
            self.pool.AddSerializedFile(declared(name).SerializeToString())

    def __getitem__(self, name: str) -> Any:
        """Give a message class by its full name, such as ``inference.ModelInferRequest``."""
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName(name))

    @property
    def services(self) -> tuple[str, ...]:
        """The full names of all services."""
        files = (self.pool.FindFileByName(name) for name in FILES)
        return tuple(service.full_name for file in files for service in file.services_by_name.values())


class _Reader:
    """A recursive descent over the tokens of one file."""

    def __init__(self, name: str, text: str) -> None:
        self.file = descriptor_pb2.FileDescriptorProto(name=name)
        self._tokens = iter(_TOKEN.findall(_COMMENT.sub("", text)))
        self._unresolved: list[tuple[Any, str, str]] = []
        self._kinds: dict[str, int] = {}
        for token in self._tokens:
            self._statement(token)
        self._resolve()

    def _statement(self, word: str) -> None:
        if word == "syntax":
            self.file.syntax = self._until(";")[1].strip('"')
        elif word == "package":
            (self.file.package,) = self._until(";")
        elif word == "service":
            self._service()
        elif word == "enum":
            self._enum(self.file.enum_type.add(), f".{self.file.package}")
        else:
            self._message(self.file.message_type.add(), f".{self.file.package}")

    def _message(self, message: Any, scope: str) -> None:
        message.name, _ = self._take(2)
        full = f"{scope}.{message.name}"
        self._kinds[full] = descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE
        for word in self._block():
            if word == "message":
                self._message(message.nested_type.add(), full)
            elif word == "enum":
                self._enum(message.enum_type.add(), full)
            elif word == "oneof":
                name, _ = self._take(2)
                message.oneof_decl.add(name=name)
                for kind in self._block():
                    self._field(message, full, kind).oneof_index = len(message.oneof_decl) - 1
            elif word == "map":
                self._map(message, full)
            elif word == "repeated":
                label = descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED
                self._field(message, full, next(self._tokens)).label = label
            else:
                self._field(message, full, word)

    def _field(self, message: Any, scope: str, kind: str) -> Any:
        name, _, number, _ = self._take(4)
        return self._add(message, scope, kind, name, int(number))

    def _add(self, message: Any, scope: str, kind: str, name: str, number: int) -> Any:
        field = message.field.add(name=name, number=number, label=descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL)
        scalar = f"TYPE_{kind.upper()}"
        if scalar in descriptor_pb2.FieldDescriptorProto.Type.keys():  # noqa: SIM118 - an enum wrapper is no dict
            field.type = descriptor_pb2.FieldDescriptorProto.Type.Value(scalar)
        else:
            self._unresolved.append((field, kind, scope))
        return field

    def _map(self, message: Any, scope: str) -> None:
        _, key, _, value, _, name, _, number, _ = self._take(9)
        entry = message.nested_type.add(name="".join(part.capitalize() for part in name.split("_")) + "Entry")
        entry.options.map_entry = True
        full = f"{scope}.{entry.name}"
        self._kinds[full] = descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE
        self._add(entry, full, key, "key", 1)
        self._add(entry, full, value, "value", 2)
        field = self._add(message, scope, entry.name, name, int(number))
        field.label = descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED

    def _enum(self, enum: Any, scope: str) -> None:
        enum.name, _ = self._take(2)
        self._kinds[f"{scope}.{enum.name}"] = descriptor_pb2.FieldDescriptorProto.TYPE_ENUM
        for name in self._block():
            _, number, _ = self._take(3)
            enum.value.add(name=name, number=int(number))

    def _service(self) -> None:
        name, _ = self._take(2)
        service = self.file.service.add(name=name)
        for _rpc in self._block():
            name, *rest = self._until(";")
            words = [word for word in rest if word not in {"(", ")", "returns"}]
            kinds = [word for word in words if word != "stream"]
            service.method.add(
                name=name,
                input_type=f".{self.file.package}.{kinds[0]}",
                output_type=f".{self.file.package}.{kinds[1]}",
                client_streaming=words[0] == "stream",
                server_streaming=words[-2] == "stream",
            )

    def _resolve(self) -> None:
        for field, kind, scope in self._unresolved:
            inner = f"{scope}.{kind}"
            field.type_name = inner if inner in self._kinds else f".{self.file.package}.{kind}"
            field.type = self._kinds[field.type_name]

    def _take(self, count: int) -> list[str]:
        return [next(self._tokens) for _ in range(count)]

    def _until(self, end: str) -> list[str]:
        return list(iter(lambda: next(self._tokens), end))

    def _block(self) -> Iterator[str]:
        return iter(lambda: next(self._tokens), "}")
