"""Whether the clock is set by another one: times of lines from several rigs only compare if it is."""

from __future__ import annotations

from dataclasses import dataclass

from focus.runtime.doctor._machine import Machine


@dataclass(frozen=True)
class ClockFacts:
    """The system's clock.

    Attributes:
        synchronised: None where the system does not tell.
    """

    synchronised: bool | None = None


def clock_facts(machine: Machine) -> ClockFacts:
    """Asks systemd, which asks the kernel: true for whatever service sets the clock."""
    said = machine.answer("timedatectl", "show", "--property=NTPSynchronized", "--value")
    return ClockFacts({"yes": True, "no": False}.get(said or ""))
