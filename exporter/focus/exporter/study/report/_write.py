"""``report.html``, ``report.md``, ``results.json`` and PNG plots of a study."""

from __future__ import annotations

import base64
import importlib.resources
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2

from focus.exporter.study._scale import SEEDED
from focus.exporter.study._store import write_json
from focus.exporter.study.report._claims import Claim, claims_of
from focus.exporter.study.report._collect import Collected, collect
from focus.exporter.study.report._compare import Comparisons, comparisons
from focus.exporter.study.report._costs import costs_table
from focus.exporter.study.report._examples import examples_of
from focus.exporter.study.report._plots import Picture, plots_of
from focus.exporter.study.report._table import Words, markdown
from focus.exporter.study.report._words import tables_of
from focus.exporter.study.tables import TABLES
from focus.runtime import FocusError
from focus.runtime._files import write_atomically

#: Names of the files, beside the plots.
FILES = ("results.json", "report.md", "report.html")

#: Missing rows of a table are named up to so many.
MOST_ROWS = 8

#: Words on what a study is and is not, at the top of the report.
HEAD = (
    "Simulated leaves with known lesions and informative bands. A figure is the mean over the runs, with their "
    "standard deviation: in Table I of all seeds on the first three splits and of further splits once, in other tables "
    "of the first three once; each run is the mean over its test windows. Every map is that of the class which its own "
    "network predicts. What each number means, and what it does not: docs/evaluation.md."
)


def write_study_report(folder: Path) -> list[Words]:
    """Writes the report of the runs that are finished.

    Returns: the tables, for a terminal.
    Raises:
        FocusError: no study, or nothing in it is finished.
        OutputError: the files cannot be written.
    """
    study = collect(folder)
    if not study.metrics:
        raise FocusError(
            f"nothing of the study in {folder} is finished; go on with it: focus-eval study --out {folder}"
        )
    claims = claims_of(study)
    titles = {table.name: (table.title, table.says) for table in TABLES}
    compared = {group: comparisons(rows) for group, rows in study.tables.get("benchmark", {}).items()}
    tables = [*tables_of(study, titles, compared), costs_table(study)]
    pictures = [*plots_of(study), *examples_of(study)]
    for picture in pictures:
        write_atomically(folder / picture.name, picture.content)
    numbers, text, page = (folder / name for name in FILES)
    write_json(numbers, _results(study, claims, compared))
    facts = {
        "title": _title(study),
        "head": HEAD,
        "missing": missing_words(study),
        "claims": claims,
        "tables": tables,
    }
    write_atomically(text, _markdown(facts, pictures).encode())
    inline = [(picture.caption, base64.b64encode(picture.content).decode()) for picture in pictures]
    write_atomically(page, _template().render(**facts, pictures=inline).encode())
    return [_claims_table(claims), *tables]


def missing_words(study: Collected) -> list[str]:
    """What has not been run, a line a table, with its rows where they are few."""
    wanted = Counter(entry["table"] for entry in study.plan["entries"])
    found = []
    for table, count in Counter(entry["table"] for entry in study.missing).items():
        rows = Counter(entry["row"] for entry in study.missing if entry["table"] == table)
        names = ", ".join(f"{row} x {n}" for row, n in rows.items())
        found.append(f"{table}: {count} of {wanted[table]} runs" + (f" ({names})" if len(rows) <= MOST_ROWS else ""))
    return found


def _title(study: Collected) -> str:
    scale, backbone = study.plan["scale"], study.plan["backbone"]
    size = " x ".join(map(str, backbone["size"]))
    seeds, splits = (f"{scale[f'{one}s']} {one}{'s' * (scale[f'{one}s'] > 1)}" for one in ("seed", "split"))
    pairs = f"{seeds} x {splits}" if scale["splits"] <= SEEDED else f"{splits}, {seeds} on the first {SEEDED}"
    return (
        f"{backbone['name']} at {size}: {pairs}, "
        f"{scale['scenes']} training and {scale['test']} test windows, {scale['settings']['epochs']} epochs"
    )


def _results(study: Collected, claims: list[Claim], compared: Mapping[str, Comparisons]) -> dict[str, Any]:
    return {
        "plan": {name: study.plan[name] for name in ("backbone", "scale")},
        "missing": study.missing,
        "claims": [claim.to_json() for claim in claims],
        "tables": {
            table: {
                group: {
                    row: [{"seed": cell.seed, "split": cell.split, **cell.figures} for cell in cells]
                    for row, cells in rows.items()
                }
                for group, rows in groups.items()
            }
            for table, groups in study.tables.items()
        },
        "comparisons": {
            group: {key: {name: pair._asdict() for name, pair in pairs.items()} for key, pairs in found.items()}
            for group, found in compared.items()
        },
        "method costs": next((one["costs"] for one in study.metrics.values() if "costs" in one), None),
        "costs": study.costs,
    }


def _claims_table(claims: list[Claim]) -> Words:
    lines = [(claim.words, claim.group, verdict(claim), claim.found) for claim in claims]
    return Words("Expectations", ("expected", "where", "holds", "found"), lines)


def verdict(claim: Claim) -> str:
    """In a word or two."""
    return {True: "holds", False: "does not hold", None: "open"}[claim.holds]


def _markdown(facts: dict[str, Any], pictures: list[Picture]) -> str:
    parts = [f"# {facts['title']}", "", facts["head"], ""]
    if facts["missing"]:
        parts += ["**Not everything has been run. Missing are**", "", *(f"- {line}" for line in facts["missing"]), ""]
    parts += [markdown(table) for table in (_claims_table(facts["claims"]), *facts["tables"])]
    return "\n".join([*parts, *(f"![{one.caption}]({one.name})\n\n{one.caption}\n" for one in pictures)])


def _template() -> jinja2.Template:
    text = (importlib.resources.files("focus.exporter.study.report") / "report.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["verdict"] = verdict
    return environment.from_string(text)
