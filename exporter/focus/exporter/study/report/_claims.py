"""What the study was expected to show, and whether its numbers do.

A lead is beyond noise where the 95 % interval of the paired difference (``bootstrap_interval``) lies above zero, and
FOCUS is ahead on every split.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from focus.exporter.evaluate import EDGES, MODEL, OWN_MAPS, RANDOM
from focus.exporter.study._networks import CONTROLS
from focus.exporter.study._plan import FOCUS
from focus.exporter.study._scale import group_name
from focus.exporter.study._statistics import Paired
from focus.exporter.study.report._collect import Cell, Collected, Rows
from focus.exporter.study.report._compare import compare, runs_of_both

#: Maps whose ranks correlate less, either way, are other maps.
UNLIKE = 0.5

#: What is randomised: all that was learnt, or FOCUS' prompts alone.
RANDOMISED = ("nothing learnt", "untrained prompts")

#: Where the sink is measured.
SINK_GROUP = group_name("full", "class")


@dataclass(frozen=True)
class Claim:
    """One expectation.

    Attributes:
        words: what was expected; group: where.
        holds: whether it does; None where runs are missing.
        found: the numbers that say so.
    """

    words: str
    group: str
    holds: bool | None
    found: str

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


class _Both(NamedTuple):
    """Means of two methods over the runs that both have."""

    ours: float
    theirs: float
    runs: int


def claims_of(study: Collected) -> list[Claim]:
    """All expectations, on every group of the benchmark that they are about."""
    found = []
    for group, rows in study.tables.get("benchmark", {}).items():
        if group.endswith("classification"):
            missing = _missing(study, "benchmark", group)
            against_all = [
                _lead(rows, group, "bio_5", "BIO@5", 0.15),
                _lead(rows, group, "iou_leaf", "IoU in the leaf", 0.0),
                _lead(rows, group, "auprc", "AUPRC", 0.0),
                _accuracy(rows, group),
            ]
            alone = [
                _beats(rows, group, control, unit)
                for control in (RANDOM, EDGES)
                for unit in ("patches", "bands", "voxels")
            ]
            alone += [_differs(rows, group, key, other) for other in RANDOMISED for key in OWN_MAPS]
            found += [_unless(bool(missing), claim) for claim in against_all]
            found += [_unless(FOCUS in missing, claim) for claim in alone]
    return [*found, _unless(bool(_missing(study, "sink", SINK_GROUP)), _sink(study))]


def _missing(study: Collected, table: str, group: str) -> set[str]:
    """Rows of which runs are missing."""
    return {entry["row"] for entry in study.missing if (entry["table"], entry["group"]) == (table, group)}


def _unless(missing: bool, claim: Claim) -> Claim:
    """What holds against the runs that are there may fall with the next one; what does not hold is said at once."""
    if not missing or not claim.holds:
        return claim
    return replace(claim, holds=None, found=f"{claim.found}; so far, runs are missing")


def _lead(rows: Rows, group: str, key: str, words: str, margin: float) -> Claim:
    ask = f"FOCUS leads every other method in {words} by " + (f"at least {margin:g}" if margin else "more than noise")
    others = {name: cells for name, cells in rows.items() if name != MODEL and name not in CONTROLS}
    pairs = {name: pair for name, cells in others.items() if (pair := compare(rows.get(MODEL, []), cells, key))}
    if not pairs:
        return Claim(ask, group, None, "no other method has been run")
    # Beyond noise is asked of each: of two that are as far behind, one may be so in a single run.
    measure = {
        name: pair.difference if margin else np.nan_to_num(pair.low, nan=-np.inf) for name, pair in pairs.items()
    }
    verdicts = {name: pair.difference >= margin if margin else _beyond_noise(pair) for name, pair in pairs.items()}
    # Of those that fall, or else are open, the one that is nearest.
    holds = False if False in verdicts.values() else None if None in verdicts.values() else True
    nearest = min((name for name in pairs if verdicts[name] is holds), key=lambda name: measure[name])
    worst = pairs[nearest]
    return Claim(ask, group, holds, f"{_words(worst)} over {nearest}, the nearest")


def _accuracy(rows: Rows, group: str) -> Claim:
    ask = "FOCUS' accuracy is within one point of the best"
    others = {name: cells for name, cells in rows.items() if name != MODEL and name not in CONTROLS}
    pairs = {name: both for name, cells in others.items() if (both := _both(rows.get(MODEL, []), cells, "accuracy"))}
    if not pairs:
        return Claim(ask, group, None, "no other method has been run")
    best = max(pairs, key=lambda name: pairs[name].theirs - pairs[name].ours)
    ours, theirs, runs = pairs[best]
    return Claim(ask, group, theirs - ours <= 0.01, f"{ours:.3f}; best {best} {theirs:.3f} ({_runs(runs)})")


def _beats(rows: Rows, group: str, control: str, unit: str) -> Claim:
    ask = f"removing {unit}: T gains more than the {control}"
    pair = compare(rows.get(MODEL, []), rows.get(control, []), f"gain_{unit}")
    if pair is None:
        return Claim(ask, group, None, "not measured")
    return Claim(ask, group, _beyond_noise(pair), _words(pair))


def _differs(rows: Rows, group: str, key: str, other: str) -> Claim:
    ask = f"with {other} {key} is another: its rank correlation is below {UNLIKE:g}"
    figure = f"sanity_{key}_{other}"
    found = [abs(cell.figures[figure]) for cell in rows.get(MODEL, []) if figure in cell.figures]
    if not found:
        return Claim(ask, group, None, "not measured")
    above = sum(one >= UNLIKE for one in found)
    spread = f"{min(found):.3f} to {max(found):.3f}, not below in {above} of {_runs(len(found))}"
    return Claim(ask, group, bool(np.mean(found) < UNLIKE), f"{np.mean(found):.3f} on the mean, {spread}")


def _sink(study: Collected) -> Claim:
    ask, group = "the sink lowers collapse by at least 40 %", SINK_GROUP
    rows = study.tables.get("sink", {}).get(group, {})
    both = _both(rows.get("sink and loss", []), rows.get("without sink", []), "collapse")
    if both is None:
        return Claim(ask, group, None, "not measured")
    ours, without, runs = both
    found = f"{without:.3f} without, {ours:.3f} with it: {ours / without - 1:+.0%} ({_runs(runs)})"
    return Claim(ask, group, ours <= 0.6 * without, found)


def _beyond_noise(pair: Paired) -> bool | None:
    """None where there is one split alone, which tells nothing of how they differ, or no interval."""
    return None if pair.splits < 2 or not np.isfinite(pair.low) else pair.low > 0 and pair.ahead == pair.splits


def _both(ours: Sequence[Cell], theirs: Sequence[Cell], key: str) -> _Both | None:
    """Means over the seeds and splits that both have; None where there is none."""
    shared = runs_of_both(ours, theirs, key)
    if not shared:
        return None
    mean, other = (float(np.mean([cell.figures[key] for cell in side])) for side in zip(*shared, strict=True))
    return _Both(mean, other, len(shared))


def _words(pair: Paired) -> str:
    splits = f"{pair.splits} split{'s' * (pair.splits > 1)}"
    ahead = f"ahead on {pair.ahead} of {splits}, {_runs(pair.runs)}"
    return f"{pair.difference:+.3f} (95 % {pair.low:.3f} to {pair.high:.3f}, {ahead})"


def _runs(count: int) -> str:
    return f"{count} run{'s' * (count > 1)}"
