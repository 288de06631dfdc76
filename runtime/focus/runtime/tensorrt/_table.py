"""What each TensorRT release reads: the one place that decides on opset and form of attention."""

from __future__ import annotations

import re
from dataclasses import dataclass

from focus.runtime._errors import FocusError


@dataclass(frozen=True)
class Release:
    """A range of TensorRT releases.

    Attributes:
        since: the first release of it, major and minor.
        highest_opset: of ONNX.
        attention_node: whether it reads ONNX's Attention; without it attention has to be taken apart.
        caveats: known faults, each with the issue of NVIDIA/TensorRT that reports it.
    """

    since: tuple[int, int]
    highest_opset: int
    attention_node: bool
    caveats: tuple[str, ...] = ()


SM_120 = "FP16 attention was wrong on sm_120 up to 10.16.1 (NVIDIA/TensorRT#4837)"

#: Newest first.
RELEASES = (
    Release((11, 0), 24, True),
    Release((10, 15), 24, True, (SM_120,)),
    Release((10, 14), 23, True, (SM_120,)),
    Release((10, 8), 20, False, (SM_120,)),
    Release((10, 7), 20, False, ("fused attention of an FP16 ViT was wrong in 10.7 (NVIDIA/TensorRT#4333)",)),
    Release((10, 3), 20, False, ("an FP16 DINOv3 lost its accuracy on 10.3 (NVIDIA/TensorRT#4723)",)),
)


def version_numbers(version: str) -> tuple[int, int]:
    """Major and minor of ``10.3.0`` or ``11.4.0.106``.

    Raises:
        FocusError: no version.
    """
    found = re.match(r"(\d+)\.(\d+)", version)
    if found is None:
        raise FocusError(f"TensorRT says that its version is {version!r}; install tensorrt 10.3 or newer")
    return int(found[1]), int(found[2])


def release_of(version: str) -> Release:
    """What this version reads; one that is newer than the table counts as the newest of it.

    Raises:
        FocusError: older than the oldest of the table.
    """
    numbers = version_numbers(version)
    for release in RELEASES:
        if numbers >= release.since:
            return release
    oldest = ".".join(map(str, RELEASES[-1].since))
    raise FocusError(f"TensorRT {version} is too old; FOCUS builds with {oldest} or newer: pip install -U tensorrt")


def require_readable(version: str, opset: int, attention_node: bool, onnx: str) -> None:
    """Refuses a graph that this release cannot read, before its parser does so in its own words.

    Args:
        version: of TensorRT.
        opset: of the graph.
        attention_node: whether the graph holds an Attention node.
        onnx: the file's name, for the message.
    Raises:
        FocusError: with the options of focus-export that make one it can read.
    """
    release = release_of(version)
    if opset <= release.highest_opset and (release.attention_node or not attention_node):
        return
    raise FocusError(
        f"{onnx} has opset {opset}{' and Attention nodes' if attention_node else ''}, TensorRT {version} reads "
        f"{release.highest_opset} or lower{'' if release.attention_node else ' with attention taken apart'}; "
        "export it again with focus-export --opset 20"
    )
