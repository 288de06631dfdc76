"""Everything that a run leaves on disk."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from focus.runtime._files import file_sha256
from focus.runtime.engines import Engine, ModelFile
from focus.runtime.outputs._contract import BaseSink, MapSink
from focus.runtime.outputs._curve import CurveSink
from focus.runtime.outputs._envi import EnviWriter
from focus.runtime.outputs._files import writing
from focus.runtime.outputs._folder import RECORD
from focus.runtime.outputs._maps import CollectedMap, SaliencyCubeSink, SaliencySink, ScoresSink
from focus.runtime.outputs._preview import Preview
from focus.runtime.outputs._score import lesion_iou
from focus.runtime.outputs._windows import WindowsSink, utc_text
from focus.runtime.pipeline import MapRow, Plan, Reading, RunSummary

#: Version of the record's layout.
RECORD_VERSION = 1


@dataclass(frozen=True)
class RunFacts:
    """What the record says beside plan and summary.

    Attributes:
        started_ns: UTC, nanoseconds since 1970.
        model: the model's file.
        backend: what ran it, and ``precision`` what it computed in.
    """

    started_ns: int
    model: ModelFile
    backend: str
    precision: str

    @classmethod
    def of_engine(cls, engine: Engine) -> RunFacts:
        """A run that starts now."""
        return cls(time.time_ns(), engine.file, engine.name, engine.precision)


@dataclass
class Results:
    """What a run left, for whoever asked for it.

    Attributes:
        files: names of the files, in the order of interest.
        lesion_iou: see ``lesion_iou``; empty where the truth is not known.
    """

    files: list[str] = field(default_factory=list)
    lesion_iou: dict[str, float] = field(default_factory=dict)


class RunWriter(BaseSink):
    """A sink that writes all files of a run into one folder; the record comes last.

    Args:
        folder: an empty folder.
        facts: see ``RunFacts``.
        with_cube: whether T is written.
    Attributes:
        results: after ``finish``.
    """

    def __init__(self, folder: Path, facts: RunFacts, *, with_cube: bool) -> None:
        self.results = Results()
        self._folder, self._facts = folder, facts
        self._preview, self._curves, self._heatmap = Preview(), CurveSink(folder), CollectedMap()
        self._sinks: list[MapSink] = [
            self._preview, self._curves, SaliencySink(folder), ScoresSink(folder), WindowsSink(folder)
        ]  # fmt: skip
        if with_cube:
            self._sinks.append(SaliencyCubeSink(folder))

    def start(self, plan: Plan) -> None:
        """See ``MapSink.start``."""
        self._plan = plan
        if plan.truth is not None:
            self._sinks.append(self._heatmap)
        for sink in self._sinks:
            sink.start(plan)

    def add_window(self, reading: Reading) -> None:
        """See ``MapSink.add_window``."""
        for sink in self._sinks:
            sink.add_window(reading)

    def add_row(self, row: MapRow) -> None:
        """See ``MapSink.add_row``."""
        for sink in self._sinks:
            sink.add_row(row)

    def finish(self, summary: RunSummary) -> None:
        """See ``MapSink.finish``."""
        # matplotlib takes half a second to import, which a run that fails early need not wait for.
        from focus.runtime.outputs._pictures import Pictures

        for sink in self._sinks:
            sink.finish(summary)
            sink.close()
        self._write_truth()
        found = self.results.lesion_iou
        Pictures(self._folder, self._plan, self._preview, self._curves, summary, found).write()
        self._write_record(summary)

    def close(self) -> None:
        """See ``MapSink.close``."""
        for sink in self._sinks:
            sink.close()

    def _write_truth(self) -> None:
        truth = self._plan.truth
        if truth is None:
            return
        # A live simulation may end early; what was seen is scored.
        lines = len(self._heatmap.heatmap)
        seen = type(truth)(truth.class_names, truth.leaf_class[:lines], truth.lesion_class[:lines])
        self.results.lesion_iou = lesion_iou(self._heatmap.heatmap, seen)
        writer = EnviWriter(self._folder, "truth", 2, seen.lesion_class.shape[1], np.int16)
        writer.append(np.stack([seen.lesion_class, seen.leaf_class], axis=1))
        names = ", ".join(f"{index} {name}" for index, name in enumerate(truth.class_names))
        writer.finish(f"true classes: {names}, -1 none", {"band names": ["lesion class", "leaf class"]})

    def _write_record(self, summary: RunSummary) -> None:
        first = ["overview.png", "overlay.png", "curve.png", "quicklook.png"]
        others = sorted(path.name for path in self._folder.iterdir() if path.name not in first)
        self.results.files = [*first, *others, RECORD]
        record = _record(self._plan, self._facts, summary, self.results)
        path = self._folder / RECORD
        with writing(path):
            path.write_text(json.dumps(record, indent=2) + "\n")


def _record(plan: Plan, facts: RunFacts, summary: RunSummary, results: Results) -> dict[str, Any]:
    source, calibration = plan.source, plan.source.calibration
    recorded = source.file is not None and source.file.is_file()
    return {
        "record_version": RECORD_VERSION,
        "utc_start": utc_text(facts.started_ns),
        "utc_end": utc_text(time.time_ns()),
        "model": {
            "name": plan.bundle.name,
            "file": facts.model.path.name,
            "sha256": facts.model.sha256,
            "backend": facts.backend,
            "precision": facts.precision,
            "checkpoint_sha256": plan.bundle.checkpoint_sha256,
            "task": plan.bundle.task,
            "targets": list(plan.bundle.class_names),
        },
        "source": {
            "uri": source.uri,
            "sha256": file_sha256(source.file) if source.file and recorded else None,
            **_plain(source.provenance),
        },
        "calibration": None
        if calibration is None
        else {"sha256": calibration.sha256, "panel": calibration.panel, **_plain(calibration.origin)},
        "settings": {
            **asdict(plan.settings),
            "patch": plan.bundle.backbone.patch,
            "window": list(plan.bundle.window),
        },
        "summary": {**asdict(summary), "windows_per_second": summary.windows_per_second},
        "lesion_iou": results.lesion_iou,
        "versions": {
            **{name: _version(name) for name in ("focus-hsi", "onnxruntime", "openvino", "numpy", "numba")},
            "python": platform.python_version(),
            "machine": platform.machine(),
        },
        "files": results.files,
    }


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in ("uri", "sha256", "panel")}


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
