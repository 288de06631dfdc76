"""The two kernels alone, each beside a plain copy of the bytes that it reads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np

from focus.exporter.bench import _ours
from focus.exporter.bench._answers import Answer, Check, check_answers
from focus.exporter.bench._prepared import Prepared
from focus.exporter.bench.peers._contract import Peer
from focus.runtime.pipeline import explain


class Copy(Peer):
    """``copy``: the raw cube to memory that is there already, a share of its lines by each thread. Nothing that reads
    the cube once and gives something back can be much faster.
    """

    limit = 0.0

    def __init__(self, prepared: Prepared, threads: int) -> None:
        super().__init__(prepared, threads)
        self._target = prepared.buffer()
        self._target.fill(0)
        edges = np.linspace(0, len(self.raw), threads + 1).astype(int)
        self._shares = [slice(first, stop) for first, stop in pairwise(edges)]
        self._pool = ThreadPoolExecutor(threads)

    def run(self) -> Answer:
        """Copies."""
        list(self._pool.map(self._copy, self._shares))
        return Answer(None)

    def _copy(self, share: slice) -> None:
        np.copyto(self._target[share], self.raw[share])

    def check(self) -> Check:
        """Every sample must have arrived."""
        self.load(0)
        self.run()
        return Check({"raw": float(not np.array_equal(self._target, self.raw))}, self.limit, "the raw cube")


class Ingest(Peer):
    """``ingest``: raw counts to band means and composite, reflectance."""

    limit = 1e-3

    def __init__(self, prepared: Prepared, threads: int) -> None:
        super().__init__(prepared, threads)
        self._ingest = _ours.Ingest(prepared.bundle, prepared.calibration, threads)

    def run(self) -> Answer:
        """Ingests."""
        found = self._ingest.kernel(self.raw)
        return Answer(found.band_means, found.composite)

    def check(self) -> Check:
        """Against the same in NumPy, float64."""
        wanted = [self._reflectance(number) for number in range(self.prepared.cubes)]
        names = ("band means", "composite")
        return check_answers(self.answers(), wanted, self.limit, "calibration and means in NumPy, float64", names)

    def _reflectance(self, number: int) -> Answer:
        """The reference's inputs before they were standardised."""
        bundle = self.prepared.bundle
        means, composite = self.prepared.inputs(number)
        centre, spread = bundle.backbone.composite_mean, bundle.backbone.composite_deviation
        return Answer(
            means * np.array(bundle.deviation) + np.array(bundle.mean),
            composite * np.array(spread)[:, None, None] + np.array(centre)[:, None, None],
        )


class Saliency(Peer):
    """``saliency``: attention and band means to M and B of one class, without T."""

    limit = 1e-4

    def load(self, number: int) -> None:
        """Brings one class's attention [H*, G, N] and the band means [N, C]."""
        number %= self.prepared.cubes
        self.attention = np.ascontiguousarray(self.prepared.attention(number))
        self.means = np.ascontiguousarray(self.prepared.inputs(number)[0])
        self.shown = self.prepared.shown(number)

    def run(self) -> Answer:
        """M and B."""
        maps = explain(self.prepared.bundle, self.attention, self.means, self.shown)
        return Answer(None, maps.heatmap, maps.curve)

    def check(self) -> Check:
        """Against Eqs. (5) and (6) in NumPy, float64."""
        wanted = [Answer(None, *answer[1:]) for answer in self.prepared.reference("focus")]
        return check_answers(self.answers(), wanted, self.limit, "Eqs. (5) and (6) in NumPy, float64")


class SaliencyCopy(Saliency):
    """``saliency_copy``: a plain copy of what ``saliency`` reads."""

    limit = 0.0

    def run(self) -> Answer:
        """Copies."""
        self._copies = self.attention.copy(), self.means.copy()
        return Answer(None)

    def check(self) -> Check:
        """Every value must have arrived."""
        self.load(0)
        self.run()
        found, wanted = Answer(*self._copies), Answer(self.attention, self.means)
        names = ("attention", "band means")
        return check_answers([found], [wanted], self.limit, "what saliency reads", names)
