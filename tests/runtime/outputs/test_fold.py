"""Long strips in pictures: folded into rows that can be read, each pixel in its place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from focus.runtime.commands.run import main
from focus.runtime.cubes import write_npz
from focus.runtime.outputs import _pictures
from focus.runtime.outputs._fold import MOST_ROWS, PIXELS, ROW_ASPECT, Fold, fold_of
from support.scenes import cube
from support.toy_model import Toy


@given(st.integers(1, 4000), st.integers(1, 2_000_000))
def test_rows_hold_every_line_and_can_be_read(samples, lines):
    fold = fold_of(samples, lines)
    if fold is None:
        assert lines <= 12 * samples
        return
    assert 1 <= fold.rows <= MOST_ROWS
    assert (fold.rows - 1) * fold.row_lines < lines <= fold.rows * fold.row_lines
    # A row is never thinner than this share of the picture's width.
    assert fold.samples * fold.stretch / fold.row_lines >= 1 / ROW_ASPECT - 1e-9
    assert 1.5 < fold.aspect <= 1.1 * ROW_ASPECT
    assert [int(text) for text in fold.labels.values()] == [row * fold.row_lines for row in range(fold.rows)]


def test_a_place_of_the_picture_shows_its_line_and_sample():
    fold = Fold(samples=8, lines=95, rows=3, row_lines=40)
    strip = np.arange(95)[:, None] * 100 + np.arange(8)
    laid = fold.lay(strip, (8, 95), -1)
    across, down = fold.places()
    for y, x in np.ndindex(laid.shape):
        row, sample = divmod(down[y], 10)
        line = int(row) * 40 + int(across[x])
        assert laid[y, x] == (line * 100 + int(sample) if sample < 8 and line < 95 else -1)
    assert {*strip.ravel()} <= {*laid.ravel()}


def test_maps_and_scene_lie_over_each_other_at_any_resolution():
    fold = fold_of(16, 4000)
    line = np.arange(4000)[:, None, None].repeat(16, axis=1)
    full = fold.lay(line, (16, 4000), -1)[..., 0]
    patches = fold.lay(line[2::4, ::4], (16, 4000), -1)[..., 0]
    thinned = fold.lay(line[::2], (16, 4000), -1)[..., 0]
    assert full.shape[1] == min(PIXELS, fold.row_lines)
    np.testing.assert_array_equal(full < 0, patches < 0)
    assert np.abs(full - patches).max() <= 2 and np.abs(full - thinned).max() <= 1


@pytest.mark.parametrize("lines", [150, 900])
def test_pictures_of_a_run(tmp_path, monkeypatch, lines):
    monkeypatch.setattr(_pictures, "DPI", 50)
    write_npz(cube(lines, 20), tmp_path / "leaf.npz")
    model = Toy().save(tmp_path / "toy.onnx")
    arguments = ["--engine", model, "--camera", f"replay:{tmp_path / 'leaf.npz'}", "--out", tmp_path / "out"]
    assert main([*map(str, arguments), "--backend", "onnxruntime", "--quiet"]) == 0
    sizes = {}
    for name in ("quicklook", "overlay", "overview"):
        with Image.open(tmp_path / "out" / f"{name}.png") as picture:
            sizes[name] = picture.size
            drawn = np.asarray(picture.convert("RGB"))
        assert (drawn != 255).any(axis=2).mean() > 0.2
    if lines == 150:
        assert sizes["quicklook"] == (20, 150)  # short enough to be drawn pixel by pixel
    else:
        assert all(width < 5 * height for width, height in sizes.values())
