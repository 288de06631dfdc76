"""Work that runs ahead of its reader, in a thread of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from typing import TypeVar

Item = TypeVar("Item")

#: How long a full queue is waited for before looking whether anybody still reads.
PATIENCE_S = 0.1


def ahead(items: Iterable[Item], depth: int) -> Generator[Item, None, None]:
    """The items, made by a thread that is up to ``depth`` of them ahead. An error in making them is raised here.

    When the reader stops early, so does the thread, before this iterator's ``close`` returns.

    Args:
        items: iterated in the thread alone.
        depth: at least 1.
    """
    waiting: queue.Queue[tuple[Item | None, BaseException | None, bool]] = queue.Queue(depth)
    unread = threading.Event()

    def put(item: Item | None, error: BaseException | None, last: bool) -> None:
        while not unread.is_set():
            try:
                waiting.put((item, error, last), timeout=PATIENCE_S)
                return
            except queue.Full:
                continue

    def make() -> None:
        try:
            for item in items:
                put(item, None, False)
                if unread.is_set():
                    return
            put(None, None, True)
        except BaseException as error:  # whatever it is, it belongs to the reader
            put(None, error, True)

    thread = threading.Thread(target=make, name="focus-ingest", daemon=True)
    thread.start()
    try:
        while True:
            item, error, last = waiting.get()
            if error is not None:
                raise error
            if last:
                return
            yield item  # type: ignore[misc]  # None comes with `last` alone
    finally:
        unread.set()
        _join(thread)


def _join(thread: threading.Thread) -> None:
    """Waits for its end even if it is interrupted: what the thread works on goes away after this."""
    interrupted = None
    while thread.is_alive():
        try:
            thread.join(PATIENCE_S)
        except KeyboardInterrupt as again:
            interrupted = again
    if interrupted is not None:
        raise interrupted
