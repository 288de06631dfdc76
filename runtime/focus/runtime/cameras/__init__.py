"""Cameras, one small file each, behind the contract of ``focus.runtime.sources``."""

from focus.runtime.cameras._bytes import Place, place_from_uri
from focus.runtime.cameras._find import SUPPORTED, scheme_of
from focus.runtime.cameras._open import open_camera
from focus.runtime.cameras._stream import StreamCamera

__all__ = ["SUPPORTED", "Place", "StreamCamera", "open_camera", "place_from_uri", "scheme_of"]
