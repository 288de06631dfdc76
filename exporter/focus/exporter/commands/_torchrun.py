"""A command in the several processes that ``torchrun`` starts: one of them speaks, and an error is said once."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from datetime import timedelta
from io import StringIO
from typing import Any, NoReturn

from focus.runtime._errors import BrokenOff
from focus.runtime.commands._cli import FAILED, CommandParser, run_command

#: How long a process that is to end may take to clean up behind it, and torchrun's store to answer.
PATIENCE_S = 2.0


def is_helper() -> bool:
    """Whether another process is the one that speaks."""
    return share_of_work()[0] != 0


def share_of_work() -> tuple[int, int]:
    """Number of this process, and how many there are."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


def parsed(parser: CommandParser, argv: Sequence[str] | None) -> argparse.Namespace:
    """The arguments; wrong ones are the same in every process, and said once a machine."""
    with redirect_stderr(StringIO() if os.environ.get("LOCAL_RANK", "0") != "0" else sys.stderr):
        return parser.parse_args(argv)


def run_shared(name: str, work: Callable[[], int], again: str) -> int:
    """``run_command`` for work that many processes may share; the first that fails says why, the others are quiet.

    Args:
        name: the command; work: see ``run_command``.
        again: how to go on where a run broke off, for people.
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return run_command(name, work)
    lost = f"another process of this run died, or the run was stopped; what is written is whole, {again}"
    speaker = f"{name} (process {os.environ['RANK']} on {socket.gethostname()})" if is_helper() else name

    ended = threading.Event()

    def end() -> NoReturn:
        raise BrokenOff(lost)

    def together() -> int:
        _end_on_sigterm(end, ended, lambda: run_command(speaker, end, first_to_speak))
        try:
            return work()
        except RuntimeError as error:
            if not _from_another(error):
                raise
            raise BrokenOff(lost) from error
        finally:
            ended.set()
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what there is to say is said in peace

    return run_command(speaker, together, first_to_speak)


def first_to_speak() -> bool:
    """Whether no other process has said what went wrong, as torchrun's own store knows it."""
    from torch import distributed

    try:
        address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
        socket.create_connection((address, port), PATIENCE_S).close()  # the store would go on trying, and say so
        patience = timedelta(seconds=PATIENCE_S)
        store = distributed.TCPStore(address, port, is_master=False, timeout=patience)  # type: ignore[attr-defined]
        said: int = store.add("focus: said what went wrong", 1)
    except (OSError, RuntimeError):  # torchrun is gone, too
        return True
    return said == 1


def _from_another(error: RuntimeError) -> bool:
    """Whether it tells of a connection to another process; gloo's errors are of no class of their own."""
    from torch.distributed import DistError

    return isinstance(error, DistError) or "gloo" in str(error)


def _end_on_sigterm(end: Callable[[], NoReturn], ended: threading.Event, say: Callable[[], int]) -> None:
    """torchrun ends the processes that are left with SIGTERM.

    A process that waits for another one in torch's own code never comes to its handlers, so a thread looks for the
    signal, too, and ends it when it had time enough.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)

    def handle(number: int, frame: Any) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        end()

    def watch() -> None:
        while os.read(reader, 1) != bytes([signal.SIGTERM]):
            pass
        if not ended.wait(PATIENCE_S):
            say()
            os._exit(FAILED)

    signal.signal(signal.SIGTERM, handle)
    threading.Thread(target=watch, daemon=True).start()
