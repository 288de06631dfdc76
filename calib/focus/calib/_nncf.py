"""NNCF, without what it would do beside quantising."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator
from types import ModuleType


@contextlib.contextmanager
def nncf_alone() -> Iterator[ModuleType]:
    """NNCF for as long as the block lasts, with three habits off.

    - It reports each use over the network unless it finds no ``openvino_telemetry``: a device in the field must not.
    - It loads torch where that is installed, which takes seconds and is not needed for ONNX.
    - It draws progress bars on stdout that cannot be switched off.

    Raises:
        ModuleNotFoundError: NNCF is not installed.
    """
    hidden = {"openvino_telemetry": sys.modules.get("openvino_telemetry")}
    if "torch" not in sys.modules:
        hidden["torch"] = None
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # Python's own way to make an import fail
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            import nncf

            nncf.set_log_level(40)
            yield nncf
    finally:
        for name, module in hidden.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
