"""A long recording through the runtime: ``python -m focus.exporter.bench.stream FOLDER OUT CUBES THREADS``.

``focus-run`` minus its options: the same engine, pipeline and files, without torch. Only the source is ours: it plays
the prepared cubes round and round, reading each line from the file when it is due, so that thousands of cubes need no
disk and no memory of their own. Prints a line of JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from focus.exporter.bench._prepared import Prepared
from focus.exporter.bench._process import peak_mb
from focus.runtime.engines import engine_from_path
from focus.runtime.outputs import RunFolder
from focus.runtime.pipeline import Settings
from focus.runtime.runs import run_to_folder
from focus.runtime.sources import FrameMeta, SourceFacts
from focus.runtime.sources._contract import GetBuffer, Truth


class Looped:
    """A camera that sees the prepared cubes again and again.

    Args:
        prepared: the cubes.
        cubes: how many in all.
    """

    truth: Truth | None = None

    def __init__(self, prepared: Prepared, cubes: int) -> None:
        spec, rig = prepared.spec, prepared.calibration
        self._file = prepared.folder / "cubes.raw"
        self._line = np.empty((spec.bands, spec.size), np.uint16)
        self._stored = prepared.cubes * spec.size
        self.facts = SourceFacts(
            name="looped cubes",
            uri="bench:",
            wavelengths_nm=prepared.bundle.wavelengths,
            fwhm_nm=None,
            samples=spec.size,
            lines=cubes * spec.size,
            dtype=np.dtype(np.uint16),
            dark=rig.dark,
            gain=rig.gain,
            good_bands=np.ones(spec.bands, bool),
            calibration=rig,
        )

    def start(self, get_buffer: GetBuffer) -> Iterator[FrameMeta]:
        """See ``FrameSource.start``."""
        with self._file.open("rb", buffering=0) as stream:
            for number in range(self.facts.lines or 0):
                if number % self._stored == 0:
                    stream.seek(0)
                stream.readinto(memoryview(self._line.data).cast("B"))
                get_buffer()[...] = self._line
                yield FrameMeta(number, None, time.monotonic_ns(), time.time_ns())

    def close(self) -> None:
        """There is nothing to give back."""


def main() -> int:
    """Runs it; the last line of stdout says windows, seconds and peak memory."""
    folder, out, cubes, threads = sys.argv[1:5]
    prepared = Prepared(Path(folder))
    engine = engine_from_path(prepared.folder / "focus.onnx", int(threads))
    summary, _ = run_to_folder(
        Looped(prepared, int(cubes)), engine, RunFolder(out), Settings(overlap=0, threads=int(threads))
    )
    facts = {"windows": summary.windows, "seconds": summary.seconds, "peak_mb": peak_mb()}
    print(json.dumps(facts | {"torch": "torch" in sys.modules}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
