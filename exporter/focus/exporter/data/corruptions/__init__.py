"""What goes wrong between a leaf and a model: noise, dead bands, stripes, other light, a shifted spectrograph.

Only band means and composite are at hand, so a pixel of a patch is taken as the patch's mean spectrum times a shading
of its own, which the composite tells. Both inputs then change together, as if the cube itself had been changed: the
patch means of a changed composite are the composite weights times the changed band means (docs/data.md).
"""

from focus.exporter.data.corruptions._apply import CORRUPTIONS, corrupted, corruption
from focus.exporter.data.corruptions._camera import dead_bands, growing_noise, stripes
from focus.exporter.data.corruptions._light import illumination, wavelength_shift
from focus.exporter.data.corruptions._optics import Change, Optics

__all__ = [
    "CORRUPTIONS",
    "Change",
    "Optics",
    "corrupted",
    "corruption",
    "dead_bands",
    "growing_noise",
    "illumination",
    "stripes",
    "wavelength_shift",
]
