"""One message for the missing half."""

from __future__ import annotations

from importlib.util import find_spec

from focus.runtime import FocusError


def require_torch() -> None:
    """Names the extra that is missing.

    Raises:
        FocusError: torch, timm or onnx is not installed.
    """
    missing = [name for name in ("torch", "timm", "onnx", "onnxscript", "safetensors") if find_spec(name) is None]
    if missing:
        raise FocusError(f'{", ".join(missing)} not installed; pip install "focus-hsi[export]"')
