"""The result on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from focus.exporter.bench._rounds import OK, Row


def tables_from_result(result: Mapping[str, Any]) -> Iterator[Table]:
    """One table a model, one for the sweep, one for ``focus-run``, and the targets."""
    rows: Sequence[Row] = result["rows"]
    for model in result["models"]:
        own = [row for row in rows if row["model"] == model["name"] and "against" in row]
        if own:
            yield _model_table(f"{model['title']}, {model['bands']} bands, {model['weights']} weights", own)
    sweep = [row for row in rows if "bands" in row and "against" not in row]
    if sweep:
        yield _sweep_table(sweep, result["ratios_of"])
    commands = [row for row in rows if row["name"].startswith("focus_run")]
    if commands:
        yield _command_table(commands)
    yield _target_table(result["targets"], result["ratios_of"])


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_style="bold", header_style="", box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.title_justify = table.caption_justify = "left"
    for number, name in enumerate(columns):
        table.add_column(name, justify="left" if number == 0 else "right", no_wrap=number == 0)
    return table


def _model_table(title: str, rows: Sequence[Row]) -> Table:
    columns = ("row", "median", "p99", "x peer", "peak MB", "ingest", "graph", "saliency", "off by")
    table = _table(f"{title}; times in ms", *columns)
    medians = {row["name"]: row.get("median_ms") for row in rows}
    for row in rows:
        if row["state"] != OK:
            table.add_row(row["name"], Text(row["state"], style="yellow"), *[""] * (len(columns) - 2))
            continue
        peer = medians.get(row["against"])
        stages = row.get("stages_ms", {})
        table.add_row(
            row["name"],
            _number(row["median_ms"]),
            _number(row["p99_ms"]),
            _number(row["median_ms"] / peer) if peer else "",
            f"{row['peak_mb']:.0f}",
            *(_number(stages.get(name)) for name in ("ingest", "graph", "saliency")),
            f"{max(row['check']['differences'].values()):.1g}",
        )
    faults = [f"{row['name']}: {row['state']}: {row.get('note', '')}" for row in rows if row["state"] != OK]
    note = "x peer: over plain_vit_openvino, the kernels over a copy\noff by: share of the reference's largest value"
    table.caption = "\n".join([note, *faults])
    return table


def _sweep_table(rows: Sequence[Row], model: str) -> Table:
    table = _table(f"time and memory against bands, {model}, torch float32", "row", "bands", "s a pass", "peak MB", "")
    for row in rows:
        estimated = "median_ms" not in row and row.get("estimated_ms") is not None
        time_ms = row.get("median_ms", row.get("estimated_ms"))
        table.add_row(
            row["name"],
            str(row["bands"]),
            "" if time_ms is None else ("~" if estimated else "") + _number(1e-3 * time_ms),
            f"{row['peak_mb']:.0f}" if row.get("peak_mb") else "",
            Text("" if row["state"] == OK else f"{row['state']}: {row.get('note', '')}", style="yellow"),
        )
    table.columns[-1].justify = "left"
    return table


def _command_table(rows: Sequence[Row]) -> Table:
    table = _table("focus-run, the real process", "row", "")
    table.columns[1].justify = "left"
    for row in rows:
        if row["state"] != OK:
            table.add_row(row["name"], Text(f"{row['state']}: {row.get('note', '')}", style="yellow"))
        elif row["name"] == "focus_run":
            table.add_row(
                row["name"],
                f"first map after {row['first_map_s']:.2f} s, all files of one window after "
                f"{1e-3 * row['median_ms']:.2f} s, peak {row['peak_mb']:.0f} MB",
            )
        else:
            table.add_row(
                row["name"],
                f"{row['cubes']} cubes, {row['median_ms']:.1f} ms a cube with its files, peak {row['peak_mb']:.0f} MB "
                f"({row['short_peak_mb']:.0f} MB after {row['short_cubes']})",
            )
    return table


def _target_table(targets: Sequence[Mapping[str, Any]], model: str) -> Table:
    table = _table(f"where it has to get, {model}", "figure", "value", "wanted", "")
    for target in targets:
        words, style = {True: ("met", "green"), False: ("not met", "red"), None: ("not measured", "dim")}[target["met"]]
        table.add_row(target["says"], _number(target["value"]), target["wanted"], Text(words, style=style))
    return table


def _number(value: float | None) -> str:
    """Two or three digits that matter."""
    if value is None:
        return ""
    if abs(value) < 10:
        return f"{value:.2g}" if abs(value) < 0.1 else f"{value:.3g}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}"
