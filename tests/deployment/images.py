"""Reads the Dockerfile for the tests: stages by name, each with its instructions and those it inherits."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from dockerfile_parse import DockerfileParser

from tests.stack import REPOSITORY

DOCKERFILE = REPOSITORY / "Dockerfile"
TARGETS = ("gateway", "worker", "flower")


@dataclass(frozen=True, slots=True)
class Instruction:
    """`flags` are the `--name=value` words before the value."""

    name: str
    value: str
    flags: tuple[str, ...]

    def words(self) -> list[str]:
        """The exec form. Raises ValueError for the shell form."""
        words = json.loads(self.value.removeprefix("CMD ") if self.name == "HEALTHCHECK" else self.value)
        return [str(word) for word in words]


@dataclass(frozen=True, slots=True)
class Image:
    """One stage; `parent` is None where it starts from an image of a registry."""

    name: str
    source: str
    own: tuple[Instruction, ...]
    parent: Image | None

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """The parents' first."""
        return (*(self.parent.instructions if self.parent else ()), *self.own)

    def all(self, name: str) -> list[Instruction]:
        return [instruction for instruction in self.instructions if instruction.name == name]

    def last(self, name: str) -> Instruction:
        """The instruction in force. Raises IndexError where there is none."""
        return self.all(name)[-1]

    @property
    def healthcheck(self) -> list[str]:
        return self.last("HEALTHCHECK").words()


def images() -> dict[str, Image]:
    """Every stage of the Dockerfile."""
    found: dict[str, Image] = {}
    for source, name, own in _stages():
        found[name] = Image(name, source, tuple(own), found.get(source))
    return found


def _stages() -> Iterator[tuple[str, str, list[Instruction]]]:
    with DOCKERFILE.open("rb") as file:
        parsed = DockerfileParser(fileobj=file).structure
    stage: tuple[str, str, list[Instruction]] | None = None
    for entry in parsed:
        name, value = entry["instruction"], entry["value"]
        if name == "FROM":
            if stage:
                yield stage
            source, _, alias = value.partition(" AS ")
            stage = (source, alias, [])
        elif name != "COMMENT" and stage:
            stage[2].append(_instruction(name, value))
    if stage:
        yield stage


def _instruction(name: str, value: str) -> Instruction:
    flags = []
    while flag := re.match(r"(--\S+)\s+", value):
        flags.append(flag[1])
        value = value[flag.end() :]
    return Instruction(name, value, tuple(flags))
