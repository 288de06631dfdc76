"""Where the live page is served, and who may see it."""

from __future__ import annotations

import ipaddress
import secrets
import socket
from dataclasses import dataclass

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8765
DEFAULT_ADDRESS = f"{DEFAULT_HOST}:{DEFAULT_PORT}"

#: Environment variable that holds the token; a command line can be read by every user of the machine.
TOKEN_VARIABLE = "FOCUS_SERVE_TOKEN"

#: Characters that a token must have at least.
TOKEN_LENGTH = 12


@dataclass(frozen=True)
class Address:
    """A host and a port; port 0 takes a free one."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether only this machine reaches it."""
        ip = ip_from_text(self.host)
        return self.host == "localhost" if ip is None else ip.is_loopback

    @property
    def url(self) -> str:
        """Where a browser finds it; for an address that stands for all of the machine's, by the machine's name."""
        ip = ip_from_text(self.host)
        everywhere = ip is not None and ip.is_unspecified
        return f"http://{Address(socket.gethostname(), self.port) if everywhere else self}/"

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def ip_from_text(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An IP address; None for a name."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def address_from_text(text: str) -> Address:
    """Reads ``HOST:PORT``, ``HOST``, ``:PORT`` or ``[IPv6]:PORT``.

    Raises:
        ValueError: none of these.
    """
    host, colon, port = text.rpartition(":") if not text.endswith("]") else (text, "", "")
    if not colon:
        host, port = text, str(DEFAULT_PORT)
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"--serve {text}: write an IPv6 address in brackets, e.g. [::1]:{DEFAULT_PORT}")
    if not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"--serve {text}: the port must be 0 to 65535; e.g. --serve {DEFAULT_ADDRESS}")
    return Address(host or DEFAULT_HOST, int(port))


def token_for(address: Address, given: str | None) -> str | None:
    """The token that visitors must bring: the given one, else a new one where other machines can visit, else None.

    Raises:
        ValueError: the given one is easily guessed, or cannot be sent.
    """
    if not given:
        return None if address.loopback else secrets.token_urlsafe(16)
    if len(given) < TOKEN_LENGTH or not given.isascii() or not given.replace("-", "").replace("_", "").isalnum():
        raise ValueError(f"the token of --serve must be {TOKEN_LENGTH} or more letters, digits, - and _")
    return given
