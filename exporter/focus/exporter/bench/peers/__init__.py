"""The peers, one small file each, and what they have in common."""

from focus.exporter.bench.peers._contract import Peer, Unavailable

__all__ = ["Peer", "Unavailable"]
