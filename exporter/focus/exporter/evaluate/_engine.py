"""An exported model, as an engine runs it."""

from __future__ import annotations

from focus.exporter.evaluate._contract import Answer, Array
from focus.runtime.engines import Engine


class EngineNetwork:
    """Reads windows through an engine.

    Args:
        engine: entered.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine, self.bundle = engine, engine.bundle

    def read(self, spectra: Array, composite: Array) -> Answer:
        """See ``Network.read``; other heads and earlier blocks are not in an exported graph."""
        return Answer(*self._engine.infer(spectra, composite))
