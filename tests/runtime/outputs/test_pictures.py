"""Pictures of a run say what they leave out."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from focus.runtime.outputs._pictures import _colour_bar


@pytest.mark.parametrize(("clipped", "extend"), [(True, "max"), (False, "neither")])
def test_a_colour_bar_has_a_point_where_it_is_clipped(clipped, extend):
    axes = Figure().subplots()
    image = axes.imshow([[0.0, 1.0]])
    _colour_bar(axes, image, clipped=clipped)
    assert image.colorbar.extend == extend
