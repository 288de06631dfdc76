"""What the wavelengths of a sensor mean: band groups and the three-channel composite."""

from focus.runtime.spectral._composite import composite_weights
from focus.runtime.spectral._groups import BandGroup, band_groups, group_of_band

__all__ = ["BandGroup", "band_groups", "composite_weights", "group_of_band"]
