"""``python -m focus.exporter.commands.measure``: measures again what an older model's maps are made of."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from focus.exporter.commands._torch import require_torch
from focus.exporter.commands.train import add_data_arguments, windows_from_options
from focus.runtime import FocusError
from focus.runtime.commands import DONE, CommandParser, command_parser, run_command, seed_number

NAME = "python -m focus.exporter.commands.measure"

EXAMPLES = """\
example:
  python -m focus.exporter.commands.measure --ckpt leaf-vnir.pt --data sim:vnir,scenes=2400,val=400,test=600
"""


def main(argv: list[str] | None = None) -> int:
    """Runs the command; see ``--help``."""
    return run_command(NAME, lambda: _run(build_parser().parse_args(argv)))


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser(
        NAME,
        "Measures on the windows of a model's training what its maps are made of (which heads, and what each band\n"
        "adds for each class) and what is usual for it (the monitor's range), and writes that into the checkpoint.\n"
        "focus-train does so by itself; this is for models that were trained before it did. The network stays as it\n"
        "is. Export it again afterwards.",
        EXAMPLES,
    )
    parser.add_argument("--ckpt", type=Path, required=True, metavar="MODEL.pt", help="checkpoint; rewritten")
    add_data_arguments(parser.add_argument_group("data, as they were given to focus-train"))
    parser.add_argument("--seed", type=seed_number, default=1, help="of the data (default: 1)")
    return parser


def _run(args: argparse.Namespace) -> int:
    require_torch()
    from rich.console import Console

    from focus.exporter.model import load_checkpoint, save_checkpoint
    from focus.exporter.training import measured

    net, bundle = load_checkpoint(args.ckpt)
    args.size = "x".join(str(edge) for edge in bundle.window)
    windows = windows_from_options(args, net.backbone, Console())
    if (windows.task, windows.target_names) != (bundle.task, bundle.class_names):
        raise FocusError(
            f"the data are for {windows.task} of {', '.join(windows.target_names)}, model {bundle.name} tells "
            f"{', '.join(bundle.class_names)}; name the data that it was trained on"
        )
    found = measured(net, bundle, windows)
    save_checkpoint(args.ckpt, net, found.model_copy(update={"checkpoint_sha256": None}))
    seen = found.seen
    if seen is not None:
        print(
            f"shows heads {', '.join(map(str, found.reading.heads))}; {seen.windows} windows: collapse "
            f"{seen.collapse.low:.3g} to {seen.collapse.high:.3g}, sink mass {seen.sink_mass.low:.3g} to "
            f"{seen.sink_mass.high:.3g}"
        )
    print(f"wrote {args.ckpt}; export it again with focus-export")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
