"""What passes between the stages of the pipeline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from focus.runtime._bundle import Bundle
from focus.runtime.sources import FrameMeta, LineState, SourceFacts, Truth

Array = NDArray[np.float32]

#: Where lines come faster than they are read: the source waits, the stream ends, or the oldest are given up.
Policy = Literal["wait", "record", "live"]
POLICIES: tuple[str, ...] = get_args(Policy)

#: Memory for a camera's lines that wait: as many as these bytes hold, but no fewer rows of patches, and no more lines.
BUFFER_BYTES, LEAST_ROWS, MOST_LINES = 128 * 2**20, 16, 1024

#: What may be wrong with a sample. Elements without a gain are told apart by the calibration, lines that were lost or
#: damaged by the assembler; the others are counted by ingest.
FAULTS = ("saturated", "below_dark", "low_denominator", "bad_pixel", "not_finite", "missing_line")


@dataclass(frozen=True)
class Settings:
    """Choices of a run.

    Attributes:
        shown: class or target to explain; None takes each window's predicted class (regression: the first target).
        overlap: patches that neighbouring windows share, in both directions; None takes half a window.
        stride: rows of patches from one window to the next below; None is what ``overlap`` leaves.
        with_cube: whether the saliency cube T is wanted.
        batch: windows that the network reads at once; 1 gives the first map soonest.
        threads: threads of ingest; None takes the cores this process may use.
        policy: see ``Capture``; None lets a file wait, and records a camera.
        buffer: lines that may wait between source and ingest; None takes 2 rows of patches for a file, and for a camera
            what ``BUFFER_BYTES`` hold.
    """

    shown: str | None = None
    overlap: int | None = None
    stride: int | None = None
    with_cube: bool = False
    batch: int = 1
    threads: int | None = None
    policy: Policy | None = None
    buffer: int | None = None


@dataclass
class LineCounts:
    """What became of the lines: received + missing + rejected = last - first sequence number + 1.

    Attributes:
        dropped: of those missing, how many had come and were given up (``--policy live``).
    """

    first_sequence: int = 0
    received: int = 0
    missing: int = 0
    rejected: int = 0
    dropped: int = 0

    def give_up(self, count: int) -> None:
        """Lines that had come are not read."""
        self.received -= count
        self.missing += count
        self.dropped += count

    @property
    def lines(self) -> int:
        """Lines of the scene, filled ones included."""
        return self.received + self.missing + self.rejected

    def joined(self, later: LineCounts) -> LineCounts:
        """The lines of both."""
        return LineCounts(
            self.first_sequence,
            self.received + later.received,
            self.missing + later.missing,
            self.rejected + later.rejected,
            self.dropped + later.dropped,
        )


class Times(NamedTuple):
    """UTC in nanoseconds since 1970 of the first and the last line that arrived; None where none did."""

    first_ns: int | None
    last_ns: int | None

    def joined(self, other: Times) -> Times:
        """The span of both."""
        starts = [time for time in (self.first_ns, other.first_ns) if time is not None]
        ends = [time for time in (self.last_ns, other.last_ns) if time is not None]
        return Times(min(starts, default=None), max(ends, default=None))


@dataclass(frozen=True, eq=False)
class Strip:
    """One row of patches, as raw samples.

    Attributes:
        row: which row of patches.
        raw: [C, patch, samples], the source's dtype; only the lines that arrived mean anything.
        arrived: bool [patch], False where a line was lost, damaged, or lies beyond the scene.
        metas: of those of its lines that belong to the scene, None for one that never came; none at all for a row
            that only fills up a window.
        first_sequence: sequence number of its first line.
        place: which of the pipeline's arrays its samples lie in; -1 where none arrived.
        release: to be called when its samples were read; they may be overwritten from then on.
        snapshot: which snapshot cube it belongs to, counted from the first one; None for push-broom.
        begins, ends: whether it is the first, the last row of its cube.
    """

    row: int
    raw: NDArray[Any]
    arrived: NDArray[np.bool_]
    metas: tuple[FrameMeta | None, ...]
    first_sequence: int
    place: int
    release: Callable[[], None]
    snapshot: int | None = None
    begins: bool = False
    ends: bool = False

    @property
    def lines(self) -> int:
        """How many of its lines belong to the scene."""
        return len(self.metas)

    @property
    def states(self) -> tuple[LineState, ...]:
        """What became of each of them."""
        return tuple(map(_state, self.metas, self.arrived.tolist()))

    @property
    def times(self) -> Times:
        """Of the lines that came."""
        utc_ns = [meta.utc_ns for meta in self.metas if meta is not None]
        return Times(min(utc_ns, default=None), max(utc_ns, default=None))


def _state(meta: FrameMeta | None, arrived: bool) -> LineState:
    if meta is None:
        return "missing"
    if not meta.intact:
        return "rejected"
    return "received" if arrived else "dropped"


@dataclass(frozen=True, eq=False)
class PatchRow:
    """One row of patches, as the network reads it. A raw sample is read once for it, however much the windows overlap.

    Attributes:
        row: which row of patches.
        held: what the reader keeps of it; on the host the band means, float32 [columns, C], x^.
        composite: float32 [3, patch, columns * patch], reflectance.
        valid_share: float32 [columns], share of the patch's samples that were measured and valid.
        faults: int32 [columns, 6], samples with each of ``FAULTS``.
        mask: bool [patch, columns * patch], True where a sample was measured in at least one good band.
        lines: how many of its lines belong to the scene.
        first_sequence: sequence number of its first line.
        times: of its lines.
        snapshot, ends: see ``Strip``.
    """

    row: int
    held: Any
    composite: Array
    valid_share: Array
    faults: NDArray[np.int32]
    mask: NDArray[np.bool_]
    lines: int
    first_sequence: int
    times: Times
    snapshot: int | None = None
    ends: bool = False


@dataclass(frozen=True, eq=False)
class Window:
    """What the network reads at once: its place in the scene, and how good it is. N patches are numbered row by row.

    Attributes:
        index: number of the window, in the order of reading.
        first_row, first_column: place on the scene's patch grid.
        first_line, first_sample: place in the scene.
        valid_share: float32 [N].
        faults: share of the window's samples for each of ``FAULTS``.
        lines: how many of its lines belong to the scene.
        first_sequence: sequence number of its first line; the last one's is first_sequence + lines - 1.
        times: of its lines.
        snapshot: see ``Strip``; no window mixes two cubes.
    """

    index: int
    first_row: int
    first_column: int
    first_line: int
    first_sample: int
    valid_share: Array
    faults: tuple[float, ...]
    lines: int
    first_sequence: int
    times: Times
    snapshot: int | None = None


class Cut(NamedTuple):
    """A window with what there is to read in it. Only the pipeline holds it, as long as it has to.

    Attributes:
        window: which.
        rows: its rows of patches, as wide as the scene.
    """

    window: Window
    rows: tuple[PatchRow, ...]


@dataclass(frozen=True, eq=False)
class Reading:
    """What the network said of a window.

    Attributes:
        window: the window.
        scores: float32 [K], softmax of the logits; for regression the targets in their units.
        predicted: index of the highest score, or None for regression.
        shown: index of the class or target whose maps these are.
        heatmap: float32 [N], M.
        curve: float32 [C], B.
        cube: float32 [C, N], T, or None.
        sink_mass: mean attention of the shown class's prompts to [SINK].
        collapse: 1 - sum_i A_i + max_i A_i, A the shown class's attention to patches, mean over heads and groups.
        band_means: float32 [N, C], x^ as the network read it, 0 where a patch has no valid sample; None where it stays
            on a GPU.
    """

    window: Window
    scores: Array
    predicted: int | None
    shown: int
    heatmap: Array
    curve: Array
    cube: Array | None
    sink_mass: float
    collapse: float
    band_means: Array | None = None


@dataclass(frozen=True, eq=False)
class MapRow:
    """A finished row of patches: no further window touches it. Padding is cut off; what no window could see is nan.

    Attributes:
        row: which row of patches.
        lines: how many lines it covers.
        heatmap: float32 [columns], M, nan where the patch is masked.
        scores: float32 [K, columns], nan where no window covers the patch.
        cube: float32 [C, columns], T, or None.
        composite: float32 [3, lines, samples], reflectance.
        mask: bool [lines, samples].
        band_means: float32 [columns, C], x^ of the patches, or None where they stay on a GPU.
        snapshot: see ``Strip``.
    """

    row: int
    lines: int
    heatmap: Array
    scores: Array
    cube: Array | None
    composite: Array
    mask: NDArray[np.bool_]
    band_means: Array | None = None
    snapshot: int | None = None


@dataclass(frozen=True, eq=False)
class Plan:
    """What a run is going to do; sinks get it before the first row.

    Attributes:
        bundle: the model's facts.
        source: the source's facts.
        truth: what a simulation knows, or None.
        settings: the user's choices.
        columns: columns of the scene's patch grid.
        shown: index of the class or target that was asked for, or None for the predicted one.
    """

    bundle: Bundle
    source: SourceFacts
    truth: Truth | None
    settings: Settings
    columns: int
    shown: int | None

    @property
    def unmeasured_nm(self) -> NDArray[np.float64]:
        """Bands of the model that the source has marked as bad, or has too few good ones to make them of, in nm."""
        source = self.source
        good = source.good_bands if source.resampling is None else source.resampling @ source.good_bands >= 0.5 - 1e-6
        return self.bundle.wavelengths[~good]

    @property
    def policy(self) -> Policy:
        """What happens where lines come faster than they are read."""
        recording = self.source.lines is not None or self.source.file is not None  # also one that is played for ever
        return self.settings.policy or ("wait" if recording else "record")

    @property
    def places(self) -> int:
        """Rows of patches that the pipeline has memory for: one is filled, one is read, others may wait."""
        patch, source = self.bundle.backbone.patch, self.source
        if self.settings.buffer is not None:
            return 2 + -(-self.settings.buffer // patch)
        if source.lines is not None:
            return 4
        line = source.bands * source.samples * source.dtype.itemsize
        # The lines of a snapshot cube come all at once, however long there is until the next one.
        cubes = 2 * -(-(source.cube_lines or 0) // patch)
        return 2 + max(LEAST_ROWS, min(BUFFER_BYTES // line, MOST_LINES) // patch, cubes)


@dataclass(frozen=True)
class RunSummary:
    """How a run went.

    Attributes:
        windows: windows that the network read.
        skipped: windows without any valid sample, which it did not read.
        lines, samples: size of the scene.
        counts: what became of the lines.
        seconds: from the first line to the last row.
        ended: why the stream ended before the source did, for people; None if it did not.
        lost: whether that is because the camera was lost.
        class_counts: windows predicted as each class (empty for regression).
        mean_scores: mean score of each class or target over the windows.
        valid_share: share of the scene's samples that were measured.
    """

    windows: int
    skipped: int
    lines: int
    samples: int
    counts: LineCounts
    seconds: float
    class_counts: dict[str, int] = field(default_factory=dict)
    mean_scores: dict[str, float] = field(default_factory=dict)
    valid_share: float = 1.0
    ended: str | None = None
    lost: bool = False

    @property
    def windows_per_second(self) -> float:
        """Cubes a second: windows through the whole pipeline, files included."""
        return self.windows / self.seconds if self.seconds > 0 else 0.0
