"""Writing files so that a full disk is one clear line."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from focus.runtime._errors import OutputError


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns what the system says about a file that is being written into an ``OutputError``.

    Raises:
        OutputError: naming the file, the reason and the way out.
    """
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        way_out = "free some space or choose another --out" if full else "choose another --out"
        raise OutputError(f"cannot write {path.name}: {error.strerror or error}; {way_out}") from None
