"""The figures as tables of words, for a terminal and for ``report.md`` alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from focus.exporter.evaluate._removed import UNITS
from focus.exporter.evaluate._window import MODEL, OWN_MAPS, TOPS


class Words(NamedTuple):
    """A table: title, names of the columns, rows of as many cells."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def tables_of(results: Mapping[str, Any]) -> list[Words]:
    """All tables of ``summarise``'s results."""
    counts = results["windows"]
    where = {
        "iou_leaf": "IoU in the leaf",
        "iou_otsu": "IoU, Otsu",
        "iou": "IoU in the window",
        "auprc": "AUPRC",
        "auprc_pooled": "pooled",
        "pointing": "pointing",
    }
    tops = [k for k in TOPS if f"bio_{k}" in results["chance"]]
    exact = {f"bio_{k}": f"BIO@{k}" for k in tops} | {f"bio_near_{k}": f"BIO@{k} ±10 nm" for k in tops}
    names = {kind: f"{kind} {arrow}" for kind, arrow in (("deletion", "↓"), ("insertion", "↑"), ("gain", "↑"))}
    removal = {f"{kind}_{unit}": f"{words} {unit}" for unit in UNITS for kind, words in names.items()}
    by_chance = {"auprc": "prevalence", "auprc_pooled": "prevalence", "pointing": "prevalence"}
    found = [_single(results)]
    if counts["scored"]:
        what = ("lesioned", "lesion") if "accuracy" in results["answers"][MODEL] else ("leaf", "leaf")
        title = f"{counts['scored']} {what[0]} windows, {counts['without_patch']} more have no patch half {what[1]}"
        found += [
            _methods(f"Where: {title}", where, results, {"chance": by_chance}),
            _methods(f"Which band: {title}", exact, results, {"chance": _same(exact), "ceiling": _ceilings(exact)}),
            *(_methods(f"Removing {unit}: {title}", _only(removal, unit), results, {}) for unit in UNITS),
        ]
    if results["sanity"]:
        rows = [(name, *(_cell(row[key]) for key in OWN_MAPS)) for name, row in results["sanity"].items()]
        found.append(Words("Sanity: rank correlation of the model's maps with those of", ("network", *OWN_MAPS), rows))
    return found


def markdown(table: Words) -> str:
    """A table in Markdown, its title as a heading."""
    lines = ["| " + " | ".join(cells) + " |" for cells in (table.columns, ["---"] * len(table.columns), *table.rows)]
    return "\n".join([f"## {table.title}", "", *lines, ""])


def fits_of(answers: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How well the answers fit, by what it is called: accuracy, or R2 of each regression target."""
    if "accuracy" in answers:
        return [("accuracy", f"{answers['accuracy']:.3f}")]
    return [(f"R2 of {name}", f"{row['r2']:.3f}") for name, row in answers.items()]


def _single(results: Mapping[str, Any]) -> Words:
    attention = results["attention"][MODEL]
    rows = [
        ("windows", f"{results['windows']['all']}"),
        *fits_of(results["answers"][MODEL]),
        ("sink mass, shown heads H*", _cell(attention["sink_shown"])),
        ("sink mass, other heads", _cell(attention["sink_others"])),
        ("collapse, shown heads", _cell(attention["collapse"])),
        ("Sink-Consistency (of two read blocks or more)", _cell(attention["sink_consistency"])),
    ]
    return Words("Answers and attention", ("", "mean ± standard error"), rows)


def _methods(
    title: str, columns: Mapping[str, str], results: Mapping[str, Any], beside: Mapping[str, Mapping[str, str]]
) -> Words:
    """A row a method; ``beside`` adds rows out of chance: name of the row -> column -> key."""
    rows = [(name, *(_cell(row.get(key)) for key in columns)) for name, row in results["methods"].items()]
    for name, keys in beside.items():
        rows.append((name, *(_cell(results["chance"].get(keys.get(key, ""))) for key in columns)))
    return Words(title, ("map", *columns.values()), rows)


def _same(columns: Sequence[str] | Mapping[str, str]) -> dict[str, str]:
    return {key: key for key in columns}


def _ceilings(columns: Mapping[str, str]) -> dict[str, str]:
    return {key: key.replace("bio_", "ceiling_") for key in columns}


def _only(columns: Mapping[str, str], unit: str) -> dict[str, str]:
    return {key: words.removesuffix(f" {unit}") for key, words in columns.items() if key.endswith(f"_{unit}")}


def _cell(value: Sequence[float] | float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else f"{value[0]:.3f} ± {value[1]:.3f}"
