"""Map sinks: what a run leaves behind."""

from focus.runtime.outputs._beside import BesideSink
from focus.runtime.outputs._bigtiff import BigTiffWriter
from focus.runtime.outputs._contract import BaseSink, MapSink
from focus.runtime.outputs._curve import Curves
from focus.runtime.outputs._envi import EnviWriter
from focus.runtime.outputs._folder import RECORD, RunFolder
from focus.runtime.outputs._layout import Layout
from focus.runtime.outputs._maps import CollectedMap, SaliencyCubeSink, SaliencySink, ScoresSink
from focus.runtime.outputs._open_files import OpenFiles
from focus.runtime.outputs._options import OutputOptions
from focus.runtime.outputs._record import RecordSink
from focus.runtime.outputs._run_record import Results, RunFacts
from focus.runtime.outputs._score import lesion_iou
from focus.runtime.outputs._writer import RunWriter

__all__ = [
    "RECORD",
    "BaseSink",
    "BesideSink",
    "BigTiffWriter",
    "CollectedMap",
    "Curves",
    "EnviWriter",
    "Layout",
    "MapSink",
    "OpenFiles",
    "OutputOptions",
    "RecordSink",
    "Results",
    "RunFacts",
    "RunFolder",
    "RunWriter",
    "SaliencyCubeSink",
    "SaliencySink",
    "ScoresSink",
    "lesion_iou",
]
