"""Floating-point operations of a pass, to foresee how long more bands would take. A multiply-add counts two."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """N patches, width d, L blocks."""

    patches: int
    width: int
    blocks: int


def blocks_flops(tokens: int, sizes: Sizes) -> float:
    """L blocks over T tokens: projections and MLP 24 T d^2, attention 4 T^2 d."""
    return sizes.blocks * (24.0 * tokens * sizes.width**2 + 4.0 * tokens**2 * sizes.width)


def pass_flops(name: str, bands: int, sizes: Sizes) -> float:
    """A forward pass of a row of the sweep."""
    if name == "vanilla_full_spectrum":
        return blocks_flops(1 + bands * sizes.patches, sizes)
    if name == "dchag_style":
        # Keys and values of every band's tokens, and the attention of one query a patch to them.
        aggregation = 4.0 * bands * sizes.patches * sizes.width * (sizes.width + 1)
        return aggregation + blocks_flops(1 + sizes.patches, sizes)
    return blocks_flops(1 + sizes.patches, sizes)
