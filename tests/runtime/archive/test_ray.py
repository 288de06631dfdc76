"""An archive on a real Ray of two workers: one is killed in the middle, and so is the run itself."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
import zarr

from focus.runtime.archive._worker import _digest
from focus.runtime.cubes import write_npz
from support.scenes import cube
from support.toy_model import Toy

pytestmark = pytest.mark.slow

#: Ray starts in some seconds; a machine that does much else takes longer.
PATIENCE_S = 150.0

WHOLE = ("plot/leaf-1.npz", "plot/leaf-2.npz", "plot/leaf-3.npz")
BROKEN, HELD = "broken.npz", "held.npz"


class Runs:
    """focus-map over an archive in which one cube is broken, and one is a pipe, so that its reader waits."""

    def __init__(self, folder: Path, temporary: Path) -> None:
        self.folder, self.archive, self.out = folder, folder / "archive", folder / "maps.zarr"
        self.environment = {
            **os.environ, "TMPDIR": str(temporary), "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }  # fmt: skip
        (self.archive / "plot").mkdir(parents=True)
        self.model = Toy().save(folder / "toy.onnx")
        for seed, name in enumerate(WHOLE):
            write_npz(cube(seed=seed), self.archive / name)
        (self.archive / BROKEN).write_bytes(b"PK\x03\x04")
        os.mkfifo(self.archive / HELD)

    def start(self) -> subprocess.Popen[str]:
        options = ["--engine", str(self.model), "--out", str(self.out), "--backend", "onnxruntime"]
        processes = ["--threads", "1", "--workers", "2"]
        command = [sys.executable, "-m", "focus.runtime.commands.map", str(self.archive), *options, *processes]
        return subprocess.Popen(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder
        )

    def manifest(self) -> list[dict[str, object]]:
        path = self.folder / "maps.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()[1:]] if path.exists() else []

    def hold(self) -> int:
        """The other end of the pipe, once a worker reads it: as long as it is open the worker waits; 0 before."""
        try:
            return os.open(self.archive / HELD, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return 0

    def holder(self) -> int:
        """The process of that worker, as its note says."""
        return int((self.folder / ".maps.zarr.parts" / f"{_digest(HELD)}.tries").read_text().split()[1])

    def mend_the_pipe(self) -> None:
        write_npz(cube(seed=9), self.folder / "whole.npz")
        (self.folder / "whole.npz").replace(self.archive / HELD)


def until(condition, run):  # type: ignore[no-untyped-def]
    """What the condition gives, once that is true."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        assert run is None or run.poll() is None, run.communicate()
        time.sleep(0.05)
    raise AssertionError("nothing happened")


def processes_of(temporary: Path) -> list[int]:
    """Processes that were started with this folder for temporary files."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if str(temporary) in path.read_bytes().decode(errors="replace"):
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def workers_of(temporary: Path) -> list[int]:
    """Those of them that read cubes."""
    found = []
    for pid in processes_of(temporary):
        try:
            if "MapWorker" in Path(f"/proc/{pid}/cmdline").read_text():
                found.append(pid)
        except OSError:
            continue
    return found


@pytest.fixture(scope="module")
def temporary():  # type: ignore[no-untyped-def]
    """Short, as Ray's sockets lie in it."""
    folder = Path(tempfile.mkdtemp(prefix="fm-", dir="/tmp"))
    yield folder
    for pid in processes_of(folder):
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


def test_what_is_killed_goes_on_and_loses_nothing(tmp_path: Path, temporary: Path) -> None:
    runs = Runs(tmp_path, temporary)

    killed = runs.start()
    pipe = until(runs.hold, killed)
    until(lambda: len(runs.manifest()) == 4, killed)
    killed.kill()
    killed.communicate()
    os.close(pipe)
    until(lambda: not workers_of(temporary), None)
    agents = set(processes_of(temporary))  # Ray's own, which take a minute to see that they are alone
    before = runs.manifest()
    assert {line["cube"]: line["state"] for line in before} == {**dict.fromkeys(WHOLE, "done"), BROKEN: "failed"}
    assert not (runs.out / HELD).exists()

    again = runs.start()
    pipe = until(runs.hold, again)
    runs.mend_the_pipe()
    os.kill(runs.holder(), signal.SIGKILL)
    os.close(pipe)
    said, complained = again.communicate(timeout=PATIENCE_S)
    assert again.returncode == 1
    assert said.splitlines()[0] == "5 cubes: 1 to read, 3 done, 1 failed before"
    assert said.splitlines()[1] == "begun more than once, as a worker died or its machine failed: 1"
    assert said.splitlines()[2].startswith("4 done, 1 failed; --retry-failed tries them again; ")
    assert complained.startswith("failed: broken.npz: broken.npz cannot be read as NPZ")
    assert complained.count("\n") == 1, complained
    assert runs.manifest()[:4] == before
    (held,) = runs.manifest()[4:]
    assert (held["cube"], held["state"], held["tries"]) == (HELD, "done", 2)

    for name in (*WHOLE, HELD):
        group = zarr.open_group(str(runs.out / name), mode="r")
        assert group["M"].shape == (8, 10)
        assert group["B"].shape == (held["windows"], 12)
    assert {path.name for path in runs.out.iterdir()} == {"zarr.json", "plot", HELD}
    assert {path.name for path in tmp_path.iterdir()} == {"archive", "maps.jsonl", "maps.zarr", "toy.onnx"}
    until(lambda: agents.issuperset(processes_of(temporary)), None)
