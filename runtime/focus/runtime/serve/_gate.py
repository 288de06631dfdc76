"""Who may see the page: whoever brings the token, or, without one, this machine alone."""

from __future__ import annotations

import secrets
import socket
from typing import TYPE_CHECKING, Any

from focus.runtime.serve._address import Address, ip_from_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from starlette.requests import Request
    from starlette.responses import Response

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
    App = Callable[[Scope, Receive, Send], Awaitable[None]]

#: How long a browser keeps the token, in seconds.
KEPT_S = 30 * 24 * 3600

HEADERS = {
    # Everything is bundled; nothing is ever fetched from elsewhere, and no other page may frame this one.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob: data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


class Gate:
    """Lets through who may see the page, and puts the headers on every answer.

    The token comes once as ``?token=`` and then by cookie, or as ``Authorization: Bearer`` (Prometheus does that).

    Args:
        app: what is behind it.
        address: where it is served.
        token: None where only this machine can reach the server.
    """

    def __init__(self, app: App, address: Address, token: str | None) -> None:
        self._app, self._address, self._token = app, address, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        from starlette.datastructures import MutableHeaders
        from starlette.requests import Request

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self._refusal(Request(scope))
        await (refusal or self._app)(scope, receive, send_with_headers)

    def _refusal(self, request: Request) -> Response | None:
        from starlette.responses import PlainTextResponse

        if not self._named(_host(request)):
            return PlainTextResponse("this is not the name of this machine; open the page by its address", 403)
        if self._token is None:
            return None
        offered = request.query_params.get("token")
        if offered is not None and self._fits(offered):
            return self._with_cookie(request)
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._fits(bearer):
            return None
        if self._fits(request.cookies.get(_cookie(request), "")):
            return None
        return PlainTextResponse("this page needs its token once: open it with ?token=TOKEN at the end", 401)

    def _named(self, host: str) -> bool:
        """Whether a request's Host is a name of this machine. A page from elsewhere that points its own name here, so
        that the browser takes us for it (DNS rebinding), has another; it cannot do that with an address.
        """
        ip = ip_from_text(host)
        if self._address.loopback:
            return host == "localhost" if ip is None else ip.is_loopback
        own = socket.gethostname().lower()
        return ip is not None or host in {"localhost", self._address.host.lower(), own, f"{own}.local"}

    def _fits(self, offered: str) -> bool:
        return self._token is not None and secrets.compare_digest(offered.encode(), self._token.encode())

    def _with_cookie(self, request: Request) -> Response:
        """Sends the visitor on to the same page without the token, which thus stays out of history and logs."""
        from starlette.responses import RedirectResponse

        # Relative, so that it also holds behind a proxy that serves the page in a folder.
        answer = RedirectResponse("./" + request.url.path.rpartition("/")[2], 303)
        answer.set_cookie(
            _cookie(request), self._token or "", max_age=KEPT_S, httponly=True, samesite="strict", path="/"
        )
        return answer


def _host(request: Request) -> str:
    """The name that was asked for; empty where the header makes no sense."""
    try:
        port = request.url.port  # asking for it checks it
        return request.url.hostname or "" if port is None or port else ""
    except ValueError:
        return ""


def _cookie(request: Request) -> str:
    """Browsers do not tell ports apart: a second camera on this machine needs a cookie of another name."""
    return f"focus_token_{request.url.port or 80}"
