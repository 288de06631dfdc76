"""What is said at the end of a training; the full evaluation against other methods is not made here.

For simulated leaves the maps are held against the truth, over the lesioned test windows that have at least one lesioned
patch, always for the predicted class:

- **IoU**: the N_m patches with the largest M against the mask's N_m patches (a patch is lesioned where half of it is).
- **AUPRC**: average precision of M as a score of lesioned patches; its random value is the **prevalence**.
- **BIO@k**: intersection over union of the k bands with the largest B and the k most informative ones, k = 5 and 20.
- **sink mass** of the heads that are shown and of the others: prompt-to-[SINK] attention of the last block;
  **collapse**: attention of the shown heads on what is not a patch, plus its largest share on a single patch.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.exporter.metrics import (
    accuracy,
    average_precision,
    band_overlap,
    collapse,
    matched_iou,
    mean_squared_error,
    r_squared,
    random_overlap,
)
from focus.exporter.model import FocusNet
from focus.exporter.training._batches import Batches
from focus.exporter.training._evaluate import read_windows
from focus.runtime import Bundle
from focus.runtime.pipeline import explain

TOP_BANDS = (5, 20)


@dataclass(frozen=True)
class Explanation:
    """Means over the lesioned windows that count (see the module's docstring).

    Attributes:
        windows: how many; without_patch: lesioned ones left out because no patch of theirs is half lesion.
        bio_random_5, bio_random_20: the BIO@k of k bands chosen at random.
    """

    windows: int
    without_patch: int
    iou: float
    auprc: float
    prevalence: float
    bio_at_5: float
    bio_random_5: float
    bio_at_20: float
    bio_random_20: float
    sink_shown: float
    sink_others: float
    collapse: float


@dataclass(frozen=True)
class Report:
    """Results of a training.

    Attributes:
        split: where it was measured: test, or val where there is no test split.
        windows: how many.
        accuracy: share of right classes; r2 and rmse: one a regression target, rmse in its unit. What does not apply is
            None or empty.
        explanation: for simulated leaves.
    """

    trainable: int
    total: int
    split: str
    windows: int
    accuracy: float | None
    targets: tuple[str, ...]
    r2: tuple[float, ...]
    rmse: tuple[float, ...]
    explanation: Explanation | None
    best_epoch: int
    epochs: int

    def to_json(self) -> dict[str, Any]:
        """Plain values, for ``json.dumps``."""
        return asdict(self)


def make_report(net: FocusNet, batches: Batches, bundle: Bundle, batch: int, *, best_epoch: int, epochs: int) -> Report:
    """Reads the test split (or validation, or training, whatever there is) and measures."""
    windows = batches.windows
    split = next(name for name in ("test", "val", "train") if len(windows.of(name)))
    chosen = windows.of(split)
    found = []
    for indices, reading in read_windows(net, batches, chosen, batch):
        logits, maps = reading.logits.float().cpu().numpy(), []
        if windows.truth is not None and windows.task == "classification":
            attention = reading.attention[-1].float().cpu().numpy(), reading.sink_mass[-1].float().cpu().numpy()
            maps = _explained(net, batches, bundle, indices, logits.argmax(axis=1), *attention)
        found.append((logits, maps))
    found = batches.processes.gathered(found)
    outputs = np.concatenate([logits for logits, _ in found])
    right: float | None = None
    r2: tuple[float, ...] = ()
    rmse: tuple[float, ...] = ()
    if windows.task == "classification":
        right = accuracy(outputs, windows.targets[chosen])
    else:
        r2, rmse = regression_errors(outputs, windows.targets[chosen], bundle)
    parameters = [value.numel() for value in net.parameters()]
    trainable = sum(value.numel() for value in net.trainable.values())
    return Report(
        trainable=trainable,
        total=sum(parameters),
        split=split,
        windows=len(chosen),
        accuracy=right,
        targets=windows.target_names,
        r2=r2,
        rmse=rmse,
        explanation=_means([row for _, maps in found for row in maps]),
        best_epoch=best_epoch,
        epochs=epochs,
    )


def regression_errors(
    outputs: NDArray[np.float32], targets: NDArray[Any], bundle: Bundle
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """R2 and RMSE of each target, in its unit.

    Args:
        outputs: float32 [M, K], standardised; targets: [M, K], in their units.
    """
    mean = np.array([target.mean for target in bundle.targets])
    deviation = np.array([target.deviation for target in bundle.targets])
    found = outputs * deviation + mean
    return tuple(r_squared(found, targets).tolist()), tuple(np.sqrt(mean_squared_error(found, targets)).tolist())


def _explained(
    net: FocusNet,
    batches: Batches,
    bundle: Bundle,
    indices: NDArray[np.int64],
    classes: NDArray[np.int64],
    attention: NDArray[np.float32],
    sink: NDArray[np.float32],
) -> list[tuple[float, ...] | None]:
    """Metrics of each lesioned window of a batch, in the order of ``Explanation``.

    None where no patch is half lesion.
    """
    truth = batches.windows.truth
    spectra = batches.inputs(indices)[0].cpu().numpy()
    heads = list(bundle.reading.heads)
    rest = [head for head in range(bundle.backbone.heads) if head not in heads] or heads
    found: list[tuple[float, ...] | None] = []
    for row, (index, chosen) in enumerate(zip(indices, classes, strict=True)):
        informative, mask = truth.informative[index], truth.lesion_share[index] >= 0.5  # type: ignore[union-attr]
        if not informative.any():
            continue
        if not mask.any():
            found.append(None)
            continue
        shown = attention[row, :, chosen]
        maps = explain(bundle, shown[heads], spectra[row], chosen)
        found.append(
            (
                matched_iou(maps.heatmap, mask),
                average_precision(maps.heatmap, mask),
                float(mask.mean()),
                *_overlaps(maps.curve, informative),
                float(sink[row, heads, chosen].mean()),
                float(sink[row, rest, chosen].mean()),
                collapse(shown[heads]),
            )
        )
    return found


def _overlaps(curve: NDArray[np.float32], informative: NDArray[np.float32]) -> list[float]:
    """BIO@k and its random value, for each k of ``TOP_BANDS`` (a sensor of fewer bands: all but one of them)."""
    found = []
    for wanted in TOP_BANDS:
        k = min(wanted, informative.size - 1)
        found += [band_overlap(curve, informative, k), random_overlap(informative.size, k)]
    return found


def _means(maps: list[tuple[float, ...] | None]) -> Explanation | None:
    rows = [row for row in maps if row is not None]
    if not rows:
        return None
    return Explanation(len(rows), len(maps) - len(rows), *np.mean(rows, axis=0).tolist())
