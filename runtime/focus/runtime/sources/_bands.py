"""The bands that a source is resampled to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from focus.runtime._errors import CubeError
from focus.runtime.cubes import resampling_matrix


@dataclass(frozen=True, eq=False)
class Bands:
    """Bands to resample to: centres float64 [C] and widths float64 [C] or None, in nm."""

    wavelengths_nm: NDArray[np.float64]
    fwhm_nm: NDArray[np.float64] | None

    def made_of(
        self, wavelengths_nm: NDArray[np.float64], fwhm_nm: NDArray[np.float64] | None, name: str
    ) -> NDArray[np.float64]:
        """What makes these bands of a source's own, float64 [C, C of the source]; see ``resampling_matrix``.

        Args:
            wavelengths_nm, fwhm_nm: of the source.
            name: of the source, for messages.
        Raises:
            CubeError: the source does not cover them.
        """
        try:
            return resampling_matrix(wavelengths_nm, fwhm_nm, self.wavelengths_nm, self.fwhm_nm)
        except ValueError as error:
            raise CubeError(f"{name} cannot be resampled: {error}") from None
