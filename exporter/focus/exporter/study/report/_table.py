"""A table as words, for HTML, Markdown and a terminal alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Words(NamedTuple):
    """A table: title, names of the columns, rows of as many cells, and a sentence under it."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    note: str = ""


def markdown(table: Words) -> str:
    """A table in Markdown, its title as a heading."""
    lines = ["| " + " | ".join(cells) + " |" for cells in (table.columns, ["---"] * len(table.columns), *table.rows)]
    return "\n".join([f"## {table.title}", "", *([table.note, ""] if table.note else []), *lines, ""])
