"""WIOD 2016 as data of R: a table written by code, every complaint, and hostile content."""

from __future__ import annotations

import bz2
import gzip
import lzma
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.files.r_files import write_frames
from support.files.wiod_files import Made

from carbonflows_fast.errors import FormatError, InputError
from carbonflows_fast.readers import read
from carbonflows_fast.readers.wiod import _rdata

NAME = "WIOT2014_October16_ROW.RData"


@pytest.fixture
def made() -> Made:
    return Made(2016)


def test_it_is_the_table_of_the_workbook(tmp_path: Path, made: Made) -> None:
    table = read(made.write_rdata(tmp_path))
    made.check(table)
    assert table.name == "WIOD 2016 WIOT2014_October16_ROW"
    workbook = read(made.write(tmp_path / "workbook"))
    assert table.equals(workbook.with_changes(name=table.name))


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_it_may_be_packed_in_any_way_of_r(
    tmp_path: Path, made: Made, pack: Callable[[bytes], bytes]
) -> None:
    path = made.write_rdata(tmp_path)
    path.write_bytes(pack(gzip.decompress(path.read_bytes())))
    made.check(read(path))


def test_whole_numbers_and_factors(tmp_path: Path, made: Made) -> None:
    frame = made.frame()
    frame["RNr"] = frame["RNr"].astype("int32")
    frame["Year"] = frame["Year"].astype("int32")
    frame["Country"] = pd.Categorical(frame["Country"])
    made.check(read(made.write_rdata(tmp_path, frame)))


def test_the_workbook_of_a_year_comes_first(
    tmp_path: Path, made: Made, caplog: pytest.LogCaptureFixture
) -> None:
    made.write(tmp_path)
    (tmp_path / NAME).write_bytes(b"damaged")
    with caplog.at_level("INFO"):
        made.check(read(tmp_path))
    assert "the workbook of the year is there" in caplog.text


def test_empty_cells_are_refused_or_zero(tmp_path: Path, made: Made) -> None:
    frame = made.frame()
    frame.loc[2, "ROU1"] = np.nan
    path = made.write_rdata(tmp_path, frame)
    with pytest.raises(FormatError, match=r"wiot, row 3, column ROU1: .* got an empty cell"):
        read(path)
    assert read(path, blanks="zero").Z.toarray()[2, 3] == 0


def put(row: int, column: str, value: object) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[row, column] = value
        return frame

    return change


DAMAGES = {
    "infinite": (put(2, "ROU1", np.inf), r"row 3, column ROU1: expected a finite number"),
    "year": (put(2, "Year", 2013.0), r"wiot: expected the year 2014, .* got 2013, 2014"),
    "text": (lambda f: f.assign(AUS2="x"), r"numbers in column AUS2, got"),
    "label": (lambda f: f.drop(columns="RNr"), r"the columns IndustryCode, .* first, got"),
    "column": (lambda f: f.rename(columns={"AUS2": "2"}), r"such as AUS1, and TOT, got '2'"),
    "number": (lambda f: f.rename(columns={"AUS2": "AUS9"}), r"AUS with RNr 9, got none, for"),
    "order": (lambda f: f.rename(columns={"AUS2": "AUS1", "AUS1": "AUS2"}), r"columns"),
    "output": (lambda f: f.iloc[:-1], r"expected one row GO with outputs, got 0"),
    "no rows": (lambda f: f.iloc[:0], r"expected the year 2014, as in its name, got none"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named(tmp_path: Path, made: Made, damage: str) -> None:
    change, message = DAMAGES[damage]
    with pytest.raises(FormatError, match=message):
        read(made.write_rdata(tmp_path, change(made.frame())))


PACKED = gzip.compress(b"RDX3\nX\n", mtime=0)  # the same name of the test in every process


@pytest.mark.parametrize("content", [b"", b"RDX2\nX\n", b"damaged", PACKED])
def test_what_is_no_data_of_r_is_refused(tmp_path: Path, content: bytes) -> None:
    pytest.importorskip("rdata")
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(FormatError, match=rf"{NAME}: expected data of R, got"):
        read(tmp_path)


def test_other_objects_and_bombs_are_refused(
    tmp_path: Path, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made.write_rdata(tmp_path)
    write_frames(path, {"niot": made.frame()})
    with pytest.raises(FormatError, match=r"expected a data frame wiot, got niot"):
        read(path)
    monkeypatch.setattr(_rdata, "MOST_BYTES", 1000)
    with pytest.raises(FormatError, match=r"more than 1000 bytes"):
        read(path)


def test_without_the_package_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / NAME).write_bytes(b"RDX2")
    for module in ("rdata", "rdata.conversion", "rdata.parser"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InputError, match=r"rdata: .*; install it with .*carbonflows_fast\[rdata\]"):
        read(tmp_path)
