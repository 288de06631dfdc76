"""Step 5: from raw counts to maps, through the engine that is there, beside what one would write with torch."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from gpu_check._case import Case, make_case
from gpu_check._effort import Effort
from gpu_check._latency import Found, measure_engine
from gpu_check._offers import Offer, offers
from gpu_check._section import FAILED, NOT_RUN, OK, WRONG, Row, Section, Tell

NAME, TITLE = "end_to_end", "From raw counts to maps"

COLUMNS = (
    "p50, p99: from counts in the pinned buffer to maps on the host; of the peers: from counts in ordinary memory. "
    "write: into the pinned buffer; over ours: with it. cubes/s: the next upload overlapped. compute, TFLOP/s: of "
    "counts that are on the GPU. off by: share of the largest value of torch in float32 on the CPU"
)


def end_to_end(index: int, effort: Effort, tell: Tell) -> Section:
    """Measures ViT-B/16 through the first engine that runs here, and the peers.

    Args:
        index: which GPU.
        effort: how often.
        tell: gets a line now and then.
    """
    try:
        import torch
    except ImportError:
        return Section(NAME, TITLE, NOT_RUN, "torch is not installed, which makes the network and the right answers")
    from gpu_check._matrix import matrix_tflop_s

    tell("end to end: making the network, and the right answers on the CPU")
    try:
        made = make_case()
    except ModuleNotFoundError as error:
        return Section(NAME, TITLE, NOT_RUN, f"{error.name} is not installed, which makes the network")
    rate = matrix_tflop_s(index, effort.matrix)
    with tempfile.TemporaryDirectory(prefix="focus-gpu-check-") as folder:
        found, rows = through_engines(offers(made, Path(folder), index, tell), made.case, effort, tell)
    peers: list[Row] = []
    if torch.cuda.is_available():
        from gpu_check._peers import GradCam, Naive, measure_peer

        place = torch.device("cuda", index)
        for peer in (Naive, GradCam):
            for kind in (torch.float16, torch.float32):
                tell(f"end to end: {peer.__name__}, {kind}")
                peers.append(measure_peer(partial(peer, made, kind, place), kind, made, effort.peer_passes))
    return section_of(made.case, found, rows, peers, rate)


def through_engines(choice: Sequence[Offer], case: Case, effort: Effort, tell: Tell) -> tuple[Found | None, list[Row]]:
    """The first engine that runs, and rows for those that did not.

    Args:
        choice: engines, the best first.
        case: what they read.
        effort: how often.
        tell: gets a line now and then.
    """
    rows: list[Row] = []
    for offer in choice:
        tell(f"end to end: {offer.name}")
        try:
            found = measure_engine(offer.name, offer.make, case, effort)
        except Exception as error:  # of any library; the next engine may run
            says = f"{type(error).__name__}: {error}"[:300]
            tell(f"end to end: {offer.name}: {says}")
            rows.append({"what": offer.name, "state": FAILED, "off_by": says})
            continue
        return found, [*rows, *found.rows]
    return None, rows


def section_of(case: Case, found: Found | None, rows: list[Row], peers: list[Row], rate: float | None) -> Section:
    """The step's result.

    Args:
        case: what was read.
        found: of the engine that ran.
        rows: of all engines.
        peers: of what is compared with.
        rate: of the matrix units in TFLOP/s, None if it was not measured.
    """
    figures: dict[str, float] = {}
    naive = [row["p50_ms"] for row in peers if "p50_ms" in row and row["what"].startswith("naive")]
    if found is not None and found.batch_1_ms is not None and found.whole_ms is not None:
        figures["batch_1_ms"] = found.batch_1_ms
        if naive:
            figures["naive_over_ours"] = min(naive) / found.whole_ms
        for row in peers:
            if "p50_ms" in row:
                row["over_ours"] = row["p50_ms"] / found.whole_ms
    if found is not None and found.tflop_s is not None and rate is not None:
        figures["batch_share_of_matrix_rate"] = found.tflop_s / rate
    wrong = [row["what"] for row in [*rows, *peers] if row["state"] == WRONG]
    matrix = "not measured" if rate is None else f"{rate:.0f} TFLOP/s"
    note = (
        f"{case.title}, {case.bundle.bands} bands, K = {len(case.bundle.targets)}, G = {len(case.bundle.groups)}, raw "
        f"uint16; matrix rate: {matrix}. {COLUMNS}"
    )
    if wrong:
        return Section(NAME, TITLE, WRONG, f"wrong: {', '.join(wrong)}; {note}", [*rows, *peers], figures)
    return Section(NAME, TITLE, FAILED if found is None else OK, note, [*rows, *peers], figures)
