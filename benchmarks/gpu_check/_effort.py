"""How much is done."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """Shapes and repetitions.

    Attributes:
        few_shapes: check the kernels on fewer shapes.
        cube: bands, lines and samples of a cube; patch: edge of a patch in samples. What the kernels are timed on.
        batches: windows of a pass.
        launches: of a kernel in a timed graph.
        rounds: replays of a timed graph.
        passes: timed cubes from raw to maps, one after the other.
        peer_passes: of those that are compared with.
        matrix: edge of the matrices whose product gives the matrix rate.
    """

    few_shapes: bool = False
    cube: tuple[int, int, int] = (204, 256, 256)
    patch: int = 16
    batches: tuple[int, ...] = (1, 32)
    launches: int = 24
    rounds: int = 50
    passes: int = 300
    peer_passes: int = 20
    matrix: int = 8192


FULL = Effort()
QUICK = Effort(few_shapes=True, launches=16, rounds=15, passes=60, peer_passes=6)
