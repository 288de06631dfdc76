"""Rows for ``focus-bench`` that go wrong in known ways."""

from __future__ import annotations

import numpy as np

from focus.exporter.bench._answers import Answer
from focus.exporter.bench._prepared import Prepared
from focus.exporter.bench.peers.naive import NaiveOrt


class Wrong(NaiveOrt):
    """Its map is a tenth too strong."""

    def run(self) -> Answer:
        answer = super().run()
        return answer._replace(heatmap=1.1 * answer.heatmap)


class WithTorch(NaiveOrt):
    """Right, but it has imported torch."""

    def run(self) -> Answer:
        import torch  # noqa: F401

        return super().run()


class Greedy(NaiveOrt):
    """Wants more memory than there is; a peer of the sweep."""

    def __init__(self, prepared: Prepared, threads: int, bands: int) -> None:
        super().__init__(prepared, threads)

    def run(self) -> Answer:
        return Answer(np.ones(1 << 40))


class Raising(NaiveOrt):
    """Fails as soon as it is timed."""

    timed = False

    def check(self):  # type: ignore[no-untyped-def]
        found = super().check()
        self.timed = True
        return found

    def run(self) -> Answer:
        if self.timed:
            raise ZeroDivisionError("on purpose")
        return super().run()
