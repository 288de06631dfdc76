"""``python benchmarks/monitor_check``, from anywhere; FOCUS need not be installed."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[1]
ROOTS = ("kernels", "runtime", "exporter", "calib")

if __name__ == "__main__":
    sys.path[0] = str(BENCHMARKS)
    if find_spec("focus") is None:
        sys.path[1:1] = [str(BENCHMARKS.parent / root) for root in ROOTS]
    from monitor_check._main import main

    sys.exit(main())
