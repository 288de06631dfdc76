"""``focus-doctor``: what this machine has, what of FOCUS will work on it, and what is missing."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from focus.runtime.commands._cli import DONE, command_parser, run_command

NAME = "focus-doctor"

DESCRIPTION = """\
Look at this machine and say what of FOCUS will work on it, what is missing, and which command brings it.
Nothing is changed, and nothing that is absent is an error."""

NOTES = """\
examples:
  focus-doctor
      a table for people
  focus-doctor --json > rig7.json
      the same for programs: {"schema": 1, "facts": {python, processor, packages, gpu, jetson, cameras, places,
      clock}, "abilities": [{name, does, works, why, remedy}], "advice": [...], "unknown": [...]};
      sizes in bytes, null where something is not known; docs/doctor.md has every field

exit code: 0, also where little works
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit code."""
    return run_command(NAME, lambda: _run(_arguments(argv)))


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = command_parser(NAME, DESCRIPTION, NOTES)
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of a table")
    return parser.parse_args(argv)


def _run(args: argparse.Namespace) -> int:
    from focus.runtime.doctor import examine

    report = examine()
    if args.json:
        import json
        from dataclasses import asdict

        json.dump(asdict(report), sys.stdout, indent=2)
        print()
        return DONE
    from rich.console import Console

    from focus.runtime.doctor._show import show

    show(report, Console(highlight=False))
    return DONE
