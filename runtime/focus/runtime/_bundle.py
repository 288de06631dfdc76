"""The bundle: everything about a trained model that the runtime must know, and nothing that it has to guess."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from focus.runtime._errors import BundleError
from focus.runtime.spectral import BandGroup, group_of_band

#: Key of the bundle in an ONNX file's metadata.
METADATA_KEY = "focus"

#: What the logits are read with: the prompts themselves, or vectors of their own.
Readout = Literal["tied", "free"]

#: What a prompt takes in of a patch: its own group's bands, or the patch's token.
Values = Literal["own bands", "whole patch"]

Numbers = tuple[Annotated[float, Field(allow_inf_nan=False)], ...]
Positive = tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...]


def first_fault(error: ValidationError, whole: str) -> str:
    """Where the first fault is, and what it is, on one line.

    Args:
        error: of a validation.
        whole: what to call the place where the fault is of the whole.
    """
    first = error.errors()[0]
    return f"{'.'.join(str(part) for part in first['loc']) or whole}: {first['msg']}"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Target(_Part):
    """One class, or one regression target: output = logit * deviation + mean, in its unit."""

    name: str = Field(min_length=1)
    unit: str | None = None
    mean: float = 0.0
    deviation: float = Field(default=1.0, gt=0)


class Group(_Part):
    """Bands ``first`` to ``stop - 1``, read by one prompt of every class."""

    name: str
    first: int = Field(ge=0)
    stop: int


class Backbone(_Part):
    """What knows nothing of the classes: frozen blocks, adapter and [SINK]; several tasks could share its pass."""

    name: str
    patch: int = Field(ge=1)
    rows: int = Field(ge=1)
    columns: int = Field(ge=1)
    width: int
    blocks: int
    heads: int
    composite_mean: Positive = Field(min_length=3, max_length=3)
    composite_deviation: Positive = Field(min_length=3, max_length=3)


class Reading(_Part):
    """The part that belongs to one task: the prompts, and how their attention is shown.

    Attributes:
        heads: heads of the last block whose attention goes into the maps.
        sink: whether the prompts see [SINK].
        readout, values: all models but those with [SINK], ``tied`` and ``own bands`` are for comparison and are not
            exported.
        band_share: K x C, what each band tells of each class, mean 1 over the bands; None: ||Phi_lambda||, for a
            network of which that was not measured.
        group_share: K x G, pi, how much each group's attention counts for each class, sum 1 over the groups; None: all
            alike.
        reference: C values, r, x^ of what all prompts see in an ordinary window; None: 0, the training set's mean.
        brightness: D x C, U, the directions along which patches of every class differ, which is how bright they are,
            orthonormal; they are no contrast. Empty: all is.
    """

    read_blocks: int = Field(ge=1)
    heads: tuple[int, ...] = Field(min_length=1)
    sink: bool = True
    readout: Readout = "tied"
    values: Values = "own bands"
    band_share: tuple[tuple[Annotated[float, Field(ge=0, allow_inf_nan=False)], ...], ...] | None = None
    group_share: tuple[tuple[Annotated[float, Field(ge=0, allow_inf_nan=False)], ...], ...] | None = None
    reference: Numbers | None = None
    brightness: tuple[Numbers, ...] = ()


class Range(_Part):
    """From the 0.1 % to the 99.9 % quantile of what was seen."""

    low: float = Field(allow_inf_nan=False)
    high: float = Field(allow_inf_nan=False)

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if self.high < self.low:
            raise ValueError(f"high must not be below low, got {self.low:g} to {self.high:g}")
        return self


class Seen(_Part):
    """What the trained network read, and how it looked, on windows of its training; the monitor's limits come from it.

    Attributes:
        windows: how many were looked at.
        sink_mass, collapse: of a window, over all classes, as any may be shown (see ``pipeline.Reading``).
        band_low, band_high: C values, the 0.1 % and 99.9 % quantiles of x^ of the patches.
    """

    windows: int = Field(ge=1)
    sink_mass: Range
    collapse: Range
    band_low: Numbers
    band_high: Numbers


class Bundle(_Part):
    """A trained model's facts, validated. Arrays have the lengths C = bands, N = patches, G = groups, K = targets.

    Attributes:
        wavelengths_nm: C band centres the model was trained on, increasing.
        fwhm_nm: C band widths, where known.
        mean, deviation: C values, mu and sigma of the band means (reflectance).
        adapter_norm: C values, ||Phi_lambda||.
        composite_weights: 3 x C.
        seen: what is usual; None in models of version 0.1, for which the monitor takes fixed limits.
    """

    schema_version: Literal[1] = 1
    name: str
    task: Literal["classification", "regression"]
    targets: tuple[Target, ...] = Field(min_length=1)
    wavelengths_nm: Numbers = Field(min_length=3)
    fwhm_nm: Positive | None = None
    groups: tuple[Group, ...] = Field(min_length=1)
    backbone: Backbone
    reading: Reading
    mean: Numbers
    deviation: Positive
    adapter_norm: Numbers
    composite_weights: tuple[Numbers, Numbers, Numbers]
    precision: Literal["fp32", "fp16", "int8"] = "fp32"
    checkpoint_sha256: str | None = None
    trained_on: str | None = None
    seen: Seen | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Bundle:
        bands = len(self.wavelengths_nm)
        lengths = {
            "mean": self.mean,
            "deviation": self.deviation,
            "adapter_norm": self.adapter_norm,
            "fwhm_nm": self.fwhm_nm if self.fwhm_nm is not None else self.wavelengths_nm,
            **{f"composite_weights[{row}]": weights for row, weights in enumerate(self.composite_weights)},
        }
        if self.reading.reference is not None:
            lengths["reading.reference"] = self.reading.reference
        lengths |= {f"reading.brightness[{row}]": values for row, values in enumerate(self.reading.brightness)}
        if self.seen is not None:
            lengths |= {"seen.band_low": self.seen.band_low, "seen.band_high": self.seen.band_high}
        for field, values in lengths.items():
            if len(values) != bands:
                raise ValueError(f"{field} must have one value for each of the {bands} bands, got {len(values)}")
        if np.any(np.diff(self.wavelengths_nm) <= 0):
            raise ValueError("wavelengths_nm must increase")
        edges = [group.first for group in self.groups] + [bands]
        if edges[0] != 0 or any(
            group.stop != edge or group.stop <= group.first for group, edge in zip(self.groups, edges[1:], strict=True)
        ):
            raise ValueError(f"groups must cover bands 0..{bands - 1} once, in order")
        if max(self.reading.heads) >= self.backbone.heads or min(self.reading.heads) < 0:
            raise ValueError(f"reading.heads must lie in 0..{self.backbone.heads - 1}, got {self.reading.heads}")
        shares = self.reading.band_share
        if shares is not None and [len(row) for row in shares] != [bands] * len(self.targets):
            raise ValueError(f"reading.band_share must be {len(self.targets)} x {bands}, targets x bands")
        shares = self.reading.group_share
        if shares is not None and [len(row) for row in shares] != [len(self.groups)] * len(self.targets):
            raise ValueError(f"reading.group_share must be {len(self.targets)} x {len(self.groups)}, targets x groups")
        return self

    @classmethod
    def from_json(cls, text: str, source: str) -> Bundle:
        """Reads and validates a bundle.

        Args:
            text: the JSON.
            source: the file it came from, for the message.
        Raises:
            BundleError: not a bundle, or one of another version.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise BundleError(
                f"{source}: the model's bundle is not valid ({first_fault(error, 'bundle')}); "
                "export it again with this version's focus-export"
            ) from None

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], source: str) -> Bundle:
        """Reads the bundle out of an ONNX file's metadata.

        Raises:
            BundleError: the file carries none, or one that is not valid.
        """
        if METADATA_KEY not in metadata:
            raise BundleError(
                f"{source} is an ONNX file but not a FOCUS model (no bundle in it); make one with focus-export"
            )
        return cls.from_json(metadata[METADATA_KEY], source)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes or targets, K of them."""
        return tuple(target.name for target in self.targets)

    @property
    def bands(self) -> int:
        """C."""
        return len(self.wavelengths_nm)

    @property
    def patches(self) -> int:
        """N."""
        return self.backbone.rows * self.backbone.columns

    @property
    def window(self) -> tuple[int, int]:
        """Lines and samples of the window that the model reads."""
        return self.backbone.rows * self.backbone.patch, self.backbone.columns * self.backbone.patch

    @cached_property
    def wavelengths(self) -> NDArray[np.float64]:
        """float64 [C], nm."""
        return np.array(self.wavelengths_nm)

    @cached_property
    def band_groups(self) -> tuple[BandGroup, ...]:
        """The groups as the spectral room knows them."""
        return tuple(BandGroup(group.name, group.first, group.stop) for group in self.groups)

    @cached_property
    def group_of_band(self) -> NDArray[np.int32]:
        """int32 [C]."""
        return group_of_band(self.band_groups)

    @cached_property
    def band_weight(self) -> NDArray[np.float64]:
        """float64 [K, C], w: what a place times its contrast is multiplied with in T."""
        shares = self.reading.band_share
        return np.tile(self.adapter_norm, (len(self.targets), 1)) if shares is None else np.array(shares)

    @cached_property
    def group_share(self) -> NDArray[np.float64]:
        """float64 [K, G], pi: what each group's attention is multiplied with, to make the place."""
        shares, groups = self.reading.group_share, len(self.groups)
        return np.full((len(self.targets), groups), 1.0 / groups) if shares is None else np.array(shares)

    @cached_property
    def reference(self) -> NDArray[np.float64]:
        """float64 [C], r: what the contrast of a patch is measured against, as x^."""
        found = self.reading.reference
        return np.zeros(self.bands) if found is None else np.array(found)

    @cached_property
    def brightness(self) -> NDArray[np.float64]:
        """float64 [D, C], U: what does not count as contrast."""
        return np.array(self.reading.brightness).reshape(-1, self.bands)

    def require_wavelengths(
        self, wavelengths_nm: NDArray[np.float64], source: str, way_out: str = "take what has its bands"
    ) -> None:
        """Refuses a sensor whose bands are not the model's, to a tenth of the model's band spacing.

        Args:
            wavelengths_nm: of the sensor; source: its name, and way_out: what to do, for the message.
        Raises:
            BundleError: other number of bands, or other wavelengths.
        """
        ours, theirs = self.wavelengths, np.asarray(wavelengths_nm, np.float64)
        if np.any(np.diff(theirs) <= 0):
            way_out = "its bands must come from short to long wavelengths"
        covered = f"{ours[0]:g}-{ours[-1]:g} nm, {source} {theirs.min():g}-{theirs.max():g} nm"
        hint = f"{way_out} (the model covers {covered})"
        if theirs.size != ours.size:
            raise BundleError(f"model {self.name} reads {ours.size} bands, {source} has {theirs.size}; {hint}")
        apart = np.abs(theirs - ours)
        worst = int(np.argmax(apart))
        if apart[worst] > 0.1 * float(np.median(np.diff(ours))):
            raise BundleError(
                f"model {self.name} has band {worst} at {ours[worst]:g} nm, {source} at {theirs[worst]:g} nm; {hint}"
            )
