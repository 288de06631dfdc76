"""Hyperspectral cubes: what they are, how every format is opened, and how bands are resampled."""

from focus.runtime.cubes._cube import Cube, Provenance, Quantity, stated_scale
from focus.runtime.cubes._jasper import open_jasper_ridge
from focus.runtime.cubes._numpy import write_npz
from focus.runtime.cubes._open import files_of, open_cube, useless_options
from focus.runtime.cubes._preview import quicklook, subsample
from focus.runtime.cubes._resample import resample, resample_cube, resampling_matrix
from focus.runtime.cubes._tables import WavelengthOption, bands_from_option, cells_of_table

__all__ = [
    "Cube",
    "Provenance",
    "Quantity",
    "WavelengthOption",
    "bands_from_option",
    "cells_of_table",
    "files_of",
    "open_cube",
    "open_jasper_ridge",
    "quicklook",
    "resample",
    "resample_cube",
    "resampling_matrix",
    "stated_scale",
    "subsample",
    "useless_options",
    "write_npz",
]
