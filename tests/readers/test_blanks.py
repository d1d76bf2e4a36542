"""An empty cell among numbers, in every text file of every layout: an error, or zero if asked."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.files.layouts import LAYOUTS

import carbonflows_fast as cf
from carbonflows_fast.errors import FormatError

NUMBER = re.compile(r"-?\d+(\.\d+)?(e[-+]\d+)?")
STEP = 7  # every seventh number is left out

FREE = {
    "oecd": r"ICIO2021_2018\.csv, (AUS_TAXSUB|VALU|OUTPUT)",
    "oecd-emissions": r"(2018_SML\.csv, (TLS|VA|OUT)|DF_MAIN\.csv)",
    "exiobase": r"population\.txt",
    "exiobase-hybrid": r"MR_HIOT_2011_v3_3_18_principal_production\.csv",
    "plain": r"population\.csv",
}
"""What may be empty: primary inputs of demand, observations that are lacking, unknown heads, and
numbers that are not read, below labels that are."""

LABELS = re.compile(r"index_.\.csv|labels_.*|(sectors|demands|flows|indicators)\.json|unit\.txt")


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


def text_files(folder: Path) -> list[Path]:
    found = [p for p in sorted(folder.rglob("*")) if p.suffix in (".csv", ".txt")]
    return [p for p in found if not LABELS.fullmatch(p.name)]


def complaint(folder: Path) -> str:
    try:
        cf.read(folder)
    except FormatError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("layout", sorted(set(LAYOUTS) - {"store", "exiobase-zip"}))
def test_an_empty_cell_is_refused_with_its_place(layout: str, tmp_path: Path) -> None:
    LAYOUTS[layout](tmp_path)
    good = cf.read(tmp_path)
    files = text_files(tmp_path)
    counted = 0
    for path in files:
        raw = path.read_text()
        lines = raw.split("\n")
        delimiter = "\t" if "\t" in raw else ","
        cells = [line.split(delimiter) for line in lines]
        places = [
            (i, j) for i, row in enumerate(cells) for j, c in enumerate(row) if NUMBER.fullmatch(c)
        ]
        for i, j in places[::STEP]:
            without = [*cells[i][:j], "", *cells[i][j + 1 :]]
            path.write_text("\n".join([*lines[:i], delimiter.join(without), *lines[i + 1 :]]))
            said = complaint(tmp_path)
            place = f"{path.name}, {cells[i][0]}"
            if layout in FREE and re.match(FREE[layout], place):
                continue
            assert said, f"{place}, cell {j + 1} was empty, and read"
            if "an empty cell" in said:
                counted += 1
                assert path.name in said
                assert re.search(r"line \d+|row '|'.* \| ", said.partition(": expected")[0])
                assert cf.read(tmp_path, blanks="zero").n == good.n
        path.write_text(raw)
    assert counted or not files


def test_the_count_is_that_of_the_file(tmp_path: Path) -> None:
    LAYOUTS["gloria"](tmp_path)
    path = next(p for p in text_files(tmp_path) if "_Y-Results_" in p.name)
    lines = path.read_text().splitlines()
    lines[3], lines[5] = ("," * line.count(",") for line in (lines[3], lines[5]))
    empty = 2 * (lines[3].count(",") + 1)
    path.write_text("\n".join([*lines, ""]))
    with pytest.raises(FormatError, match=rf"line 4, .*an empty cell, the first of {empty} in the"):
        cf.read(tmp_path)
