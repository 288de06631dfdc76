"""The edge side of FOCUS: cubes and cameras in; what, where and at which wavelengths out.

from focus.runtime import explain
explanation = explain("leaf.hdr", resample=True)
print(explanation.predicted, explanation.scores)
explanation.save("out/leaf")
"""

from typing import TYPE_CHECKING

from focus.runtime._lazy import lazy_names

if TYPE_CHECKING:
    from focus.runtime._bundle import Bundle
    from focus.runtime._calibration import Calibration
    from focus.runtime._errors import BundleError, CubeError, FocusError, OutputError
    from focus.runtime._explain import Explanation, Model, MonitorWarning, explain
    from focus.runtime.cubes import Cube, open_cube

__all__ = [
    "Bundle",
    "BundleError",
    "Calibration",
    "Cube",
    "CubeError",
    "Explanation",
    "FocusError",
    "Model",
    "MonitorWarning",
    "OutputError",
    "explain",
    "open_cube",
]

# Importing all of it takes a second or two, which --help and the other rooms' imports of one module need not wait for.
__getattr__ = lazy_names(
    __name__,
    {
        "_bundle": ("Bundle",),
        "_calibration": ("Calibration",),
        "_errors": ("BundleError", "CubeError", "FocusError", "OutputError"),
        "_explain": ("Explanation", "Model", "MonitorWarning", "explain"),
        "cubes": ("Cube", "open_cube"),
    },
)


def __dir__() -> list[str]:
    return __all__
