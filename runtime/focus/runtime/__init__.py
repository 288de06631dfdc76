"""The edge side of FOCUS: cubes and cameras in, maps out. No torch."""

from focus.runtime._bundle import METADATA_KEY, Bundle
from focus.runtime._errors import BundleError, CubeError, FocusError, OutputError
from focus.runtime._files import write_atomically

__all__ = ["METADATA_KEY", "Bundle", "BundleError", "CubeError", "FocusError", "OutputError", "write_atomically"]
