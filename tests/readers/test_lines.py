"""Cells that go on over several lines, as spreadsheets' headers have them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import carbonflows_fast as cf
from carbonflows_fast.readers._layouts._lines import MOST_LINES, whole_lines

CELLS = st.text(alphabet='ab",;\n é', max_size=6)


@given(st.lists(st.lists(CELLS, min_size=2, max_size=4), min_size=1, max_size=6))
def test_what_csv_writes_comes_back_row_by_row(rows: list[list[str]]) -> None:
    """The csv module, told of the whole text at once, is the reference."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    lines = io.BytesIO(text.getvalue().encode()).readlines()
    found = list(whole_lines(lines, ","))
    assert b"".join(line for line, _ in found) == b"".join(lines)
    assert sum(count for _, count in found) == len(lines)
    assert [next(csv.reader([line.decode().rstrip("\n")])) for line, _ in found] == rows


@pytest.mark.parametrize(
    "text", ['5" pipe,1\nb,2\n', '"open,1\nb,2\n', '"open,1\n"again,2\n', 'a,"b"c\nd,1\n']
)
def test_a_quote_that_quotes_nothing_joins_no_lines(text: str) -> None:
    lines = io.BytesIO(text.encode()).readlines()
    assert list(whole_lines(lines, ",")) == [(line, 1) for line in lines]


def test_a_quote_that_stays_open_for_long_quotes_nothing() -> None:
    lines = [b'"a,1\n', *[b"b,2\n"] * MOST_LINES, b'c",3\n']
    assert [count for _, count in whole_lines(lines, ",")] == [1] * len(lines)
    assert [count for _, count in whole_lines(lines[1:], ",")] == [1] * (len(lines) - 1)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_labels_with_line_breaks_are_read_from_ones_own_folder(
    tmp_path: Path, separator: str, end: str
) -> None:
    sectors = ["Coal and\nlignite", 'rest, "all"\n\nothers']
    rows = pd.MultiIndex.from_product([["NO"], sectors], names=["region", "sector"])
    buys = pd.MultiIndex.from_tuples([("NO", "homes\n(all)")], names=["region", "category"])
    stressors = pd.Index(["CO2\nfossil"], name="stressor")
    frames = {
        "Z": pd.DataFrame([[5.0, 2], [1, 6]], rows, rows),
        "Y": pd.DataFrame([[20.0], [30]], rows, buys),
        "F": pd.DataFrame([[40.0, 25]], stressors, rows),
        "row_units": pd.Series(["M.\nNOK", "GWh"], rows, name="unit"),
        "stressor_units": pd.Series(["kt"], stressors, name="unit"),
    }
    for name, frame in frames.items():
        frame.to_csv(tmp_path / f"{name}.csv", sep=separator, lineterminator=end)
    table = cf.read(tmp_path)
    assert list(table.sectors) == sectors
    assert table.demand.tolist() == [("NO", "homes\n(all)")]
    assert table.stressors == ("CO2\nfossil",)
    assert table.row_units.tolist() == ["M.\nNOK", "GWh"]
    np.testing.assert_array_equal(table.Z.toarray(), frames["Z"])


def test_lines_are_counted_as_in_the_file(tmp_path: Path) -> None:
    frames = {
        "Z": 'region,,NO,NO\nsector,,"a\nb",c\n,,,\nNO,"a\nb",1,2\nNO,c,3,x\n',
        "Y": "region,,NO\ncategory,,homes\n,,\nNO,a,1\nNO,c,2\n",
        "F": "region,NO\nsector,a\nstressor,\nCO2,1\n",
    }
    for name, text in frames.items():
        (tmp_path / f"{name}.csv").write_text(text)
    with pytest.raises(cf.FormatError, match=r"Z\.csv, line 7, row 'NO \| c', column 'NO \| c'"):
        cf.read(tmp_path)
