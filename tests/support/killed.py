"""What must be there after a run was killed, and rounds of it: ``python -m support.killed --rounds 50``."""

from __future__ import annotations

import argparse
import csv
import json
import random
import signal
import sys
import tempfile
import time
import warnings
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import spectral.io.envi
import tifffile
from numpy.typing import NDArray

from focus.runtime import open_cube
from focus.runtime.commands.run import main
from focus.runtime.cubes._map import open_map
from focus.runtime.sources import read_lines
from support.field import LINES, SAMPLES, Field
from support.scenes import cube

#: Lines of a patch, and lines from one window to the next below, of the toy model.
PATCH, STEP = 4, 8

OPTIONS = (
    ("--record", "--cube", "--fsync", "never"),
    ("--record", "--cube", "--fsync", "0.02"),
    ("--record", "--cube", "--fsync", "window"),
    ("--record", "--cube", "--fsync", "never", "--format", "bigtiff"),
)


def killed_run(folder: Path, options: tuple[str, ...], wait_s: float) -> Path:
    """A run on an endless camera that is killed so long after its first windows; returns the segment's folder."""
    with closing(Field(folder)) as field:
        field.camera(250)
        run = field.run("--buffer", 4000, *options)  # no line is given up, so no window is skipped
        field.windows(1)
        time.sleep(wait_s)
        run.send_signal(signal.SIGKILL)
        run.wait()
        assert run.returncode == -signal.SIGKILL, field.said
        assert field.record()["state"] == field.record("segment-0001")["state"] == "running"
    return field.out / "segment-0001"


def killed_at_the_start(folder: Path, options: tuple[str, ...], wait_s: float) -> Path:
    """A run that is killed so long after its segment was made, whatever is in it by then."""
    with closing(Field(folder)) as field:
        field.camera(250)
        run = field.run(*options)
        segment = field.out / "segment-0001"
        field.wait_for(segment.exists, "a segment")
        time.sleep(wait_s)
        run.send_signal(signal.SIGKILL)
        run.wait()
    return Path(segment)


def require_what_is_there_opens(segment: Path) -> list[str]:
    """Whatever a run had time to make opens; returns the names."""
    for path in segment.iterdir():
        if path.name.startswith("."):  # on its way to become a file
            continue
        if path.suffix == ".json":
            assert json.loads(path.read_text())["state"] == "running"
        elif path.suffix == ".csv":
            text = path.read_text()
            assert text == "" or "\n" in text
            list(csv.DictReader(text.splitlines()))
        elif path.suffix in (".hdr", ".tif"):
            assert len(opened_map(segment, path.stem))
    return sorted(path.name for path in segment.iterdir())


def require_readable(segment: Path, *, whole: bool = False) -> dict[str, int]:
    """Every file opens, and at most the last window is missing (none of a ``whole`` run); returns how much there is."""
    table = windows(segment)
    maps = {name: opened_map(segment, name) for name in ("saliency", "scores", "saliency-cube")}
    raw = opened_envi(segment, "raw")
    lines = list(read_lines(segment / "raw.lines.csv"))
    found = {"windows": len(table), "lines": len(raw), **{name: len(values) for name, values in maps.items()}}

    # Rows above a window are written before the window is, and further ones, as far as the next one, after it.
    last = int(table[-1]["first_line"])
    rows = len(maps["scores"])
    if whole:
        assert len(maps["saliency"]) == len(raw) == len(lines) and rows == -(-len(raw) // PATCH), found
    else:
        assert last <= rows * PATCH <= last + STEP, found
    assert (rows - 1) * PATCH <= len(maps["saliency"]) <= rows * PATCH, found
    assert rows - 1 <= len(maps["saliency-cube"]) <= rows, found
    assert len(lines) >= len(raw) >= last + int(table[-1]["lines"]), found

    leaf = cube(LINES, SAMPLES).values.transpose(1, 0, 2)
    for line, recorded in zip(raw, lines, strict=False):
        expected = leaf[recorded.sequence % LINES] if recorded.state == "received" else np.zeros_like(leaf[0])
        np.testing.assert_array_equal(line, expected)
    return found


def require_replays(segment: Path, model: Path, folder: Path) -> None:
    """The recording gives the very maps and windows that were written before the kill."""
    arguments = ["--engine", str(model), "--camera", f"replay:{segment / 'raw.hdr'}", "--out", str(folder)]
    assert main([*arguments, "--backend", "onnxruntime", "--cube", "--quiet"]) == 0
    for name in ("saliency", "scores", "saliency-cube"):
        written = opened_map(segment, name)
        np.testing.assert_array_equal(opened_envi(folder, name)[: len(written)], written)
    for ours, theirs in zip(windows(folder), windows(segment), strict=False):
        assert ours == theirs


def windows(folder: Path) -> list[dict[str, str]]:
    """The whole rows; a last one without an end is not one."""
    text = (folder / "windows.csv").read_text()
    rows = list(csv.DictReader(text[: text.rindex("\n")].splitlines()))
    assert all(None not in row.values() and None not in row for row in rows)
    assert [int(row["window"]) for row in rows] == list(range(len(rows)))
    return rows


def opened_map(folder: Path, name: str) -> NDArray[Any]:
    """[lines, bands, samples], whichever format it has; `tifffile` and our own reader find the same."""
    path = folder / f"{name}.tif"
    if not path.exists():
        return opened_envi(folder, name)
    theirs = np.asarray(tifffile.imread(path))
    values = theirs[:, None] if theirs.ndim == 2 else theirs.transpose(0, 2, 1)
    np.testing.assert_array_equal(own_values(path), values.transpose(1, 0, 2))
    return values


def own_values(path: Path) -> NDArray[Any]:
    """[bands, lines, samples] as our own reader finds them, of maps without wavelengths and of cubes."""
    shown = open_map(path)
    return open_cube(path).values if shown is None else shown.values


def opened_envi(folder: Path, name: str) -> NDArray[Any]:
    """[lines, bands, samples]; `spectral` and our own reader find the same."""
    header = folder / f"{name}.hdr"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        image = spectral.io.envi.open(str(header))
    theirs = np.asarray(image.open_memmap(interleave="bip"))
    np.testing.assert_array_equal(own_values(header), theirs.transpose(2, 0, 1))
    return theirs.transpose(0, 2, 1)


def _rounds(count: int, seed: int) -> None:
    chance = random.Random(seed)
    for number in range(count):
        options, wait_s = OPTIONS[number % len(OPTIONS)], chance.uniform(0, 1.5)
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            segment = killed_run(folder, options, wait_s)
            found = require_readable(segment)
            require_replays(segment, folder / "toy.onnx", folder / "replayed")
        print(f"{number + 1}/{count} killed after {wait_s:.3f} s, {' '.join(options[2:])}: {found}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Kill focus-run at random times and read what it left.")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    _rounds(args.rounds, args.seed)
    print(f"{args.rounds} kills: every file opened, at most the last window was missing, every recording replayed")
    sys.exit(0)
