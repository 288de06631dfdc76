"""``focus-export``: from a checkpoint to an ONNX file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from focus.exporter.commands._torch import require_torch
from focus.runtime import Bundle, OutputError
from focus.runtime._files import write_atomically
from focus.runtime.commands import DONE, FAILED, CommandParser, command_parser, run_command

if TYPE_CHECKING:
    from focus.exporter.export import CheckWindows, ReadingGraph, StandaloneGraph
    from focus.exporter.model import FocusNet

EXAMPLES = """\
examples:
  focus-export --ckpt model.pt --onnx focus.onnx
  focus-export --ckpt model.pt --onnx focus-fp16.onnx --precision fp16 --batch 1    for focus-build (TensorRT)
  focus-export --ckpt model.pt --onnx focus.onnx --standalone                       writes focus-standalone.onnx as well
"""


def main(argv: list[str] | None = None) -> int:
    """Runs the command; see ``focus-export --help``."""
    return run_command("focus-export", lambda: _run(build_parser().parse_args(argv)))


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser(
        "focus-export",
        "Exports a trained model to ONNX with all that the runtime must know inside, and checks it against torch.",
        EXAMPLES,
    )
    add = parser.add_argument
    add("--ckpt", type=Path, required=True, metavar="MODEL.pt", help="checkpoint from focus-train")
    add("--onnx", type=Path, required=True, metavar="FILE.onnx", help="file to write; replaced when it exists")
    add(
        "--precision",
        choices=("fp32", "fp16"),
        default="fp32",
        help="fp16 types the graph itself, as TensorRT wants it; norms and the exposed softmax stay float32 "
        "(default: %(default)s)",
    )
    add(
        "--standalone",
        action="store_true",
        help="also write FILE-standalone.onnx: reflectance cube in, scores and maps out",
    )
    add(
        "--opset",
        type=int,
        default=20,
        metavar="N",
        help="18 to 23; above 22 attention is one node, which TensorRT before 10.14 cannot read (default: %(default)s)",
    )
    add("--batch", type=int, metavar="N", help="fix the batch size; without it the batch is dynamic")
    add(
        "--check",
        type=Path,
        metavar="CUBE",
        help="compare on windows of this reflectance cube (default: windows that focus-train left in MODEL.training/, "
        "or simulated leaves where there are none)",
    )
    return parser


def _run(args: argparse.Namespace) -> int:
    require_torch()
    from focus.exporter.data import training_folder
    from focus.exporter.export import ReadingGraph, StandaloneGraph, check_windows, folded, to_half
    from focus.exporter.model import load_checkpoint

    _require_target(args)
    net, bundle = load_checkpoint(args.ckpt)
    bundle = bundle.model_copy(update={"precision": args.precision})
    windows = check_windows(bundle, args.check, training_folder(args.ckpt))
    shaped = folded(net, args.opset)
    reading = ReadingGraph(to_half(shaped) if args.precision == "fp16" else shaped, bundle.reading.heads)
    wanted: dict[Path, ReadingGraph | StandaloneGraph] = {args.onnx: reading}
    if args.standalone:
        wanted[args.onnx.with_name(f"{args.onnx.stem}-standalone.onnx")] = StandaloneGraph(reading, bundle)
    models = {path: _checked(path, graph, net, bundle, windows, args) for path, graph in wanted.items()}
    if any(content is None for content in models.values()):
        return FAILED
    for path, content in models.items():
        write_atomically(path, content or b"")
        print(f"wrote {path} ({len(content or b'') / 1e6:.1f} MB)")
    return DONE


def _require_target(args: argparse.Namespace) -> None:
    """Mistakes in the options are said before the long work begins."""
    from focus.exporter.export import OPSETS

    if args.opset not in OPSETS:
        raise ValueError(f"--opset must be {OPSETS.start} to {OPSETS.stop - 1}, got {args.opset}")
    if args.batch is not None and args.batch < 1:
        raise ValueError(f"--batch must be at least 1, got {args.batch}")
    if args.onnx.suffix != ".onnx":
        raise ValueError(f"--onnx must name a file that ends in .onnx, got {args.onnx}")
    if not args.onnx.parent.is_dir():
        raise OutputError(f"there is no folder {args.onnx.parent}; make it first")


def _checked(
    path: Path,
    graph: ReadingGraph | StandaloneGraph,
    net: FocusNet,
    bundle: Bundle,
    windows: CheckWindows,
    args: argparse.Namespace,
) -> bytes | None:
    """The exported model, or None where it differs too much from torch."""
    from focus.exporter.export import StandaloneGraph, check_model, onnx_from_net

    print(f"{path.name}: exporting {bundle.name} ({args.precision}, opset {args.opset})", flush=True)
    model = onnx_from_net(graph, bundle, opset=args.opset, batch=args.batch)
    report = check_model(model, net, bundle, windows, standalone=isinstance(graph, StandaloneGraph))
    shares = "  ".join(f"{name} {value:.1e}" for name, value in report.differences.items())
    print(f"  largest difference to torch on {windows.origin}, as a share of each output's largest value:")
    print(f"  {shares}")
    if report.passed:
        return model.SerializeToString()
    worst = max(report.differences, key=lambda name: report.differences[name])
    print(
        f"focus-export: {worst} differs by {report.differences[worst]:.2g}, "
        f"{args.precision} may differ by {report.limit:g}; "
        f"nothing was written; try {'--precision fp32' if args.precision == 'fp16' else 'another --opset'}",
        file=sys.stderr,
    )
    return None


if __name__ == "__main__":
    sys.exit(main())
