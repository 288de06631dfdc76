"""``python -m focus.exporter.commands.seen``: gives an older model the range of its training."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from focus.exporter.commands._torch import require_torch
from focus.exporter.commands.train import add_data_arguments, windows_from_options
from focus.runtime import Bundle, FocusError
from focus.runtime._files import write_atomically
from focus.runtime.commands import DONE, CommandParser, command_parser, run_command

NAME = "python -m focus.exporter.commands.seen"

EXAMPLES = """\
example:
  python -m focus.exporter.commands.seen --ckpt leaf-vnir.pt --onnx leaf-vnir.onnx --data sim:vnir,scenes=2400,val=400,test=600
"""  # noqa: E501

#: What a checkpoint and the files exported of it may differ in.
OF_THE_FILE = {"precision": "fp32", "checkpoint_sha256": None, "seen": None}


def main(argv: list[str] | None = None) -> int:
    """Runs the command; see ``--help``."""
    return run_command(NAME, lambda: _run(build_parser().parse_args(argv)))


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser(
        NAME,
        "Measures what a model reads and how it looks on the windows of its training, and writes it into the bundle.\n"
        "focus-train does so by itself; this is for models that were trained before it did.",
        EXAMPLES,
    )
    parser.add_argument("--ckpt", type=Path, required=True, metavar="MODEL.pt", help="checkpoint; rewritten")
    parser.add_argument(
        "--onnx",
        type=Path,
        action="append",
        default=[],
        metavar="FILE.onnx",
        help="export of it; rewritten; repeatable",
    )
    add_data_arguments(parser.add_argument_group("data, as they were given to focus-train"))
    parser.add_argument("--seed", type=int, default=1, help="of the data (default: 1)")
    return parser


def _run(args: argparse.Namespace) -> int:
    require_torch()
    from rich.console import Console

    from focus.exporter.export import onnx_with_bundle
    from focus.exporter.model import load_checkpoint, save_checkpoint
    from focus.exporter.training import seen_by_trained
    from focus.runtime.engines._onnx_file import read_model_file

    net, bundle = load_checkpoint(args.ckpt)
    exports = {path: read_model_file(path).bundle for path in args.onnx}
    for path, theirs in exports.items():
        _require_same(bundle, theirs, path)
    args.size = "x".join(str(edge) for edge in bundle.window)
    windows = windows_from_options(args, net.backbone, Console())
    seen = seen_by_trained(net, bundle, windows)
    save_checkpoint(args.ckpt, net, bundle.model_copy(update={"checkpoint_sha256": None, "seen": seen}))
    _, stamped = load_checkpoint(args.ckpt)
    for path, theirs in exports.items():
        write_atomically(path, onnx_with_bundle(path, stamped.model_copy(update={"precision": theirs.precision})))
    print(
        f"{seen.windows} windows: collapse {seen.collapse.low:.3g} to {seen.collapse.high:.3g}, "
        f"sink mass {seen.sink_mass.low:.3g} to {seen.sink_mass.high:.3g}"
    )
    print(f"wrote {', '.join(str(path) for path in (args.ckpt, *args.onnx))}")
    return DONE


def _require_same(ours: Bundle, theirs: Bundle, path: Path) -> None:
    if ours.model_copy(update=OF_THE_FILE) != theirs.model_copy(update=OF_THE_FILE):
        raise FocusError(f"{path} was not exported of this checkpoint; give its own, or export it anew")


if __name__ == "__main__":
    sys.exit(main())
