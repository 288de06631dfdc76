"""The torch side of FOCUS: train, distil, export."""

from typing import TYPE_CHECKING

from focus.runtime._lazy import lazy_names

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
__getattr__ = lazy_names(
    __name__,
    {
        "data": ("WindowSet", "open_windows"),
        "export": ("onnx_from_net",),
        "model": ("FocusNet", "create_backbone", "load_checkpoint", "load_weights", "save_checkpoint"),
        "training": ("TrainSettings", "train"),
    },
)


def __dir__() -> list[str]:
    return __all__
