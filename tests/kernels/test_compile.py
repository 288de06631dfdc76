"""Machines on which nothing can be kept still compute."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np

from focus.kernels import ingest
from focus.kernels._compile import compiled

# numba looks for a folder when a function is decorated; here it finds none.
NOWHERE = """
from numba.core import caching
caching.CacheImpl._locator_classes = []
import numpy as np
from focus.kernels import saliency
print(saliency(np.ones((1, 1, 2), "f4"), np.ones((2, 3), "f4"), np.ones(3), np.ones(1)).heatmap)
"""


def test_goes_on_where_no_folder_can_be_written():
    done = subprocess.run([sys.executable, "-c", NOWHERE], capture_output=True, text=True, check=False)
    assert done.stdout == "[3. 3.]\n", done.stderr


def test_goes_on_where_the_disk_is_full(monkeypatch):
    from numba.core.caching import IndexDataCacheFile

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(IndexDataCacheFile, "save", full)

    def twice(value):
        return 2 * value

    assert compiled(twice)(21) == 42


KEPT = """
from focus.kernels._compile import compiled

@compiled
def twice(value):
    return 2 * value

print(twice(21), twice._cache_hits)
"""


def test_what_cannot_be_read_is_compiled_anew(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(KEPT)

    def run() -> str:
        done = subprocess.run(
            [sys.executable, script],
            env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "kept")},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout or done.stderr

    assert run() == "42 Counter()\n"
    assert "Counter({" in run()
    for kind in ("nbc", "nbi"):
        for file in tmp_path.rglob(f"*.{kind}"):
            file.write_bytes(file.read_bytes()[:-20])
        assert run() == "42 Counter()\n"
    assert "Counter({" in run()


def test_a_forked_child_has_threads_of_its_own():
    raw = np.random.default_rng(0).integers(0, 99, (40, 64, 96)).astype(np.uint16)
    expected = ingest(raw, 16, np.ones((3, 40)), threads=2)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        found = ingest(raw, 16, np.ones((3, 40)), threads=2)
        os.write(writing, b"y" if np.array_equal(found.band_means, expected.band_means) else b"n")
        os._exit(0)
    os.close(writing)
    try:
        import select

        ready, _, _ = select.select([reading], [], [], 20)
        assert ready, "the child waits for threads that it does not have"
        assert os.read(reading, 1) == b"y"
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
        os.close(reading)
