"""Frame sources: cameras, files and simulations behind one contract."""

from focus.runtime.sources._bands import Bands
from focus.runtime.sources._contract import FrameMeta, FrameSource, GetBuffer, SourceFacts, Truth
from focus.runtime.sources._lines import LINE_COLUMNS, LineState, RecordedLine, lines_table_of, read_lines
from focus.runtime.sources._options import CAMERA_FIELDS, FILE_FIELDS, OPTION_OF_FIELD, SourceOptions
from focus.runtime.sources._pace import Pace
from focus.runtime.sources._replay import CALIBRATION_BESIDE, Replay, WordFormat
from focus.runtime.sources._sim import Sim, SimOptions
from focus.runtime.sources._uri import source_from_uri

__all__ = [
    "CALIBRATION_BESIDE",
    "CAMERA_FIELDS",
    "FILE_FIELDS",
    "LINE_COLUMNS",
    "OPTION_OF_FIELD",
    "Bands",
    "FrameMeta",
    "FrameSource",
    "GetBuffer",
    "LineState",
    "Pace",
    "RecordedLine",
    "Replay",
    "Sim",
    "SimOptions",
    "SourceFacts",
    "SourceOptions",
    "Truth",
    "WordFormat",
    "lines_table_of",
    "read_lines",
    "source_from_uri",
]
