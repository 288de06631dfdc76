"""The server's thread."""

from __future__ import annotations

import socket
import sys
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

from typing_extensions import Self

from focus.runtime._errors import OutputError
from focus.runtime.serve._address import Address, token_for
from focus.runtime.serve._app import TICK_S, live_app
from focus.runtime.serve._live import LiveSink
from focus.runtime.serve._visitors import visitor_protocol

if TYPE_CHECKING:
    import uvicorn

#: Connections at a time; each page holds one, and a second while it fetches rows.
CONNECTIONS = 64

#: Seconds after which a page that takes nothing any more is given up. A phone that leaves the wireless network says no
#: goodbye, and comes back with a new connection: without this the old ones would be kept for a quarter of an hour each.
DEAD_S = 10.0

#: Seconds that open connections get when the server stops.
GRACE_S = 2


class LiveServer:
    """Serves a run in a thread of its own, from ``with`` to its end. The address is taken at once.

    Args:
        live: the run.
        address: where.
        token: see ``token_for``.
    Raises:
        ValueError: a token that is easily guessed.
        OutputError: the address is taken or not this machine's.
        ModuleNotFoundError: the extra ``serve`` is not installed.
    Attributes:
        token: what visitors must bring; None where only this machine can visit.
    """

    def __init__(self, live: LiveSink, address: Address, token: str | None = None) -> None:
        import uvicorn

        self.token = token_for(address, token)
        self._listening = _listening(address)
        self.address = Address(address.host, self._listening.getsockname()[1])
        app: Any = live_app(live, self.address, self.token, lambda: self._closing)
        config = uvicorn.Config(
            app, http=visitor_protocol(), backlog=CONNECTIONS, limit_concurrency=CONNECTIONS, log_config=None,
            log_level="critical", access_log=False, lifespan="off", ws="none", timeout_graceful_shutdown=GRACE_S,
            server_header=False, proxy_headers=False,
        )  # fmt: skip
        self._server: uvicorn.Server = uvicorn.Server(config)
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="focus-serve", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.005)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        if self._thread.is_alive():
            time.sleep(1.5 * TICK_S)  # every page hears how it ended
        self._server.should_exit = True
        self._thread.join(GRACE_S + 1)
        self._listening.close()

    @property
    def url(self) -> str:
        """Where a browser finds it, without the token."""
        return self.address.url

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._listening])
        except BaseException as error:  # uvicorn leaves by SystemExit; whatever it is, the run goes on
            print(f"the live page is gone, the run goes on: {type(error).__name__}: {error}", file=sys.stderr)


def _listening(address: Address) -> socket.socket:
    try:
        family, kind, _, _, place = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # Connections inherit it.
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(1000 * DEAD_S))
            listening.bind(place)
        except OSError:
            listening.close()
            raise
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputError(f"cannot serve on {address}: {reason}; choose another address with --serve") from None
    return listening
