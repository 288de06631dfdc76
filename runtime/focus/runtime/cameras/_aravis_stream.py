"""Frames from Aravis, in memory of our own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from focus.runtime.cameras._aravis_device import gerror
from focus.runtime.cameras._genicam import buffer_count


class Acquisition:
    """A running stream. Aravis fills our own memory, because taking the bytes of its own copies them.

    Args:
        aravis: the library.
        camera: an Aravis camera; it is started.
        resend: whether packets that are lost are asked for again (GigE).
    Raises:
        GLib.Error: it does not start.
    """

    def __init__(self, aravis: Any, camera: Any, *, resend: bool = True) -> None:
        self._camera, self._stream = camera, camera.create_stream(None, None)
        if not resend:
            self._stream.set_property("packet-resend", aravis.GvStreamPacketResend.NEVER)
        payload = int(camera.get_payload())
        self._memory: list[NDArray[np.uint8]] = [np.zeros(payload, np.uint8) for _ in range(buffer_count(payload))]
        for number, frame in enumerate(self._memory, 1):  # 0 would be a null pointer, which comes back as None
            self._stream.push_buffer(aravis.Buffer.new_full(payload, frame.ctypes.data, number, None))
        camera.start_acquisition()

    def pop(self, limit_us: int) -> Any:
        """The next frame, whole or not; None if there is none in time."""
        return self._stream.timeout_pop_buffer(limit_us)

    def bytes_of(self, filled: Any) -> NDArray[np.uint8]:
        """The bytes of a frame."""
        return self._memory[int(filled.get_user_data()) - 1]

    def give_back(self, filled: Any) -> None:
        """Lets Aravis fill a frame again."""
        if self._stream is not None:
            self._stream.push_buffer(filled)

    def end(self) -> None:
        """Stops the camera and gives up control of it; a second call does nothing."""
        camera, self._camera = self._camera, None
        if camera is None:
            return
        try:
            camera.stop_acquisition()
        except gerror():
            pass  # it has gone, and so has what was to be stopped
        # In this order: the stream's thread writes into the memory until the stream is gone.
        self._stream = None
        self._memory = []
