"""Whether the framed byte stream holds a camera's rate, from socket to band means: python benchmarks/stream_rate.py

camera-sim plays a Specim FX10 and an FX17 into a Unix socket from a process of its own, and loses every line that is
not taken within a second. Here each line is taken, calibrated and ingested, as focus-run does before the network.
With --record DIR the raw lines are recorded there, too, and flushed every 5 s. Prints lines a second, lines lost, and
the share of a core that each side took.
"""

from __future__ import annotations

import argparse
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from focus.kernels import LineIngest, prepare
from focus.runtime import Calibration
from focus.runtime._processor import usable_cores
from focus.runtime.outputs import OpenFiles, RecordSink
from focus.runtime.outputs._options import CAMERA_FSYNC_S
from focus.runtime.pipeline._capture import Capture
from focus.runtime.pipeline._data import BUFFER_BYTES, LineCounts
from focus.runtime.sources import FrameSource, SourceOptions, source_from_uri
from focus.runtime.spectral import composite_weights


class Camera(NamedTuple):
    """Size and rate of a camera."""

    name: str
    bands: int
    samples: int
    lines_per_second: float


CAMERAS = (Camera("Specim FX10", 224, 1024, 330.0), Camera("Specim FX17", 224, 640, 670.0))

#: Lines of a row of patches.
PATCH = 16


class Held(NamedTuple):
    """What came of one camera.

    Attributes:
        counts: of the lines.
        seconds: from the first row of patches to the last.
        reader_cores, writer_cores: processor time over that time.
        said: the writer's own account.
    """

    counts: LineCounts
    seconds: float
    reader_cores: float
    writer_cores: float
    said: str


def measure(camera: Camera, seconds: float, threads: int, record: Path | None = None) -> Held:
    """Plays a camera for some time and takes its lines, and records them in a folder, if one is named."""
    prepare(np.uint16)
    with tempfile.TemporaryDirectory() as folder:
        place, rig = f"unix:{folder}/camera", Path(folder) / "rig.focuscal"
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        with _writer(camera, seconds, place, rig) as writer:
            while not rig.is_file():
                time.sleep(0.01)
            source = source_from_uri(place, SourceOptions(calibration=Calibration.load(rig)))
            counts, took, busy = _take(source, threads, record)
            said = writer.communicate()[1].splitlines()[-1]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    written = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Held(counts, took, busy / took, written / took, said)


def _writer(camera: Camera, seconds: float, place: str, rig: Path) -> subprocess.Popen[str]:
    code = "import sys; from focus.runtime.commands.run import main; sys.exit(main(['camera-sim', *sys.argv[1:]]))"
    lines = round(seconds * camera.lines_per_second)
    size = f"{camera.bands}x{camera.samples}"
    wanted = ["--size", size, "--lines-per-second", str(camera.lines_per_second), "--lines", str(lines), "--drop"]
    command = [sys.executable, "-c", code, "--to", place, "--calibration-out", str(rig), *wanted]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def _take(source: FrameSource, threads: int, record: Path | None) -> tuple[LineCounts, float, float]:
    """All lines through capture and ingest; what became of them, how long it took, and the processor time."""
    facts = source.facts
    shape = PATCH, facts.bands, facts.samples
    places = BUFFER_BYTES // (math.prod(shape) * facts.dtype.itemsize)
    memory = [np.zeros(shape, facts.dtype) for _ in range(places)]
    capture = Capture(source, PATCH, 1, memory, "live")
    ingest = LineIngest(
        facts.samples,
        PATCH,
        composite_weights(facts.wavelengths_nm),
        dark=facts.dark,
        gain=facts.gain,
        used=facts.good_bands,
        bits=facts.bits,
        shift=facts.shift,
        threads=threads,
    )
    sink = None
    if record is not None:
        files = OpenFiles(record, CAMERA_FSYNC_S)
        sink = RecordSink(files)
        sink.begin(facts)
    start, busy = time.perf_counter(), time.process_time()
    for strip in capture.strips():
        if sink is not None:
            sink.add_strip(strip)
        if strip.lines == PATCH and strip.arrived.all():
            ingest.add(strip.raw)
        strip.release()
    if sink is not None:
        files.close()
    return capture.counts, time.perf_counter() - start, time.process_time() - busy


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark; 1 where a line was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0, metavar="N", help="for each camera (10)")
    parser.add_argument("--threads", type=int, default=usable_cores(), metavar="N", help="of ingest (all cores)")
    parser.add_argument("--record", type=Path, metavar="DIR", help="also record the raw lines into DIR/CAMERA")
    args = parser.parse_args(argv)
    worst = 0
    for camera in CAMERAS:
        folder = None if args.record is None else args.record / camera.name
        if folder is not None:
            folder.mkdir(parents=True)
        held = measure(camera, args.seconds, args.threads, folder)
        counts, wanted = held.counts, round(args.seconds * camera.lines_per_second)
        lost = wanted - counts.received
        worst = max(worst, lost)
        rate = counts.received / held.seconds
        megabytes = rate * camera.bands * camera.samples * 2 / 1e6
        print(
            f"{camera.name} {camera.bands} x {camera.samples} uint16: {rate:.1f} lines/s "
            f"({megabytes:.0f} MB/s), {counts.received} of {wanted} received, {lost} lost, "
            f"reader {held.reader_cores:.2f} cores, writer {held.writer_cores:.2f} cores"
        )
        print(f"    {held.said}")
    return 1 if worst else 0


if __name__ == "__main__":
    sys.exit(main())
