"""Pictures of a run say what they leave out."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure

from focus.runtime.outputs._draw import Scene, draw_target
from focus.runtime.outputs._pictures import _colour_bar


@pytest.mark.parametrize(("clipped", "extend"), [(True, "max"), (False, "neither")])
def test_a_colour_bar_has_a_point_where_it_is_clipped(clipped, extend):
    axes = Figure().subplots()
    image = axes.imshow([[0.0, 1.0]])
    _colour_bar(axes, image, clipped=clipped)
    assert image.colorbar.extend == extend


@pytest.mark.parametrize(
    ("answers", "limits"),
    [
        ([[40.0, 40.2], [np.nan, 40.1]], (37.6, 42.6)),  # a deviation of 5 around them
        ([[40.0, 52.0], [np.nan, 41.0]], (40.0, 52.0)),
        ([[np.nan, np.nan], [np.nan, np.nan]], (-2.5, 2.5)),
    ],
)
def test_answers_that_hardly_differ_look_so(answers, limits):
    preview = SimpleNamespace(fold=None, scores=np.array(answers)[..., None], patch_extent=(2, 2), extent=(2, 2))
    bundle = SimpleNamespace(targets=[SimpleNamespace(deviation=5.0)])
    image = draw_target(Scene(preview, turned=False), Figure().subplots(), bundle, 0)
    assert image.get_clim() == pytest.approx(limits)
