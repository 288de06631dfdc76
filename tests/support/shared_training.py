"""Small trainings in the processes that torchrun starts: ``shared_training.py FOLDER STEP...``

Steps are ``whole`` (a training), ``resume`` (goes on with one that was killed) and ``dies`` (process 1 is killed in the
second epoch).
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from focus.exporter.commands._torchrun import run_shared
from focus.exporter.model._backbone import OWN_BACKBONES
from focus.exporter.training import Mode, TrainSettings, make_fabric, train
from support.nets import small_backbone
from support.windows import small_windows

#: 22 windows in batches of 8: three batches of 8, 7 and 7, so that shares differ by a window.
SETTINGS = TrainSettings(groups=5, epochs=3, batch=8, lr=1e-2, precision="fp32", seed=1)
NAME = "small"
OWN = {"patch_size": 6, "embed_dim": 32, "depth": 3, "num_heads": 4}


def small_training(out: Path, mode: Mode = "new", kill_in: int | None = None) -> None:
    """Trains; ``kill_in`` names the epoch, counted from 1, in the middle of which this process is killed."""
    per_epoch = 3

    def tell(done: int, total: int, words: str) -> None:
        if kill_in is not None and done == (kill_in - 1) * per_epoch + 2:
            os.kill(os.getpid(), signal.SIGKILL)

    fabric = make_fabric(SETTINGS.precision)
    train(small_windows((22, 9, 9)), small_backbone(), NAME, SETTINGS, out, mode=mode, tell=tell, fabric=fabric)


def main() -> int:
    OWN_BACKBONES[NAME] = OWN
    folder, *steps = sys.argv[1:]
    for step in steps:
        out = Path(folder) / f"{step}.pt"
        dies = step == "dies" and os.environ["RANK"] == "1"
        small_training(out, "resume" if step == "resume" else "new", kill_in=2 if dies else None)
    return 0


if __name__ == "__main__":
    sys.exit(run_shared("shared-training", main, "and --resume goes on from it"))
