"""``focus-run`` as users start it: how long until the first map, and how much memory, also after many cubes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from focus.exporter.bench._process import peak_mb, row_environment
from focus.exporter.bench._rounds import OK, Row, Tell
from focus.exporter.bench._settings import BenchSettings
from focus.exporter.bench._specs import COMMAND_ROWS

#: Cubes of the short run that the long one is compared with: enough for every buffer to be in use.
SHORT_CUBES = 20

#: How often a running process is looked at.
LOOK_S = 0.005

COMMAND = "import sys; from focus.runtime.commands.run import main; sys.exit(main())"


def measure_focus_run(model: str, folder: Path, settings: BenchSettings, tell: Tell) -> Row:
    """Starts ``focus-run`` on a recording of one window, raw counts, and watches it from outside.

    ``first_map_s`` is from the start of the process until the heatmap's file holds something, ``median_ms`` until the
    command has ended and all files are in place. The first start is not counted: it fills the caches.
    """
    row: Row = {"name": "focus_run", "model": model, "what": COMMAND_ROWS["focus_run"], "state": OK}
    starts = []
    for number in range(1 + settings.starts):
        tell(
            f"focus-run: start {number} of {settings.starts}" if number else "focus-run: a first start fills the caches"
        )
        out = folder / "focus-run"
        shutil.rmtree(out, ignore_errors=True)
        found = _start(folder, out, settings)
        if "note" in found:
            return row | {"state": "failed", **found}
        if number:
            starts.append(found)
    shutil.rmtree(out, ignore_errors=True)
    whole = [found["seconds"] for found in starts]
    return row | {
        "median_ms": 1e3 * float(np.median(whole)),
        "p99_ms": 1e3 * float(np.percentile(whole, 99)),
        "first_map_s": float(np.median([found["first_map_s"] for found in starts])),
        "peak_mb": max(found["peak_mb"] for found in starts),
        "runs": len(starts),
    }


def _start(folder: Path, out: Path, settings: BenchSettings) -> Row:
    log = folder / "focus_run.log"
    words = ["--engine", folder / "focus.onnx", "--camera", f"replay:{folder / 'window.hdr'}", "--out", out]
    words += ["--calibration", folder / "rig.focuscal", "--overlap", "0", "--threads", settings.threads, "--quiet"]
    peak, first = 0.0, None
    start = time.perf_counter()
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, *map(str, words)],
            stdout=file,
            stderr=subprocess.STDOUT,
            env=row_environment(settings.threads, folder),
        )
        while process.poll() is None:
            peak = max(peak, peak_mb(process.pid) or 0.0)
            if first is None and _has_map(out):
                first = time.perf_counter() - start
            if time.perf_counter() - start > settings.start_limit_s:
                process.kill()
            time.sleep(LOOK_S)
    seconds = time.perf_counter() - start
    if process.returncode:
        lines = log.read_text(errors="replace").strip().splitlines()
        return {"note": f"ended with {process.returncode}: {lines[-1][:300] if lines else 'no message'}"}
    return {"seconds": seconds, "first_map_s": seconds if first is None else first, "peak_mb": peak}


def _has_map(out: Path) -> bool:
    """Whether the run's folder, finished or still under its hidden name, holds a part of the heatmap."""
    folders = [out, *out.parent.glob(f".{out.name}.*")]
    files = [path for folder in folders for path in folder.glob("saliency*") if path.suffix != ".hdr"]
    return any(_size(path) > 0 for path in files)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # it was just moved into place
        return 0


def measure_long_run(model: str, folder: Path, settings: BenchSettings, tell: Tell) -> Row:
    """A short and a long recording through the same pipeline and files, see ``stream``; ``median_ms`` is per cube."""
    row: Row = {"name": "focus_run_long", "model": model, "what": COMMAND_ROWS["focus_run_long"], "state": OK}
    found = {}
    for cubes in (min(SHORT_CUBES, settings.long_cubes), settings.long_cubes):
        tell(f"focus-run: {cubes} cubes in one run")
        found[cubes] = _stream(folder, cubes, settings)
        if "note" in found[cubes]:
            return row | {"state": "failed", **found[cubes]}
    short, long = found[min(found)], found[max(found)]
    return row | {
        "cubes": int(long["windows"]),
        "median_ms": 1e3 * long["seconds"] / long["windows"],
        "peak_mb": long["peak_mb"],
        "short_cubes": int(short["windows"]),
        "short_peak_mb": short["peak_mb"],
        "runs": 1,
    }


def _stream(folder: Path, cubes: int, settings: BenchSettings) -> Row:
    out = folder / "focus-run-long"
    shutil.rmtree(out, ignore_errors=True)
    words = [str(word) for word in (folder, out, cubes, settings.threads)]
    done = subprocess.run(
        [sys.executable, "-m", "focus.exporter.bench.stream", *words],
        capture_output=True,
        text=True,
        check=False,
        env=row_environment(settings.threads, folder),
    )
    shutil.rmtree(out, ignore_errors=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        return {"note": f"ended with {done.returncode}: {lines[-1][:300] if lines else 'no message'}"}
    found: Row = json.loads(done.stdout.strip().splitlines()[-1])
    if found.pop("torch"):
        return {"note": "its process imports torch, which an edge device does not have"}
    return found
