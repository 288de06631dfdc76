"""Everything that was looked at, as one value; ``focus-doctor --json`` prints it."""

from __future__ import annotations

from dataclasses import dataclass, field

from focus.runtime.doctor._cameras import CameraFacts
from focus.runtime.doctor._clock import ClockFacts
from focus.runtime.doctor._gpus import GpuFacts
from focus.runtime.doctor._jetson import JetsonFacts
from focus.runtime.doctor._packages import PackageFacts
from focus.runtime.doctor._places import PlaceFacts
from focus.runtime.doctor._processor import ProcessorFacts
from focus.runtime.doctor._python import PythonFacts

#: Goes up when a field changes its meaning or goes away; new ones may come without.
SCHEMA = 1


@dataclass(frozen=True)
class Ability:
    """Something that FOCUS does, and whether it will here.

    Attributes:
        name: stable, for programs.
        does: for people.
        works: whether it will work.
        why: what it rests on, or what is in its way.
        remedy: command that brings what is missing; None where none does.
    """

    name: str
    does: str
    works: bool
    why: str
    remedy: str | None = None


@dataclass(frozen=True)
class Facts:
    """What the machine has; a topic that could not be looked at is as good as empty."""

    python: PythonFacts = field(default_factory=PythonFacts)
    processor: ProcessorFacts = field(default_factory=ProcessorFacts)
    packages: tuple[PackageFacts, ...] = ()
    gpu: GpuFacts = field(default_factory=GpuFacts)
    jetson: JetsonFacts = field(default_factory=JetsonFacts)
    cameras: CameraFacts = field(default_factory=CameraFacts)
    places: tuple[PlaceFacts, ...] = ()
    clock: ClockFacts = field(default_factory=ClockFacts)

    def package(self, name: str) -> PackageFacts:
        """One of ``packages``; an absent one if it is not among them."""
        return next((package for package in self.packages if package.name == name), PackageFacts(name))


@dataclass(frozen=True)
class Report:
    """Facts and verdict.

    Attributes:
        schema: ``SCHEMA``.
        facts: what the machine has.
        abilities: what of FOCUS will work.
        advice: what would make it better or safer, one sentence each.
        unknown: topics that could not be looked at, with the reason.
    """

    schema: int
    facts: Facts
    abilities: tuple[Ability, ...]
    advice: tuple[str, ...]
    unknown: tuple[str, ...]
