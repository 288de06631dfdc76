"""``focus-calib``: makes and shows the calibration of a rig, and quantises a model."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from focus.calib.commands import _quantize, _references, _show
from focus.runtime.commands import CommandParser, command_parser, run_command

NAME = "focus-calib"

EXAMPLES = """\
examples:
  focus-calib reference --white white.hdr --dark dark.hdr --panel 0.99 --out rig.focuscal
      reflectance = 0.99 (raw - dark) / (white - dark) for each band and sample
  focus-calib reference --white gige://192.168.5.2 --dark gige://192.168.5.2 --panel panel.csv --out rig.focuscal
      from a camera: says when to cover the lens, and when to put the panel under it
  focus-calib reference --white white8.hdr --dark dark2.hdr --dark dark8.hdr --out rig.focuscal
      darks at two exposures: the calibration then holds for other exposures, too
  focus-calib reference --white leaf.hdr --average-samples --out leaf.focuscal
      no panel: relative to the scene's own mean spectrum
  focus-calib reference --white sim:target=white --dark sim:target=dark --panel 1 --out sim.focuscal
      the simulated camera's references
  focus-calib show rig.focuscal --out rig.png
  focus-calib quantize --onnx focus.onnx --data leaves.csv --out focus-int8.onnx
      INT8, with ranges from real windows, checked against FP32
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit code."""
    return run_command(NAME, lambda: _run(list(sys.argv[1:] if argv is None else argv)))


def _parser() -> CommandParser:
    parser = command_parser(
        NAME, "Make and show the calibration that turns raw counts into reflectance; quantise a model.", EXAMPLES
    )
    kinds = parser.add_subparsers(
        dest="kind", required=True, metavar="{reference,show,quantize}", parser_class=CommandParser
    )
    reference = kinds.add_parser("reference", help="make a calibration of the references, recorded or from a camera")
    _references.add_arguments(reference)
    reference.set_defaults(work=_references.run, error=reference.error)
    show = kinds.add_parser("show", help="print and draw what is in a calibration")
    _show.add_arguments(show)
    show.set_defaults(work=_show.run, error=show.error)
    quantize = kinds.add_parser("quantize", help="make an INT8 model of an FP32 one")
    _quantize.add_arguments(quantize)
    quantize.set_defaults(work=_quantize.run, error=quantize.error)
    return parser


def _run(arguments: list[str]) -> int:
    args, unknown = _parser().parse_known_args(arguments)
    if unknown:  # argparse would name the command without its kind
        args.error(f"unrecognized arguments: {' '.join(unknown)}")
    code: int = args.work(args)
    return code
