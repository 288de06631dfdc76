"""Windows as the network reads them, out of recordings: the pipeline's own, so that nothing is ingested twice over."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

from focus.runtime import Bundle, FocusError
from focus.runtime._kept import KeptWindows
from focus.runtime.engines import ModelFile, Outputs
from focus.runtime.outputs import BaseSink
from focus.runtime.pipeline import Plan, Reading, Settings, run_pipeline
from focus.runtime.sources import FrameSource, Truth

Array = NDArray[np.float32]

#: The label of a window whose class is not known.
UNKNOWN = -1

#: Share of a window's leaf samples that one class must have to be the window's label.
LEAST_SHARE = 0.9


class NetInput(NamedTuple):
    """One window.

    Attributes:
        band_means: float32 [N, C], standardised.
        composite: float32 [3, H, W], normalised as the backbone expects.
        valid: bool [N], False where a patch has no valid sample.
        label: index of its class, or ``UNKNOWN``.
    """

    band_means: Array
    composite: Array
    valid: NDArray[np.bool_]
    label: int = UNKNOWN


def windows_from_source(
    source: FrameSource,
    model: ModelFile,
    count: int,
    label: int = UNKNOWN,
    progress: Callable[[float], None] | None = None,
) -> list[NetInput]:
    """Up to ``count`` windows of a recording, spread evenly over it; no two share a sample.

    Args:
        source: not yet started.
        model: that shall read them.
        count: at least 1.
        label: class index of the whole recording; a simulation knows the class of each window.
        progress: called with the share of the recording that is done.
    Raises:
        FocusError: the recording does not fit the model, or nothing in it is valid.
    """
    recorder = _Recorder(model, count, label)

    def share(lines: int, _windows: int) -> None:
        if progress is not None and source.facts.lines:
            progress(lines / source.facts.lines)

    run_pipeline(source, recorder, [recorder], Settings(overlap=0), share)
    return recorder.windows


def windows_from_kept(kept: KeptWindows, bundle: Bundle) -> list[NetInput]:
    """The windows that a training kept.

    Raises:
        FocusError: they are another model's.
    """
    from focus.kernels import standardise

    expected = (bundle.patches, bundle.bands), (3, *bundle.window)
    if (kept.band_means.shape[1:], kept.composite.shape[1:]) != expected:
        raise FocusError(
            f"the windows kept by focus-train are not those of model {bundle.name}: {kept.band_means.shape[1:]} and "
            f"{kept.composite.shape[1:]}, not {expected[0]} and {expected[1]}; give the folder of this model's training"
        )
    backbone = bundle.backbone
    mean, deviation = (np.array(v)[:, None, None] for v in (backbone.composite_mean, backbone.composite_deviation))
    labels = np.full(len(kept.composite), UNKNOWN) if kept.labels is None else kept.labels
    return [
        NetInput(
            np.asarray(standardise(means, np.array(bundle.mean), np.array(bundle.deviation)), np.float32),
            np.asarray((image - mean) / deviation, np.float32),
            np.isfinite(means).any(axis=1),
            int(label),
        )
        for means, image, label in zip(kept.band_means, kept.composite, labels, strict=True)
    ]


class _Recorder(BaseSink):
    """Stands in for the engine and the sink of a run: writes down what the network is given, and answers zeros."""

    name, precision = "recorder", "fp32"

    def __init__(self, model: ModelFile, count: int, label: int) -> None:
        self.file, self.bundle = model, model.bundle
        self.windows: list[NetInput] = []
        self._count, self._label = count, label
        self._given: deque[tuple[Array, Array]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to free."""

    def infer(self, band_means: Array, composite: Array) -> Outputs:
        """See ``Engine.infer``."""
        self._given.extend(zip(band_means.copy(), composite.copy(), strict=True))
        facts = self.bundle
        prompts = (len(band_means), len(facts.reading.heads), len(facts.targets), len(facts.groups))
        logits = np.zeros((len(band_means), len(facts.targets)), np.float32)
        return Outputs(logits, np.zeros((*prompts, facts.patches), np.float32), np.zeros(prompts, np.float32))

    def start(self, plan: Plan) -> None:
        """See ``MapSink.start``. Only windows on the grid are taken: the last ones, flush with the scene's end, overlap
        with those before.
        """
        self._truth = plan.truth
        lines, samples = self.bundle.window
        self._across = max(1, plan.source.samples // samples)
        there = max(1, (plan.source.lines or 0) // lines) * self._across
        self._chosen = set(np.linspace(0, there - 1, min(self._count, there)).round().astype(int).tolist())

    def add_window(self, reading: Reading) -> None:
        """See ``MapSink.add_window``."""
        band_means, composite = self._given.popleft()
        window, grid = reading.window, self.bundle.backbone
        row, rest = divmod(window.first_row, grid.rows)
        column, aside = divmod(window.first_column, grid.columns)
        # A window beyond the last whole one is filled up with its edge.
        if rest or aside or column >= self._across or row * self._across + column not in self._chosen:
            return
        label = self._label if self._truth is None else self._true_label(self._truth, window.first_line, column)
        self.windows.append(NetInput(band_means, composite, window.valid_share > 0, label))

    def _true_label(self, truth: Truth, line: int, column: int) -> int:
        """The class of the leaf in a window; ``UNKNOWN`` for several leaves, or a class that the model lacks."""
        lines, samples = self.bundle.window
        seen = truth.leaf_class[line : line + lines, column * samples : (column + 1) * samples]
        counts = np.bincount(seen[seen >= 0].astype(int), minlength=len(truth.class_names))
        clear = counts.max() >= LEAST_SHARE * max(counts.sum(), 1)
        name = truth.class_names[int(np.argmax(counts))] if clear else None
        return self.bundle.class_names.index(name) if name in self.bundle.class_names else UNKNOWN
