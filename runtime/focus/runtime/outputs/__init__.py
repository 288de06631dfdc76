"""Map sinks: what a run leaves behind."""

from focus.runtime.outputs._contract import BaseSink, MapSink
from focus.runtime.outputs._curve import Curves
from focus.runtime.outputs._envi import EnviWriter
from focus.runtime.outputs._folder import RunFolder
from focus.runtime.outputs._maps import CollectedMap, SaliencyCubeSink, SaliencySink, ScoresSink
from focus.runtime.outputs._save import run_to_folder
from focus.runtime.outputs._score import lesion_iou
from focus.runtime.outputs._writer import Results, RunFacts, RunWriter

__all__ = [
    "BaseSink",
    "CollectedMap",
    "Curves",
    "EnviWriter",
    "MapSink",
    "Results",
    "RunFacts",
    "RunFolder",
    "RunWriter",
    "SaliencyCubeSink",
    "SaliencySink",
    "ScoresSink",
    "lesion_iou",
    "run_to_folder",
]
