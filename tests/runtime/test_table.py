"""Tables as spreadsheets write them."""

import csv
from pathlib import Path

import pytest

from focus.runtime import FocusError
from focus.runtime._table import rows_of_table, rows_of_text


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_the_line_of_titles_says_what_parts_the_columns(mark: str) -> None:
    text = f"path{mark} label{mark}water\r\na b.npz{mark} rust{mark} 2.5\r\n"
    titles, rows = rows_of_text(text)
    assert titles == ["path", "label", "water"]
    assert rows == [{"path": "a b.npz", "label": "rust", "water": "2.5"}]
    assert rows[0].number("water") == 2.5


def test_a_comma_is_the_decimal_sign_where_it_parts_nothing() -> None:
    _, (row,) = rows_of_text("path;water\na,b.npz;2,5\n")
    assert row["path"] == "a,b.npz" and row.number("water") == 2.5
    _, (row,) = rows_of_text('path,water\na.npz,"2,5"\n')
    with pytest.raises(ValueError, match="2,5"):
        row.number("water")


def test_marks_within_quotes_part_nothing() -> None:
    titles, rows = rows_of_text('path,"soil; leaf; pot"\na.npz,x\n')
    assert titles == ["path", "soil; leaf; pot"] and rows == [{"path": "a.npz", "soil; leaf; pot": "x"}]
    assert rows_of_text('"path";"x, y, z"\na.npz;1\n')[1] == [{"path": "a.npz", "x, y, z": "1"}]


def test_between_tabs_a_comma_is_no_decimal_sign() -> None:
    _, (row,) = rows_of_text("path\twater\na.npz\t1,100\n")
    with pytest.raises(ValueError, match="1,100"):
        row.number("water")


def test_a_cell_that_is_empty_or_absent_is_no_number() -> None:
    _, (row,) = rows_of_text("path,alt\na.npz,\n")
    assert row.number("alt") != row.number("alt") and row.number("roll") != row.number("roll")


def test_rows_without_anything_are_left_out_and_lines_are_an_editors() -> None:
    _, rows = rows_of_text('path,label\n\n"a\nb",x\n,\nc,y\n')
    assert [(row["path"], row.line) for row in rows] == [("a\nb", 4), ("c", 6)]


def test_quotes_that_do_not_close_are_refused_where_it_matters() -> None:
    with pytest.raises(csv.Error):
        rows_of_text('path\n"a\n')
    assert rows_of_text('path\n"a\n', strict=False)[1] == [{"path": "a"}]


def test_a_list_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(FocusError, match=r"cannot read .*none.csv: No such file or directory; check the path"):
        rows_of_table(tmp_path / "none.csv", "path")
    (tmp_path / "list.csv").write_text("path;label\n;x\n")
    with pytest.raises(FocusError, match=r"list.csv line 2 has no path; fill it in or remove the row"):
        rows_of_table(tmp_path / "list.csv", "path")
    with pytest.raises(FocusError, match=r"list.csv has no column plant \(it has path, label\); say it"):
        rows_of_table(tmp_path / "list.csv", "path", "plant", hints={"plant": "; say it"})
    with pytest.raises(FocusError, match=r"has no column leaf \(it has path, label\)$"):
        rows_of_table(tmp_path / "list.csv", "leaf", hints={"plant": "; say it"})
