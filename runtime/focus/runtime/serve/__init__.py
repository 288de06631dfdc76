"""A run as a live page, as Prometheus metrics and as an answer to health checks."""

from focus.runtime.serve._address import DEFAULT_ADDRESS, TOKEN_VARIABLE, Address, address_from_text
from focus.runtime.serve._app import live_app
from focus.runtime.serve._harmless import HarmlessSink
from focus.runtime.serve._live import LiveSink
from focus.runtime.serve._server import LiveServer

__all__ = [
    "DEFAULT_ADDRESS",
    "TOKEN_VARIABLE",
    "Address",
    "HarmlessSink",
    "LiveServer",
    "LiveSink",
    "address_from_text",
    "live_app",
]
