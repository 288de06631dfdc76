"""What a process can say of its own memory, and how it is kept from taking all of it."""

from __future__ import annotations

import os
import resource
from pathlib import Path


def peak_mb(pid: int | str = "self") -> float | None:
    """Largest resident memory of a running process, VmHWM, in 10^6 bytes; None when it has ended.

    Not ``ru_maxrss``: that one is inherited from the parent, and a small child of a large parent would look large.
    """
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    for line in text.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    return None


def limit_data_gb(limit: float) -> None:
    """Makes allocations of this process fail beyond so many 10^9 bytes, before the machine runs out."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = int(limit * 1e9)
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def row_environment(threads: int, folder: Path) -> dict[str, str]:
    """The environment of a row: every library takes the same number of threads, and what engines keep of compiled
    models lies beside the prepared ones, so that the user's own are not displaced.

    Args:
        folder: from ``prepare``.
    """
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    return {
        **os.environ,
        **{name: str(threads) for name in names},
        "PYTHONUNBUFFERED": "1",
        "FOCUS_CACHE": str(folder / "cache"),
    }
