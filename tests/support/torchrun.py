"""Starts ``torchrun`` as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence


def torchrun(arguments: Sequence[str], processes: int = 2) -> subprocess.CompletedProcess[str]:
    """Several processes on this machine, over gloo; never more than three minutes."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.run(
        [*command, *arguments], env=environment, capture_output=True, text=True, timeout=180, check=False
    )
