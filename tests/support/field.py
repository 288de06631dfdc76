"""A rig in processes of its own: a camera over a Unix socket, and focus-run at its other end."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time

from focus.runtime.cubes import write_npz
from support.scenes import cube
from support.toy_model import Toy

CODE = "import sys; from focus.runtime.commands.run import main; sys.exit(main(sys.argv[1:]))"


#: Lines that the camera sends again and again, and their samples.
LINES, SAMPLES = 40, 20


def started(*arguments, within=()):
    """A focus-run in a process of its own; ``within`` is another command that runs what follows it."""
    command = [*map(str, within), sys.executable, "-c", CODE, *map(str, arguments)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


class Field:
    """A rig: a camera over a Unix socket, and focus-run at its other end."""

    def __init__(self, folder):
        self.folder, self.uri, self.out = folder, f"unix:{folder}/camera", folder / "out"
        self.model = Toy().save(folder / "toy.onnx")
        write_npz(cube(LINES, SAMPLES), folder / "leaf.npz")
        self.said, self.running, self.readers = [], [], []

    def camera(self, rate=100, *more):
        leaf = f"replay:{self.folder}/leaf.npz"
        writer = started("camera-sim", "--to", self.uri, "--from", leaf, "--loop", "--lines-per-second", rate, *more)
        self.running.append(writer)
        return writer

    def run(self, *more, within=(), uri=None):
        given = ("--engine", self.model, "--camera", uri or self.uri, "--out", self.out, "--backend", "onnxruntime")
        run = started(*given, *more, within=within)
        self.running.append(run)
        reader = threading.Thread(target=lambda: self.said.extend(run.stderr), daemon=True)
        reader.start()
        self.readers.append(reader)
        return run

    def wait_for(self, condition, what):
        end = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < end, f"{what} did not happen; {self.said}"
            time.sleep(0.02)

    def heard(self, words, count=1):
        self.wait_for(lambda: sum(words in line for line in self.said) >= count, words)

    def windows(self, segment):
        table = self.out / f"segment-{segment:04d}" / "windows.csv"
        self.wait_for(lambda: table.exists() and len(table.read_text().splitlines()) > 3, f"windows of {segment}")

    def record(self, part=""):
        return json.loads((self.out / part / "run.json").read_text())

    def close(self):
        for process in self.running:
            process.kill()
            process.wait()
        for reader in self.readers:
            reader.join(10)
        for process in self.running:
            process.stdout.close()
            process.stderr.close()
