"""A rig for a while, with a camera that is killed now and then: python benchmarks/rig.py --minutes 5

camera-sim plays leaves into a Unix socket, focus-run reads them with the shipped model. Every few seconds the camera is
killed or, every other time, frozen, stays away, and comes back. Prints how long it took until the loss was said and
until lines came again, lines lost on the way, memory, threads and open files at the start and at the end, and whether
every segment's counts add up.
"""

from __future__ import annotations

import argparse
import csv
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

CODE = "import sys; from focus.runtime.commands.run import main; sys.exit(main(sys.argv[1:]))"

#: How long anything may take before the benchmark gives up.
LIMIT_S = 60.0


class Sample(NamedTuple):
    """What a process holds."""

    megabytes: float
    threads: int
    files: int


class Run:
    """focus-run in a process of its own, and what it says, with the time at which it was heard."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-c", CODE, *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.heard: list[tuple[float, str]] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.heard.append((time.monotonic(), line.strip()))

    def hears(self, words: str, after: float) -> float:
        """When it said these words; waits for it."""
        while time.monotonic() - after < LIMIT_S:
            for heard, line in list(self.heard):
                if heard >= after and words in line:
                    return heard
            time.sleep(0.005)
        raise SystemExit(f"focus-run did not say {words!r}; it said {[line for _, line in self.heard][-5:]}")

    def sample(self) -> Sample:
        """What it holds now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        fields = dict(line.split(":", 1) for line in status.splitlines())
        files = len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))
        return Sample(int(fields["VmRSS"].split()[0]) / 1024, int(fields["Threads"]), files)


def camera(uri: str, rig: Path, lines_per_second: float) -> subprocess.Popen[str]:
    """A camera that sends leaves for ever."""
    arguments = [
        "camera-sim",
        "--to",
        uri,
        "--from",
        "sim:leaves=4",
        "--loop",
        "--calibration-out",
        str(rig),
        "--quiet",
    ]
    command = [sys.executable, "-c", CODE, *arguments, "--lines-per-second", f"{lines_per_second:g}", "--drop"]
    return subprocess.Popen(command, text=True)


def listening(uri: str) -> float:
    """When somebody listens at a Unix socket."""
    start = time.monotonic()
    while time.monotonic() - start < LIMIT_S:
        if f" {uri.removeprefix('unix:')}\n" in Path("/proc/net/unix").read_text():
            return time.monotonic()
        time.sleep(0.005)
    raise SystemExit(f"nobody listens at {uri}")


def first_line_after(segment: Path, start: float) -> float:
    """Monotonic time at which a segment's first line came, by the table of its recording."""
    table = segment / "raw.lines.csv"
    while time.monotonic() - start < LIMIT_S:
        if table.is_file():
            with table.open() as file:
                for row in csv.DictReader(file):
                    if row["monotonic_ns"]:
                        return int(row["monotonic_ns"]) / 1e9
        time.sleep(0.005)
    raise SystemExit(f"no line came into {segment}")


def measure(folder: Path, args: argparse.Namespace) -> int:
    """Runs it and prints what came of it; 1 where something does not add up."""
    uri, rig, out = f"unix:{folder}/camera", folder / "rig.focuscal", folder / "out"
    eye = camera(uri, rig, args.rate)
    while not rig.is_file():
        time.sleep(0.05)
    options = [
        "--calibration",
        str(rig),
        "--record",
        "--overlap",
        "0",
        "--policy",
        "live",
        "--threads",
        str(args.threads),
    ]
    started = time.monotonic()
    run = Run("--camera", uri, "--out", str(out), *options)
    said, back, samples = [], [], []
    number, end = 1, time.monotonic() + 60 * args.minutes
    try:
        run.hears("segment-0001", started)
        while time.monotonic() < end:
            time.sleep(args.every)
            samples.append(run.sample())
            killed = time.monotonic()
            eye.send_signal(signal.SIGSTOP if number % 2 == 0 else signal.SIGKILL)
            said.append(run.hears("trying again", killed) - killed)
            eye.kill()
            eye.wait()
            time.sleep(args.away)
            number += 1
            eye = camera(uri, rig, args.rate)
            returned = listening(uri)
            run.hears(f"segment-{number:04d}", killed)
            back.append(first_line_after(out / f"segment-{number:04d}", killed) - returned)
        run.process.terminate()
        code = run.process.wait(LIMIT_S)
    finally:
        eye.kill()
        run.process.kill()
    return report(out, code, said, back, samples)


def report(out: Path, code: int, said: list[float], back: list[float], samples: list[Sample]) -> int:
    """Prints it."""
    record = json.loads((out / "run.json").read_text())
    wrong = [part["folder"] for part in record["segments"] if not adds_up(out / part["folder"], part)]
    received, missing = (sum(part[name] for part in record["segments"]) for name in ("received", "missing"))
    print(f"{len(said)} losses, {len(record['segments'])} segments, exit code {code}, state {record['state']}")
    print(f"loss said after: median {statistics.median(said):.2f} s, longest {max(said):.2f} s")
    print(f"first line after the camera was back: median {statistics.median(back):.2f} s, longest {max(back):.2f} s")
    print(f"lines: {received} received, {missing} missing within segments")
    for name, sample in (("after the first part", samples[0]), ("at the end", samples[-1])):
        print(f"{name}: {sample.megabytes:.0f} MB, {sample.threads} threads, {sample.files} open files")
    print(f"segments whose counts do not add up: {', '.join(wrong) or 'none'}")
    return 1 if wrong or code else 0


def adds_up(segment: Path, part: dict[str, int]) -> bool:
    """Whether received + missing + rejected = last - first + 1, and the recording holds as many lines."""
    with (segment / "raw.lines.csv").open() as file:
        sequences = [int(row["sequence"]) for row in csv.DictReader(file)]
    counted = part["received"] + part["missing"] + part["rejected"]
    return counted == sequences[-1] - sequences[0] + 1 == len(sequences)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=2.0, metavar="N", help="how long (2)")
    parser.add_argument("--every", type=float, default=10.0, metavar="S", help="seconds between two losses (10)")
    parser.add_argument("--away", type=float, default=2.0, metavar="S", help="how long the camera stays away (2)")
    parser.add_argument("--rate", type=float, default=100.0, metavar="R", help="lines a second (100)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="threads of focus-run (1)")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        return measure(Path(folder), args)


if __name__ == "__main__":
    sys.exit(main())
