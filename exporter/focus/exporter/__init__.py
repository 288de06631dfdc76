"""The torch side of FOCUS: train, distil, export."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from focus.exporter.data import WindowSet, open_windows
    from focus.exporter.export import onnx_from_net
    from focus.exporter.model import FocusNet, create_backbone, load_checkpoint, load_weights, save_checkpoint
    from focus.exporter.training import TrainSettings, train

__all__ = [
    "FocusNet",
    "TrainSettings",
    "WindowSet",
    "create_backbone",
    "load_checkpoint",
    "load_weights",
    "onnx_from_net",
    "open_windows",
    "save_checkpoint",
    "train",
]

# torch takes seconds to import, which --help need not wait for.
_HOMES = {
    "data": ("WindowSet", "open_windows"),
    "export": ("onnx_from_net",),
    "model": ("FocusNet", "create_backbone", "load_checkpoint", "load_weights", "save_checkpoint"),
    "training": ("TrainSettings", "train"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
