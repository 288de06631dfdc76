"""An exported model, as an engine runs it."""

from __future__ import annotations

from focus.exporter.evaluate._contract import Answer, Array, FocusNetwork
from focus.runtime.engines import Engine


class EngineNetwork(FocusNetwork):
    """Reads windows through an engine.

    Args:
        engine: entered.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine, self.bundle = engine, engine.bundle

    def answer(self, spectra: Array, composite: Array) -> Answer:
        """See ``FocusNetwork.answer``; other heads and earlier blocks are not in an exported graph."""
        return Answer(*self._engine.infer(spectra, composite))
