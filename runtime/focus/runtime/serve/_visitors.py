"""Connections that ask for nothing: each takes a file from the run, so they are few, and not for long."""

from __future__ import annotations

import asyncio
from typing import Any

#: Seconds that a visitor may take for a request.
ASK_S = 10.0

#: Connections at a time; those beyond ``CONNECTIONS`` are told that the server is busy.
MOST = 128


def visitor_protocol() -> type[asyncio.Protocol]:
    """A connection as uvicorn has it, given up where no request comes, or where there are too many."""
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Visitor(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
            super().connection_made(transport)
            if len(self.connections) > MOST:
                transport.abort()
            else:
                self.loop.call_later(ASK_S, self.look, None)

        def look(self, answered: Any) -> None:
            """Ends it where no request came after the one that was answered last; else looks again later."""
            if self.transport.is_closing():
                return
            waits = self.cycle is None or self.cycle.response_complete
            if waits and self.cycle is answered:
                self.transport.abort()
            else:
                self.loop.call_later(ASK_S, self.look, self.cycle)

    return Visitor
