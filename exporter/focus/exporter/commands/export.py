"""``focus-export``: from a checkpoint to an ONNX file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

EPILOG = """\
examples:
  focus-export --ckpt model.pt --onnx focus.onnx
  focus-export --ckpt model.pt --onnx focus-fp16.onnx --precision fp16 --batch 1    for focus-build (TensorRT)
  focus-export --ckpt model.pt --onnx focus.onnx --standalone                       writes focus-standalone.onnx as well
"""


def main(argv: list[str] | None = None) -> int:
    """Exports a trained model to ONNX, with everything that the runtime must know inside, and checks it against torch."""
    parser = argparse.ArgumentParser(
        prog="focus-export", description=main.__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ckpt", type=Path, required=True, metavar="MODEL.pt", help="checkpoint from focus-train")
    parser.add_argument("--onnx", type=Path, required=True, metavar="FILE.onnx", help="file to write; replaced when it exists")
    parser.add_argument(
        "--precision",
        choices=("fp32", "fp16"),
        default="fp32",
        help="fp16 types the graph itself (norms and the exposed softmax stay float32), as TensorRT wants it (default: %(default)s)",
    )
    parser.add_argument(
        "--standalone", action="store_true", help="also write FILE-standalone.onnx: reflectance cube in, scores and maps out"
    )
    parser.add_argument(
        "--opset", type=int, default=20, help="18 to 23; above 20 attention is one node, which old TensorRT cannot read (default: %(default)s)"
    )
    parser.add_argument("--batch", type=int, metavar="N", help="fix the batch size; without it the batch is dynamic")
    parser.add_argument("--check", type=Path, metavar="CUBE", help="check on this reflectance cube instead of simulated leaves")
    args = parser.parse_args(argv)
    from focus.runtime.commands import run_command

    return run_command("focus-export", lambda: _run(args))


def _run(args: argparse.Namespace) -> int:
    from focus.exporter.commands._torch import require_torch

    require_torch()
    from focus.exporter.export import OPSETS, ReadingGraph, StandaloneGraph, check_model, check_windows, onnx_from_net, to_half
    from focus.exporter.model import load_checkpoint
    from focus.runtime import OutputError, write_atomically

    if args.opset not in OPSETS:
        raise ValueError(f"--opset must be {OPSETS.start} to {OPSETS.stop - 1}, got {args.opset}")
    if args.onnx.suffix != ".onnx":
        raise ValueError(f"--onnx must name a file that ends in .onnx, got {args.onnx}")
    if not args.onnx.parent.is_dir():
        raise OutputError(f"there is no folder {args.onnx.parent}; make it first")
    net, bundle = load_checkpoint(args.ckpt)
    bundle = bundle.model_copy(update={"precision": args.precision})
    windows = check_windows(bundle, args.check)
    reading = ReadingGraph(to_half(net) if args.precision == "fp16" else net, bundle.reading.heads)
    wanted: dict[Path, ReadingGraph | StandaloneGraph] = {args.onnx: reading}
    if args.standalone:
        wanted[args.onnx.with_name(f"{args.onnx.stem}-standalone.onnx")] = StandaloneGraph(reading, bundle)
    models: dict[Path, bytes] = {}
    for path, graph in wanted.items():
        print(f"{path.name}: exporting {bundle.name} ({args.precision}, opset {args.opset})", flush=True)
        model = onnx_from_net(graph, bundle, opset=args.opset, batch=args.batch)
        report = check_model(model, net, bundle, windows, standalone=isinstance(graph, StandaloneGraph))
        print(f"  largest difference to torch, of each output's largest value, on {len(windows.cubes)} windows:")
        print("  " + "  ".join(f"{name} {value:.1e}" for name, value in report.differences.items()))
        if not report.passed:
            worst = max(report.differences, key=lambda name: report.differences[name])
            print(
                f"focus-export: {worst} differs by {report.differences[worst]:.2g}, {args.precision} may differ by {report.limit:g}; "
                f"nothing was written; try {'--precision fp32' if args.precision == 'fp16' else 'another --opset'}",
                file=sys.stderr,
            )
            return 1
        models[path] = model.SerializeToString()
    for path, content in models.items():
        write_atomically(path, content)
        print(f"wrote {path} ({len(content) / 1e6:.1f} MB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
