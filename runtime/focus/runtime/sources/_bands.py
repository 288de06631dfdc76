"""The bands that a source is resampled to."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

from focus.runtime._bundle import Bundle
from focus.runtime._errors import CubeError
from focus.runtime.cubes import resampling_matrix
from focus.runtime.sources._contract import SourceFacts


@dataclass(frozen=True, eq=False)
class Bands:
    """Bands to resample to: centres float64 [C] and widths float64 [C] or None, in nm."""

    wavelengths_nm: NDArray[np.float64]
    fwhm_nm: NDArray[np.float64] | None

    @classmethod
    def of_model(cls, bundle: Bundle) -> Self:
        """A model's bands."""
        return cls(bundle.wavelengths, None if bundle.fwhm_nm is None else np.array(bundle.fwhm_nm))

    def made_of(self, source: SourceFacts) -> SourceFacts:
        """The source, of whose bands the pipeline makes these; it sends its lines as before.

        Raises:
            CubeError: it does not cover them.
        """
        try:
            matrix = resampling_matrix(source.wavelengths_nm, source.fwhm_nm, self.wavelengths_nm, self.fwhm_nm)
        except ValueError as error:
            raise CubeError(f"{source.name} cannot be resampled: {error}") from None
        return replace(source, resampling=matrix)
