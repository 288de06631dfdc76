"""What can be asked of a build."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BatchProfile(_Part):
    """Windows of a pass: fewest, what the plan is fastest at, most."""

    least: int = Field(default=1, ge=1)
    best: int = Field(default=1, ge=1)
    most: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _in_order(self) -> BatchProfile:
        if not self.least <= self.best <= self.most:
            raise ValueError("--batch MIN,OPT,MAX must not fall")
        return self

    @property
    def static(self) -> bool:
        """Whether only one size runs."""
        return self.least == self.most

    @classmethod
    def from_text(cls, text: str) -> BatchProfile:
        """Reads ``1`` or ``1,4,8``.

        Raises:
            ValueError: neither one number nor three that do not fall, or one below 1.
        """
        try:
            numbers = [int(part) for part in text.split(",")]
        except ValueError:
            numbers = []
        if len(numbers) not in (1, 3) or min(numbers) < 1 or numbers != sorted(numbers):
            raise ValueError(f"--batch must be a number such as 1, or MIN,OPT,MAX such as 1,4,8, got {text!r}")
        return cls(least=numbers[0], best=numbers[len(numbers) // 2], most=numbers[-1])

    def __str__(self) -> str:
        return str(self.most) if self.static else f"{self.least},{self.best},{self.most}"


class BuildOptions(_Part):
    """What ``focus-build`` was asked for.

    Attributes:
        batch: None takes what the ONNX file is made for, one window where it says nothing.
        workspace_mib: most device memory that the builder may try tactics in, and the plan may use between layers;
            None leaves it to TensorRT.
        optimisation_level: 0 builds fastest, 5 looks longest.
        hardware_compatible: for every GPU from Ampere on; somewhat slower.
        version_compatible: for newer TensorRT releases of the same major version; larger, somewhat slower.
    """

    batch: BatchProfile | None = None
    workspace_mib: int | None = Field(default=None, ge=1)
    optimisation_level: int = Field(default=3, ge=0, le=5)
    hardware_compatible: bool = False
    version_compatible: bool = False
