"""The whole run: prepare, measure, sum up, write."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from focus.exporter.bench._focus_run import measure_focus_run, measure_long_run
from focus.exporter.bench._machine import machine_facts
from focus.exporter.bench._prepare import prepare
from focus.exporter.bench._ratios import other_ratios, targets_from_rows
from focus.exporter.bench._rounds import Row, Tell, measure_rows
from focus.exporter.bench._settings import BenchSettings
from focus.exporter.bench._specs import ROWS, SWEEP
from focus.exporter.bench._sweep import measure_sweep
from focus.runtime._files import write_atomically

#: Of the JSON's layout.
SCHEMA_VERSION = 1


def run_bench(settings: BenchSettings, tell: Tell) -> dict[str, Any]:
    """Measures everything that the settings ask for.

    Args:
        settings: see ``BenchSettings``.
        tell: gets a line now and then, about what is being done.
    Returns: what goes into the JSON: ``machine``, ``settings``, ``models``, ``rows``, ``ratios``, ``targets``.
    """
    started = datetime.now(timezone.utc).isoformat(timespec="seconds")
    rows: list[Row] = []
    chosen = [row for row in ROWS if row.name in settings.rows]
    for model in settings.models:
        tell(f"{model.name}: making networks, ONNX files and cubes")
        folder = prepare(model, settings.cubes, settings.work / model.name).folder
        rows += measure_rows(model.name, folder, chosen, settings, tell)
    last = settings.models[-1].name
    folder = settings.work / last
    if "focus_run" in settings.rows:
        rows.append(measure_focus_run(last, folder, settings, tell))
    if "focus_run_long" in settings.rows:
        rows.append(measure_long_run(last, folder, settings, tell))
    for spec in SWEEP if settings.bands else ():
        if spec.name in settings.rows:
            rows += measure_sweep(spec, folder, settings, tell)
    targets = targets_from_rows(rows, last)
    ratios = {target.name: target.value for target in targets} | other_ratios(rows, last)
    return {
        "schema_version": SCHEMA_VERSION,
        "started_utc": started,
        "machine": machine_facts(settings.threads),
        "settings": _settings(settings),
        "models": [asdict(model) | {"weights": Path(model.weights).name or "random"} for model in settings.models],
        "rows": rows,
        "ratios_of": last,
        "ratios": ratios,
        "targets": [target.as_json() for target in targets],
    }


def write_json(result: dict[str, Any], path: Path) -> None:
    """Writes the result; what is no finite number becomes null, as JSON wants it.

    Raises:
        OutputError: it cannot be written there.
    """
    write_atomically(path, (json.dumps(_finite(result), indent=2, allow_nan=False) + "\n").encode())


def _settings(settings: BenchSettings) -> dict[str, Any]:
    kept = asdict(settings)
    del kept["work"], kept["models"]
    return kept


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
