"""Writers of the framed byte stream, for tests of its reader."""

from __future__ import annotations

import socket
import threading
from collections.abc import Generator
from contextlib import closing
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime.cameras import StreamCamera, place_from_uri
from focus.runtime.cameras._outlet import open_outlet
from focus.runtime.cameras._scene import Scene, pattern
from focus.runtime.cameras._sim import CameraSim, SimSettings
from focus.runtime.cameras._stream_header import StreamHeader
from focus.runtime.cameras._writer import StreamWriter
from focus.runtime.sources import FrameMeta, FrameSource, GetBuffer, SourceOptions

#: 7 bands x 33 samples.
SCENE = pattern(7, 33)
HELD = SourceOptions(calibration=SCENE.calibration)


def free_port() -> int:
    """A TCP port of this machine that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def lines_from(source: FrameSource, get_buffer: GetBuffer) -> Generator[FrameMeta, None, None]:
    """A source's lines, without the moments in which nothing came."""
    with closing(source.start(get_buffer)) as metas:
        for meta in metas:
            if meta is not None:
                yield meta


def played(source: FrameSource) -> tuple[NDArray[Any], list[FrameMeta]]:
    """All lines of a source, [n, C, S], and their metas."""
    line = np.zeros((source.facts.bands, source.facts.samples), source.facts.dtype)
    lines, metas = [], []
    for meta in lines_from(source, lambda: line):
        lines.append(line.copy())
        metas.append(meta)
    return np.array(lines), metas


def lines_numbered(sequences: Any, scene: Scene = SCENE) -> NDArray[Any]:
    """The lines [n, C, S] that a played scene has by these numbers."""
    whole = np.array(list(scene.lines()))
    return np.asarray(whole[np.asarray(sequences) % len(whole)])


class Played:
    """A simulated camera in a thread of its own; the end of the ``with`` block waits for the end of its scene."""

    def __init__(self, uri: str, scene: Scene = SCENE, **settings: Any) -> None:
        chosen = {"lines_per_second": 0.0, "loop": True, "lines": 200, **settings}
        self.sim, self._uri = CameraSim(scene, SimSettings(**chosen)), uri
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        with open_outlet(place_from_uri(self._uri)) as outlet:
            self.sim.run(outlet)

    def __enter__(self) -> CameraSim:
        self._thread.start()
        return self.sim

    def __exit__(self, *raised: object) -> None:
        self._thread.join(10)
        assert raised[0] is not None or not self._thread.is_alive()


class HandFed:
    """A writer that a test feeds line by line, and the camera that reads it.

    Attributes:
        camera: at the other end, connected.
        lines: its lines, started.
    """

    def __init__(self, uri: str, options: SourceOptions = HELD, header: StreamHeader = SCENE.header) -> None:
        self._outlet = open_outlet(place_from_uri(uri))
        outlet = self._outlet.__enter__()
        found = []

        def connect() -> None:
            self._reader = outlet.reader()
            found.append(StreamWriter(self._reader.__enter__(), header))

        thread = threading.Thread(target=connect, daemon=True)
        thread.start()
        self.camera = StreamCamera(place_from_uri(uri), options)
        thread.join(10)
        self.writer = found[0]
        self._line = np.zeros((header.bands, header.samples), header.dtype)
        self.lines = lines_from(self.camera, lambda: self._line)

    def hang_up(self) -> None:
        """Goes away, as a writer that was killed does."""
        self._reader.__exit__(None, None, None)
        self._outlet.__exit__(None, None, None)
