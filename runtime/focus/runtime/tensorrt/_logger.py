"""The builder's log: warnings are collected, and each is shown once when the build is over."""

from __future__ import annotations

from types import ModuleType
from typing import Any


def build_logger(trt: ModuleType) -> Any:
    """A logger of TensorRT's kind (``trt.ILogger``) with two lists, ``warnings`` and ``errors``, without repetitions.

    Args:
        trt: the module ``tensorrt``; its classes exist only where it is installed.
    """

    class BuildLogger(trt.ILogger):  # type: ignore[misc, name-defined]  # a class of a module that may be absent
        def __init__(self) -> None:
            super().__init__()
            self.warnings: list[str] = []
            self.errors: list[str] = []

        def log(self, severity: Any, msg: str) -> None:
            kinds = trt.ILogger.Severity
            if severity == kinds.WARNING and msg not in self.warnings:
                self.warnings.append(msg)
            elif severity in (kinds.ERROR, kinds.INTERNAL_ERROR) and msg not in self.errors:
                self.errors.append(msg)

    return BuildLogger()


def reason(logger: Any, which: int = 0) -> str:
    """What the log says of a failure, on one line.

    Args:
        logger: from ``build_logger``.
        which: of its errors; the first one tells the cause, the last one (-1) is of now where it has logged before.
    """
    return " ".join(logger.errors[which].split())[:300] if logger.errors else "it gave no reason"
