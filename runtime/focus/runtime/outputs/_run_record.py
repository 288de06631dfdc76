"""``run.json``: what was run, how far it is, and how it went."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from math import isfinite
from pathlib import Path
from typing import Any, Literal

from focus.runtime._files import file_sha256, write_atomically
from focus.runtime.engines import Engine, ModelFile
from focus.runtime.outputs._folder import RECORD
from focus.runtime.outputs._utc import utc_text
from focus.runtime.pipeline import Plan, RunSummary

#: Version of the record's layout.
RECORD_VERSION = 2

#: ``running`` stays where a run was killed. ``complete``: to the end of the source; ``ended``: before that, yet all
#: that was taken is there; ``broken off``: by an error.
State = Literal["running", "complete", "ended", "broken off"]


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
        monitor: see ``Monitor.to_json``; empty where the run did not finish.
        positions: where they came from, and how many; empty without ``--gps``.
        unmeasured: a line on bands of the model that the source does not have; empty where it has all.
    """

    files: list[str] = field(default_factory=list)
    lesion_iou: dict[str, float] = field(default_factory=dict)
    monitor: dict[str, Any] = field(default_factory=dict)
    positions: dict[str, Any] = field(default_factory=dict)
    unmeasured: str = ""


class RunRecord:
    """Writes the record, and replaces it at once: whoever reads it finds the old one or the new one.

    Args:
        folder: where.
        plan: what is run.
        facts: see ``RunFacts``.
    """

    def __init__(self, folder: Path, plan: Plan, facts: RunFacts) -> None:
        self._path, self._plan, self._facts = folder / RECORD, plan, facts

    def begin(self) -> None:
        """The run begins."""
        self._write("running", None, None, Results())

    def end(self, summary: RunSummary, results: Results) -> None:
        """The run is over, and everything else is written."""
        self._write("complete" if summary.ended is None else "ended", summary.ended, summary, results)

    def break_off(self, reason: str) -> None:
        """The run failed."""
        self._write("broken off", reason, None, Results())

    def _write(self, state: State, ended: str | None, summary: RunSummary | None, results: Results) -> None:
        over = None if state == "running" else time.time_ns()
        record = {
            "record_version": RECORD_VERSION,
            "state": state,
            "ended": ended,
            "utc_start": utc_text(self._facts.started_ns),
            "utc_end": utc_text(over),
            **what_was_run(self._plan, self._facts, hashed=summary is not None),
            "summary": None if summary is None else _of_summary(summary),
            "monitor": results.monitor,
            "positions": results.positions,
            "lesion_iou": results.lesion_iou,
            "files": results.files,
        }
        write_atomically(self._path, (json.dumps(record, indent=2) + "\n").encode())


def _of_summary(summary: RunSummary) -> dict[str, Any]:
    # JSON has no word for the scores of a network that overflows.
    scores = {name: score if isfinite(score) else None for name, score in summary.mean_scores.items()}
    return {**asdict(summary), "mean_scores": scores, "windows_per_second": summary.windows_per_second}


def unmeasured_bands(plan: Plan) -> str:
    """A line on the model's bands that are not measured; empty where all are."""
    lost = plan.unmeasured_nm
    if not lost.size:
        return ""
    return (
        f"{lost.size} of the model's {plan.bundle.bands} bands, from {lost[0]:.0f} to {lost[-1]:.0f} nm, are bad bands "
        f"of {plan.source.name}: the answer is made without them, and may be another one"
    )


def what_was_run(plan: Plan, facts: RunFacts, *, hashed: bool) -> dict[str, Any]:
    """What was run on what, as JSON values.

    The source is hashed once it was read, because that takes as long as reading it.
    """
    source, calibration = plan.source, plan.source.calibration
    hashed = hashed and source.file is not None and source.file.is_file()
    return {
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
            "sha256": file_sha256(source.file) if source.file and hashed else None,
            **_plain(source.provenance),
            "resampled": source.resampling is not None,
            "unmeasured_nm": plan.unmeasured_nm.tolist(),
        },
        "calibration": None if calibration is None else calibration.record,
        "settings": {
            **asdict(plan.settings),
            "patch": plan.bundle.backbone.patch,
            "window": list(plan.bundle.window),
        },
        "versions": {
            **{name: _version(name) for name in ("focus-hsi", "onnxruntime", "openvino", "numpy", "numba")},
            "python": platform.python_version(),
            "machine": platform.machine(),
        },
    }


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in ("uri", "sha256")}


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
