"""What every row of the table does: made ready untimed, checked, then timed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from focus.exporter.bench._answers import Answer, Check, check_answers
from focus.exporter.bench._prepared import Prepared


class Unavailable(Exception):
    """A peer that cannot be measured on this machine; the message says why."""


class Peer:
    """One row. The constructor loads, ``load`` brings a cube, ``run`` is what is timed.

    Args:
        prepared: models, cubes and references.
        threads: as many as every other row.
    Attributes:
        stages: times in ms of the parts of each run, where a row has parts.
    Raises:
        Unavailable: it cannot be measured here.
    """

    #: Share of a result's largest value that may differ from the reference (see ``Check``).
    limit = 1e-3
    #: Which of ``Prepared.reference`` is right.
    reference = "focus"

    def __init__(self, prepared: Prepared, threads: int) -> None:
        self.prepared, self.threads = prepared, threads
        self.stages: dict[str, list[float]] = {}
        self.raw = prepared.buffer()

    def load(self, number: int) -> None:
        """Brings a cube into ``raw``, as a camera's driver would. Not timed."""
        self.prepared.read(number, self.raw)

    def run(self) -> Answer:
        """From what ``load`` brought to the answer. Timed."""
        raise NotImplementedError

    def check(self) -> Check:
        """Compares the answers for all cubes with the reference's."""
        wanted = self.prepared.reference(self.reference)
        return check_answers(self.answers(), wanted, self.limit, f"the {self.reference} network in torch, float32")

    def answers(self) -> list[Answer]:
        """The answers for all cubes."""
        found = []
        for number in range(self.prepared.cubes):
            self.load(number)
            found.append(self.run())
        return found

    def facts(self) -> dict[str, object]:
        """What else the record should say of this row, e.g. its precision."""
        return {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Times a part of ``run``."""
        start = time.perf_counter()
        yield
        self.stages.setdefault(name, []).append(1e3 * (time.perf_counter() - start))
