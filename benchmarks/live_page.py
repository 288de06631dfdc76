"""What the live page costs a run: python benchmarks/live_page.py

Lines, windows and maps of the shipped model's size come at the pace and width of a Specim FX10 and FX17, with nobody
looking and with pages open (programs that read what a page reads, in a process of their own). Prints the time that the
sink takes of the pipeline for each line, the longest single call, and the share of a core that sink and server take.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from focus.runtime.engines import engine_from_path
from focus.runtime.pipeline import FAULTS, MapRow, Plan, Reading, Settings, Strip, Times, Window
from focus.runtime.serve import Address, LiveServer, LiveSink
from focus.runtime.sources import FrameMeta, SourceFacts

CAMERAS = (("Specim FX10", 1024, 330.0), ("Specim FX17", 640, 670.0))

#: Reads the events, and the rows that they tell of, as a page does.
READER = """
import json, sys, urllib.request
url, known = sys.argv[1], -1
for line in urllib.request.urlopen(url + "api/events"):
    if line.startswith(b"data: "):
        newest = json.loads(line[6:])["last_row"]
        while known < newest:
            packed = urllib.request.urlopen(f"{url}api/rows?after={known}").read()
            known = json.loads(packed[4 : 4 + int.from_bytes(packed[:4], "little")])["rows"][-1]
"""


def plan_of(samples: int) -> Plan:
    """The shipped model before an endless stream of that width."""
    bundle = engine_from_path(None).bundle
    ones = np.ones((bundle.bands, 1), np.float32)
    facts = SourceFacts(
        "benchmark", "benchmark:", bundle.wavelengths, None, samples, None, np.dtype(np.uint16), 0 * ones, ones,
        np.ones(bundle.bands, bool),
    )  # fmt: skip
    return Plan(bundle, facts, None, Settings(), -(-samples // bundle.backbone.patch), None)


@dataclass
class Timed:
    """Adds up the time of calls."""

    total_s: float = 0.0
    longest_s: float = 0.0

    def call(self, function: Callable[[Any], None], argument: Any) -> None:
        """Calls it."""
        start = time.perf_counter()
        function(argument)
        took = time.perf_counter() - start
        self.total_s, self.longest_s = self.total_s + took, max(self.longest_s, took)


def play(plan: Plan, sink: LiveSink, lines_per_second: float, seconds: float) -> tuple[int, Timed, float]:
    """Plays lines at their pace; how many, the time in the sink, and processor time of the whole process."""
    backbone, samples, bands = plan.bundle.backbone, plan.source.samples, plan.bundle.bands
    patch, columns = backbone.patch, -(-samples // backbone.patch)
    rng, timed = np.random.default_rng(0), Timed()
    raw = np.zeros((bands, patch, samples), np.uint16)
    composite, mask = rng.random((3, patch, samples), np.float32), np.ones((patch, samples), bool)
    scores, patches = np.full(len(plan.bundle.targets), 0.3, np.float32), backbone.rows * backbone.columns
    sink.start(plan)
    start, busy = time.perf_counter(), time.process_time()
    count = int(seconds * lines_per_second / patch)
    for row in range(count):
        time.sleep(max(start + (row + 1) * patch / lines_per_second - time.perf_counter(), 0))
        metas = tuple(FrameMeta(row * patch + k, None, time.monotonic_ns(), time.time_ns()) for k in range(patch))
        timed.call(sink.add_strip, Strip(row, raw, np.ones(patch, bool), metas, row * patch, 0, lambda: None))
        if row % (backbone.rows // 2) == 0:
            for column in range(0, columns - backbone.columns + 1, backbone.columns // 2):
                window = Window(
                    row, row, column, row * patch, column * patch, np.ones(patches, np.float32), (0.0,) * len(FAULTS),
                    patch, row * patch, Times(None, None),
                )  # fmt: skip
                curve = rng.random(bands, np.float32)
                reading = Reading(window, scores, 0, 0, np.ones(patches, np.float32), curve, None, 0.1, 0.2)
                timed.call(sink.add_window, reading)
        means = rng.random((columns, bands), np.float32)
        heat, of_patches = rng.random(columns, np.float32), np.tile(scores[:, None], columns)
        timed.call(sink.add_row, MapRow(row, patch, heat, of_patches, None, composite, mask, means))
    return count * patch, timed, time.process_time() - busy


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0, metavar="N", help="for each figure (10)")
    parser.add_argument("--pages", type=int, default=3, metavar="N", help="pages that are open (3)")
    args = parser.parse_args(argv)
    for name, samples, pace in CAMERAS:
        plan = plan_of(samples)
        for pages in (0, args.pages):
            with TemporaryDirectory() as folder:
                sink = LiveSink(Path(folder))
                with LiveServer(sink, Address("127.0.0.1", 0)) as server:
                    code = [sys.executable, "-c", READER, server.url]
                    readers = [subprocess.Popen(code, stderr=subprocess.DEVNULL) for _ in range(pages)]
                    lines, timed, busy_s = play(plan, sink, pace, args.seconds)
                    for reader in readers:
                        reader.kill()
                        reader.wait()
            print(
                f"{name}, {samples} samples, {pace:.0f} lines/s, {pages} pages: {1e6 * timed.total_s / lines:.1f} us a "
                f"line in the sink ({timed.total_s / lines * pace:.2%} of the time), longest call "
                f"{1e3 * timed.longest_s:.1f} ms, {busy_s / (lines / pace):.3f} cores with the server"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
