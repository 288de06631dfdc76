"""``focus-calib``: makes and shows the calibration of a rig, and quantises a model."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from focus.calib.commands import _quantize, _references
from focus.runtime.commands import CommandParser, command_parser, run_command

NAME = "focus-calib"

EXAMPLES = """\
examples:
  focus-calib reference --white white.hdr --dark dark.hdr --panel 0.99 --out rig.focuscal
      reflectance = 0.99 (raw - dark) / (white - dark) for each band and sample
  focus-calib reference --white leaf.hdr --average-samples --out leaf.focuscal
      no panel: relative to the scene's own mean spectrum
  focus-calib show rig.focuscal
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
    reference = kinds.add_parser("reference", help="make a calibration of recordings of the references")
    _references.add_reference(reference)
    reference.set_defaults(work=_references.reference)
    show = kinds.add_parser("show", help="print what is in a calibration")
    _references.add_show(show)
    show.set_defaults(work=_references.show)
    quantize = kinds.add_parser("quantize", help="make an INT8 model of an FP32 one")
    _quantize.add_arguments(quantize)
    quantize.set_defaults(work=_quantize.run)
    return parser


def _run(arguments: list[str]) -> int:
    args = _parser().parse_args(arguments)
    code: int = args.work(args)
    return code
