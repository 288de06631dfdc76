"""Tables that users keep: a line of titles, and a row a line, as spreadsheets write them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from pathlib import Path

from focus.runtime._errors import FocusError

_MARKS = ",;\t"


class Row(dict[str, str]):
    """A row of a table, by column, stripped.

    Attributes:
        line: of the file, the last one if it has several.
        decimal_comma: whether a comma is the decimal sign, as it is where semicolons part the columns.
    """

    line = 0
    decimal_comma = False

    def number(self, column: str) -> float:
        """What a cell holds; NaN where it is empty, or there is no such column.

        Raises:
            ValueError: it holds something else.
        """
        text = self.get(column) or "nan"
        return float(text.replace(",", ".") if self.decimal_comma else text)


def rows_of_text(text: str, *, strict: bool = True) -> tuple[list[str], list[Row]]:
    """The titles, and the rows that are not empty.

    Commas, semicolons or tabs part the columns, whichever the line of titles has most of.

    Args:
        strict: refuse quotes that do not close.
    Raises:
        csv.Error: it is no table.
    """
    unquoted = re.sub('"[^"]*"', "", text.partition("\n")[0])
    mark = max(_MARKS, key=unquoted.count)
    table = csv.DictReader(io.StringIO(text, newline=None), delimiter=mark, skipinitialspace=True, strict=strict)
    titles = [title.strip() for title in table.fieldnames or ()]
    table.fieldnames = titles
    rows = []
    for cells in table:
        row = Row({key: (value or "").strip() for key, value in cells.items() if isinstance(key, str)})
        row.line, row.decimal_comma = table.line_num, mark == ";"
        if any(row.values()):
            rows.append(row)
    return titles, rows


def rows_of_table(path: Path, *needed: str, hints: Mapping[str, str] | None = None) -> list[Row]:
    """The rows of a list of cubes.

    Args:
        path: a CSV file in UTF-8; needed: columns that every row must fill.
        hints: what to say more where one of them is absent.
    Raises:
        FocusError: it cannot be read; or names the column or line that does not fit.
    """
    try:
        titles, rows = rows_of_text(path.read_text("utf-8-sig"))
    except OSError as error:
        raise FocusError(f"cannot read {path}: {error.strerror or error}; check the path and its permissions") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise FocusError(
            f"{path} is not a CSV text file ({error}); expected a list of cubes, saved as comma-separated UTF-8"
        ) from None
    absent = [column for column in needed if column not in titles]
    if absent:
        hint = (hints or {}).get(absent[0], "")
        raise FocusError(f"{path} has no column {absent[0]} (it has {', '.join(titles) or 'none'}){hint}")
    if not rows:
        raise FocusError(f"{path} lists no cube; write one row a cube below the header")
    for row in rows:
        empty = next((column for column in needed if not row[column]), None)
        if empty is not None:
            raise FocusError(f"{path} line {row.line} has no {empty}; fill it in or remove the row")
    return rows
