"""The Python way to what ``focus-run`` does, on a cube in memory or on disk."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from focus.runtime._bundle import Bundle
from focus.runtime._calibration import Calibration
from focus.runtime.cubes import Cube, open_cube
from focus.runtime.engines import Engine, engine_from_path
from focus.runtime.monitor import Monitor, warnings_of
from focus.runtime.outputs import (
    BaseSink,
    CollectedMap,
    Curves,
    Results,
    RunFacts,
    RunFolder,
    RunWriter,
)
from focus.runtime.outputs._run_record import unmeasured_bands
from focus.runtime.pipeline import MapRow, Plan, Reading, RunSummary, Settings, Window, run_pipeline
from focus.runtime.sources import Bands, Replay


@dataclass(frozen=True)
class Model:
    """A trained model, ready to explain cubes.

    Attributes:
        engine: what runs it.
        threads: threads of ingest; None takes the cores this process may use.
    """

    engine: Engine
    threads: int | None = None

    @classmethod
    def from_path(
        cls, path: Path | str | None = None, threads: int | None = None, *, backend: str | None = None
    ) -> Model:
        """Opens a model.

        Args:
            path: a ``.onnx`` from focus-export; None takes the shipped model.
            threads: threads of ingest and of the network; None takes the cores this process may use.
            backend: ``openvino`` or ``onnxruntime``; None takes the faster one that is installed.
        Raises:
            BundleError: the file is missing, damaged, or not ours.
        """
        return cls(engine_from_path(path, threads, backend=backend), threads)

    @property
    def bundle(self) -> Bundle:
        """Everything that is known of the model: bands, classes, groups."""
        return self.engine.bundle


class _Recording(BaseSink):
    """Keeps what a run told its sinks, so that another sink can be told the same later."""

    def __init__(self) -> None:
        self.told: list[Reading | Window | MapRow] = []

    def start(self, plan: Plan) -> None:
        """See ``MapSink.start``."""
        self.plan = plan

    def add_window(self, reading: Reading) -> None:
        """See ``MapSink.add_window``."""
        self.told.append(reading)

    def add_skipped(self, window: Window) -> None:
        """See ``MapSink.add_skipped``."""
        self.told.append(window)

    def add_row(self, row: MapRow) -> None:
        """See ``MapSink.add_row``."""
        self.told.append(row)

    def tell(self, sink: RunWriter, summary: RunSummary) -> None:
        """Tells another sink all of it."""
        try:
            sink.start(self.plan)
            for item in self.told:
                if isinstance(item, Reading):
                    sink.add_window(item)
                elif isinstance(item, Window):
                    sink.add_skipped(item)
                else:
                    sink.add_row(item)
            sink.finish(summary)
        finally:
            sink.close()


class MonitorWarning(UserWarning):
    """Something would make the maps lie; docs/monitor.md says what, and the way out."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """What the model says of a cube, where it looked, and at which wavelengths.

    Attributes:
        scores: mean score of each class (or mean prediction of each target) over the windows.
        predicted: the class with the highest mean score, or None for regression.
        heatmap: float32 [lines, samples], M; nan where masked.
        curve: float32 [C], B over the model's bands.
        wavelengths_nm: float64 [C], of the curve.
        cube: float32 [C, rows, columns], T on the patch grid, if it was asked for.
        readings: what the network said of each window.
        summary: how the run went.
        warnings: what would make the maps lie, a line a flag of the monitor; ``explain`` warns of each.
    """

    scores: dict[str, float]
    predicted: str | None
    heatmap: NDArray[np.float32]
    curve: NDArray[np.float32]
    wavelengths_nm: NDArray[np.float64]
    cube: NDArray[np.float32] | None
    readings: tuple[Reading, ...]
    summary: RunSummary
    warnings: tuple[str, ...]
    _recording: _Recording
    _facts: RunFacts

    def save(self, folder: Path | str, *, overwrite: bool = False) -> Results:
        """Writes the files that ``focus-run --out`` writes.

        Args:
            folder: must be empty or not exist.
            overwrite: replace an earlier run that is there.
        Raises:
            OutputError: it holds something, or what was explained; or cannot be written.
        """
        with RunFolder(folder, overwrite=overwrite, read=[self._recording.plan.source.file]) as target:
            writer = RunWriter(target.path, self._facts, with_cube=self.cube is not None)
            self._recording.tell(writer, self.summary)
        return writer.results


def explain(
    cube: Cube | Path | str,
    model: Model | Path | str | None = None,
    *,
    shown: str | None = None,
    with_cube: bool = False,
    overlap: int | None = None,
    calibration: Calibration | Path | str | None = None,
    resample: bool = False,
) -> Explanation:
    """Runs a cube of any size through a model, window by window; the same code as ``focus-run --camera replay:``.

    Args:
        cube: reflectance, or counts with a calibration (``cube.with_quantity`` states what a file does not say); or
            its file, see ``open_cube``.
        model: a model, or its file; None takes the shipped one.
        shown: class or target to explain; None takes each window's predicted class.
        with_cube: also keep T.
        overlap: patches that neighbouring windows share; None takes half a window.
        calibration: makes reflectance of counts; or its file.
        resample: resample the cube to the model's bands.
    Warns:
        MonitorWarning: something would make the maps lie, see ``Explanation.warnings``.
    Raises:
        CubeError: the file cannot be read, the cube's quantity is not known, or nothing in it is valid.
        BundleError: the cube's bands are not the model's.
        ValueError: a class or an overlap that does not exist.
        TypeError: neither a cube nor a file's name.
    """
    if not isinstance(cube, Cube | Path | str):
        raise TypeError(
            f"explain takes a Cube or a file's name, got {type(cube).__name__}; Cube(values, wavelengths_nm)"
        )
    chosen = model if isinstance(model, Model) else Model.from_path(model)
    if isinstance(calibration, Path | str):
        calibration = Calibration.load(calibration)
    bundle = chosen.bundle
    held = cube if isinstance(cube, Cube) else open_cube(cube)
    source = Replay(held, calibration=calibration)
    if resample:
        source.facts = Bands.of_model(chosen.bundle).made_of(source.facts)
    facts = RunFacts.of_engine(chosen.engine)
    recording, heatmap, curves, monitor = _Recording(), CollectedMap(), Curves(), Monitor()
    settings = Settings(shown, overlap, with_cube=with_cube, threads=chosen.threads)
    summary = run_pipeline(source, chosen.engine, [monitor, recording, heatmap, curves], settings)
    unmeasured = unmeasured_bands(recording.plan)
    found = (*([unmeasured] if unmeasured else []), *warnings_of([monitor.to_json()]))
    for line in found:
        warnings.warn(line, MonitorWarning, stacklevel=2)
    rows = [item for item in recording.told if isinstance(item, MapRow)]
    cubes = [row.cube for row in rows if row.cube is not None]
    classes = bundle.task == "classification"
    return Explanation(
        scores=summary.mean_scores,
        predicted=max(summary.mean_scores, key=summary.mean_scores.__getitem__) if classes else None,
        heatmap=heatmap.heatmap,
        curve=curves.overall,
        wavelengths_nm=bundle.wavelengths,
        cube=np.stack(cubes, axis=1) if cubes else None,
        readings=tuple(item for item in recording.told if isinstance(item, Reading)),
        summary=summary,
        warnings=found,
        _recording=recording,
        _facts=facts,
    )
