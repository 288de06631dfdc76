"""A study's folder: windows, trained networks and runs, each under a digest of all that it depends on."""

from __future__ import annotations

import ast
import hashlib
import importlib.resources
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from focus.exporter.data import simulator_version
from focus.exporter.study._plan import FOCUS, Costing, Run, Training
from focus.runtime._files import write_atomically

#: Written last: what has it is finished.
FACTS, METRICS = "facts.json", "metrics.json"

#: Code that a training of simulated windows, and a run on top of it, depends on: packages, and single modules of them.
TRAINS = (
    "focus.exporter.model",
    "focus.exporter.training",
    "focus.exporter.data/_simulated.py",
    "focus.exporter.data/_trait_truth.py",
    "focus.exporter.data/_windows.py",
    "focus.exporter.metrics/_imputing.py",
    "focus.exporter.study/_networks.py",
    "focus.runtime.spectral",
)
MEASURES = (
    "focus.exporter.evaluate",
    "focus.exporter.metrics",
    "focus.exporter.data.corruptions",
    "focus.exporter.study/_heads.py",
    "focus.kernels",
    "focus.runtime/_ranks.py",
    "focus.runtime.pipeline/_read.py",
)

#: Modules of these packages that make no number.
TELLS = (
    "focus.exporter.training/_console.py",
    "focus.exporter.training/_log.py",
    "focus.exporter.evaluate/_cache.py",
    "focus.exporter.evaluate/_engine.py",
    "focus.exporter.evaluate/_plot.py",
    "focus.exporter.evaluate/_report.py",
    "focus.exporter.evaluate/_tables.py",
)

#: What the maps of a trained FOCUS are made of, and which heads those of Eq. (5) show: nothing of it is in networks of
#: other methods.
READS = ("focus.exporter.training/_heads.py", "focus.exporter.training/_shown.py")


@dataclass(frozen=True)
class Backbone:
    """The frozen backbone of a study: timm name, lines and samples of a window, weights file and its SHA-256."""

    name: str
    size: tuple[int, int]
    weights: Path
    sha256: str


class Store:
    """Where everything of a study lies.

    Args:
        folder: of the study.
        backbone: of all its networks.
    """

    def __init__(self, folder: Path, backbone: Backbone) -> None:
        self.folder, self.backbone = folder, backbone
        self.windows = folder / "data"

    def training_folder(self, training: Training) -> Path:
        """Of a trained network."""
        return self.folder / "networks" / f"{training.name}-{self._training_digest(training)}"

    def run_folder(self, run: Run | Costing) -> Path:
        """Of a run, or of a costing."""
        depends = [self._training_digest(training) for training in run.measured]
        digest = _digest({"run": run.to_json(), "trainings": depends, "code": code_version(*MEASURES)})
        return self.folder / "runs" / f"{run.name}-{digest}"

    def _training_digest(self, training: Training) -> str:
        own = () if training.network == FOCUS else ("focus.exporter.methods",)
        code = code_version(*TRAINS, *own, without=READS if training.needs_focus else ())
        return _digest(
            {
                "training": asdict(replace(training, settings=training.own_settings)),
                "backbone": [self.backbone.name, *self.backbone.size, self.backbone.sha256],
                "simulator": _simulator(),
                "code": code,
            }
        )


def read_json(path: Path) -> dict[str, Any] | None:
    """A file's values; None where there is none, or half of one."""
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return found


def write_json(path: Path, values: Any) -> None:
    """Writes values when they are whole; a number that there is not becomes null."""
    write_atomically(path, (json.dumps(_known(values), indent=1, allow_nan=False) + "\n").encode())


def _known(values: Any) -> Any:
    if isinstance(values, Mapping):
        return {key: _known(value) for key, value in values.items()}
    if isinstance(values, (list, tuple)):
        return [_known(value) for value in values]
    return None if isinstance(values, float) and not math.isfinite(values) else values


@cache
def code_version(*names: str, without: tuple[str, ...] = ()) -> str:
    """A digest of source without comments, docstrings and modules that make no number: other code, other results.

    Args:
        names: packages, or modules as ``package/module.py``; without: modules that are left out beside ``TELLS``.
    """
    digest = hashlib.sha256()
    for wanted in names:
        package, _, module = wanted.partition("/")
        for name, text in sorted(_sources(Path(str(importlib.resources.files(package))))):
            if module not in ("", name) or f"{package}/{name}" in (*TELLS, *without):
                continue
            tree = ast.parse(text)
            for node in ast.walk(tree):
                body = getattr(node, "body", None)
                if isinstance(body, list) and body and _is_docstring(body[0]):
                    node.body = body[1:] or [ast.Pass()]  # type: ignore[attr-defined]
            digest.update(f"{package}/{name}\n{ast.unparse(tree)}\n".encode())
    return digest.hexdigest()[:16]


@cache
def _simulator() -> str:
    return simulator_version()


def _sources(folder: Path, above: str = "") -> list[tuple[str, str]]:
    found = []
    for entry in folder.iterdir():
        name = f"{above}{entry.name}"
        if entry.is_dir() and entry.name != "__pycache__":
            found += _sources(entry, f"{name}/")
        elif name.endswith(".py"):
            found.append((name, entry.read_text(encoding="utf-8")))
    return found


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _digest(values: Any) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()[:12]
