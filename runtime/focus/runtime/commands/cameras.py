"""`focus-run cameras`: the cameras that are there, and what to give to --camera."""

from __future__ import annotations

import argparse
import sys

from focus.runtime.commands._cli import DONE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `focus-run cameras`."""
    parser.description = "List the cameras that are there, with what to give to --camera."
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of a table")


def run(args: argparse.Namespace) -> int:
    """Runs `focus-run cameras`."""
    from focus.runtime.cameras._list import list_cameras

    found = list_cameras()
    if args.json:
        import json
        from dataclasses import asdict

        json.dump(asdict(found), sys.stdout, indent=2)
        print()
        return DONE
    for camera in found.cameras:
        print(f"{camera.uri:32} {camera.kind:12} {camera.name}")
    for note in found.notes:
        print(note)
    if not found.cameras:
        print("no camera found; FIFOs and sockets are named by hand, e.g. --camera unix:/run/focus.sock")
    return DONE
