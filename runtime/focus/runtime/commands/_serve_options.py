"""``--serve`` and what belongs to it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from focus.runtime._errors import BrokenOff, OutputError

if TYPE_CHECKING:
    from focus.runtime.monitor import Monitor
    from focus.runtime.outputs import MapSink
    from focus.runtime.serve import LiveServer, LiveSink


def add_serve_arguments(group: argparse._ArgumentGroup) -> None:
    """Adds the options."""
    group.add_argument(
        "--serve",
        nargs="?",
        const="127.0.0.1:8765",
        metavar="HOST:PORT",
        help="live page, /metrics and /healthz while it runs (127.0.0.1:8765); other machines need a token",
    )
    group.add_argument(
        "--serve-token",
        metavar="TOKEN",
        help="what visitors must bring (default: FOCUS_SERVE_TOKEN, else a new one that is printed)",
    )


@dataclass(frozen=True)
class Served:
    """A run that may be seen.

    Attributes:
        live: is told when the camera is lost; None without ``--serve``.
        sinks: to run beside the files.
    """

    live: LiveSink | None = None
    sinks: Sequence[MapSink] = ()


@contextmanager
def serving(args: argparse.Namespace, monitor: Monitor | None = None) -> Iterator[Served]:
    """Serves a run where ``--serve`` says so; the address is taken before anything else happens.

    Args:
        args: with what ``add_serve_arguments`` adds, ``out`` and ``quiet``.
        monitor: see ``LiveSink``.
    Raises:
        ValueError: options that do not fit each other, or a token that is easily guessed.
        OutputError: the address is taken; BrokenOff with ``--wait``.
    """
    if args.serve is None:
        if args.serve_token is not None:
            raise ValueError("--serve-token goes with --serve; add --serve")
        yield Served()
        return
    from focus.runtime.serve import TOKEN_VARIABLE, HarmlessSink, LiveServer, LiveSink, address_from_text

    given = args.serve_token or os.environ.get(TOKEN_VARIABLE)
    live = LiveSink(args.out, monitor)
    try:
        server = LiveServer(live, address_from_text(args.serve), given)
    except OutputError as error:
        if not args.wait:
            raise
        raise BrokenOff(str(error)) from None  # after a boot its network may come later: a service starts again
    with server:
        _say_where(server, given, quiet=args.quiet)
        try:
            yield Served(live, [HarmlessSink(live, "the live page")])
        except BaseException as error:
            live.fail(str(error) if isinstance(error, Exception) else "stopped")
            raise


def _say_where(server: LiveServer, given: str | None, *, quiet: bool) -> None:
    """A token that was made here is said in any case, or nobody could use the page."""
    made = server.token is not None and not given
    if quiet and not made:
        return
    rest = f"?token={server.token}" if made else "" if server.token is None else "?token=... (the one you gave)"
    print(f"live page: {server.url}{rest}", file=sys.stderr, flush=True)
