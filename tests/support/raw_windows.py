"""Random raw windows and attention, for tests of the kernels."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from gpu_check._ingest import RawWindow

DTYPES = [np.uint8, np.uint16, np.int16, np.int32, np.float32, np.float64, np.dtype(">u2")]


@st.composite
def raw_windows(draw: st.DrawFn) -> RawWindow:
    """Any layout and strides, odd sizes, dead elements, saturation, patches without a valid sample."""
    bands, patch = draw(st.integers(3, 6)), draw(st.integers(1, 6))
    height, width = draw(st.integers(1, 14)), draw(st.integers(1, 14))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    bits = draw(st.sampled_from([None, 7]))
    shift = draw(st.sampled_from([0, 4])) if dtype.itemsize > 1 else 0
    order = draw(st.permutations([0, 1, 2]))
    step = draw(st.sampled_from([1, 1, 2, -1]))
    shape = [(bands, height, width)[axis] * abs(step) for axis in order]
    raw = rng.integers(0, draw(st.sampled_from([120, 130])), shape).astype(np.float64)
    if draw(st.booleans()):  # whole corners without a valid sample
        raw[tuple(slice(0, length // 2) for length in shape)] = 127 if bits else 0
    raw = (raw * 2**shift).astype(dtype).transpose(np.argsort(order))[::step, ::step, ::step]
    if dtype.kind == "f" and draw(st.booleans()):
        raw = raw.copy()
        raw[rng.random(raw.shape) < draw(st.sampled_from([0.05, 0.6]))] = draw(
            st.sampled_from([np.nan, np.inf, -np.inf])
        )
    dark, gain = rng.uniform(0, 20, (bands, width)), rng.uniform(0.001, 0.01, (bands, width))
    gain[rng.random(gain.shape) < draw(st.sampled_from([0.0, 0.05]))] = draw(st.sampled_from([np.nan, 0.0]))
    used = np.ones(bands, bool)
    used[0] = draw(st.booleans())
    weights = rng.uniform(0.1, 1, (3, bands))
    weights[1, 1] = 1e-6  # a tail that is left out
    return RawWindow(raw, patch, weights, dark, gain, used, bits, shift)


@st.composite
def attended(draw: st.DrawFn) -> tuple[NDArray[Any], ...]:
    """Attention [H*, G, N], contrast [N, C], band weights [C] and shares of groups [G]."""
    heads, groups, bands, patches = (draw(st.integers(1, high)) for high in (3, 4, 9, 7))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    attention = rng.dirichlet(np.ones(patches + 1), (heads, groups))[..., :patches].astype(np.float32)
    contrast = np.abs(rng.standard_normal((patches, bands))).astype(np.float32)
    return attention, contrast, rng.uniform(0, 2, bands), rng.dirichlet(np.ones(groups))
