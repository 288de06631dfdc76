"""The files of a run that are being written, and when they reach the disk."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Literal

from focus.runtime._errors import OutputError
from focus.runtime._files import sync_folder
from focus.runtime.outputs._files import writing
from focus.runtime.outputs._growing import GrowingFile

#: When files are flushed to the disk: never (the system does it when it likes), after every window, or every so many
#: seconds.
Fsync = Literal["never", "window"] | float


class OpenFiles:
    """Opens files into a folder, flushes them as wanted, and closes them all.

    What a killed process has written is safe without any of this: it is about power cuts. Every so many seconds means
    that a thread of its own waits for the disk, and the run does not.

    Args:
        folder: where.
        fsync: see ``Fsync``; None is never.
    """

    def __init__(self, folder: Path, fsync: Fsync | None = None) -> None:
        self.folder, self._fsync = folder, fsync or "never"
        self._files: list[GrowingFile] = []
        self._changing = threading.Lock()
        self._named = True
        self._closed = threading.Event()
        self._error: OutputError | None = None
        self._flusher: threading.Thread | None = None

    def open(self, name: str) -> GrowingFile:
        """A file of the folder; made, or gone on with where it exists. Any thread.

        Raises:
            OutputError: it cannot be made.
        """
        file = GrowingFile(self.folder / name)
        with self._changing:
            self._files.append(file)
            self._named = False
            if self._flusher is None and not isinstance(self._fsync, str):
                self._flusher = threading.Thread(target=self._flush_now_and_then, name="focus-fsync", daemon=True)
                self._flusher.start()
        return file

    def after_window(self) -> None:
        """A window and what belongs to it is written: the moment for ``window``.

        Raises:
            OutputError: the disk lost something, also since the last call.
        """
        if self._fsync == "window":
            self._flush()
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Flushes a last time, unless never, and closes every file; a second call does nothing.

        Raises:
            OutputError: the disk lost something.
        """
        if self._closed.is_set():
            return
        self._closed.set()
        if self._flusher is not None:
            self._flusher.join()
        try:
            if self._fsync != "never":
                self._flush()
        finally:
            for file in self._files:
                file.close()
        if self._error is not None:
            raise self._error

    def _flush_now_and_then(self) -> None:
        while not self._closed.wait(float(self._fsync)):
            try:
                self._flush()
            except OutputError as error:
                self._error = error
                return

    def _flush(self) -> None:
        with self._changing:
            files, named, self._named = list(self._files), self._named, True
        for file in files:
            file.sync()
        if not named:
            with writing(self.folder):
                sync_folder(self.folder)
