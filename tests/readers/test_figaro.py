"""FIGARO's matrices and flat files, by fixtures in their layout."""

from __future__ import annotations

import logging
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from support.files.figaro_files import (
    CATEGORIES,
    ENERGY,
    INPUTS,
    REGIONS,
    energy,
    flattened,
    written,
)

from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers import read

KINDS = [
    ("", "i", "ind-by-ind_24ed_2019"),
    ("CPA_", "p", "prod-by-prod_25ed_2019_v2"),
    ("", "i", "ind-by-ind_2019"),
]


@pytest.mark.parametrize(("prefix", "letter", "name"), KINDS)
def test_a_matrix_is_read(tmp_path: Path, prefix: str, letter: str, name: str) -> None:
    path = written(tmp_path, prefix, name)
    lines = [line.split(",") for line in path.read_text().splitlines()]
    numbers = np.array([line[1:] for line in lines[1:]], dtype=float)
    for place in (path, tmp_path):
        table = read(place)
        assert table.year == 2019
        assert table.name == f"FIGARO {name}"
        assert table.regions == tuple(REGIONS)
        assert table.sectors == (f"{prefix}A01", f"{prefix}C31_32")
        assert list(table.demand)[:3] == [("AT", category) for category in CATEGORIES]
        np.testing.assert_array_equal(table.Z.toarray(), numbers[:6, :6])
        np.testing.assert_array_equal(table.Y, numbers[:6, 6:])
        np.testing.assert_array_equal(table.F, numbers[6:, :6])
        np.testing.assert_array_equal(table.F_Y, numbers[6:, 6:])
        np.testing.assert_allclose(table.x, numbers[:6].sum(axis=1), rtol=1e-14)
        assert table.stressors == tuple(INPUTS)


@pytest.mark.parametrize(("prefix", "letter", "name"), KINDS)
def test_a_flat_file_is_the_same_table(
    tmp_path: Path, prefix: str, letter: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    matrix = written(tmp_path, prefix, name)
    path = flattened(matrix, letter)
    table = read(matrix)
    assert read(path).equals(table)
    with caplog.at_level(logging.INFO):
        assert read(tmp_path).equals(table)  # the matrix, where both are there
    assert f"{path.name}: not read, the matrix beside it is the same" in caplog.text
    matrix.unlink()
    with zipfile.ZipFile(path.with_suffix(".zip"), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, path.name)
    path.unlink()
    caplog.clear()
    for place in (tmp_path, path.with_suffix(".zip")):
        assert read(place, year=2019).equals(table)
    assert not caplog.records


def test_figaro_e3_is_the_same_in_other_names(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "eu").mkdir()
    eurostat = read(written(tmp_path / "eu", name="ind-by-ind_24ed_2015"))
    matrix = energy(tmp_path)
    flat = flattened(matrix)
    (tmp_path / "co2Footprint_23ed_2015.csv").write_text("never opened")
    table = read(tmp_path / matrix.name)
    assert (table.name, table.year) == (f"FIGARO-E3 {ENERGY}", 2015)
    same = eurostat.with_changes(name=table.name)
    assert table.equals(same)
    assert read(flat).equals(same)
    shutil.rmtree(tmp_path / "eu")
    assert read(tmp_path).equals(same)
    assert "are not of the 175 of FIGARO-E3, and not read" in caplog.text


def test_the_order_of_lines_does_not_matter_and_absent_pairs_are_zero(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    matrix = written(tmp_path)
    path = flattened(matrix)
    table = read(matrix)
    header, *lines = path.read_text().splitlines()
    zeros = [line for line in lines if line.endswith(",0.0")]
    assert len(zeros) > 5
    order = np.random.default_rng(0).permutation(len(lines)).tolist()
    mixed = [lines[at] for at in order if lines[at] not in zeros]
    empty = zeros[0].removesuffix("0.0")
    path.write_text("\r\n".join([header, *mixed, "", empty, ""]))
    with pytest.raises(
        FormatError, match=r"csv, row '\w+', column '\w+': .*got an empty cell; fill"
    ):
        read(path)
    other = read(path, blanks="zero")
    assert f"{len(zeros) - 1} absent pairs count as zero" in caplog.text
    assert "1 empty cell counts as zero" in caplog.text
    rows, columns = list(table.x.index), list(table.demand)
    here, there = list(other.x.index), list(other.demand)
    assert (set(here), set(there)) == (set(rows), set(columns))
    at = [here.index(row) for row in rows]
    np.testing.assert_array_equal(other.Z.toarray()[np.ix_(at, at)], table.Z.toarray())
    np.testing.assert_array_equal(other.Y.loc[rows, columns], table.Y)
    np.testing.assert_array_equal(other.F.loc[INPUTS, rows], table.F)
    np.testing.assert_array_equal(other.F_Y.loc[INPUTS, columns], table.F_Y)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("AT_P3_S13", "XX_P3_S13", "column XX_P3_S13: expected final demand of AT, FIGW1"),
        ("rowLabels,AT_A01", "rowLabels,AT_A02", r"row AT_A01: expected a sector \(a column too\)"),
        ("W2_D1", "W2_OP_RES", "row 'W2_OP_RES': expected every row once"),
        ("W2_D1", "AT_D1", r"row AT_D1: expected a sector \(a column too\) of AT, FIGW1, GR"),
    ],
)
def test_damage_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = written(tmp_path)
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    with pytest.raises(FormatError, match=message):
        read(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("refArea", "area", "line 1: expected one column refArea, got 0 among icioiRow, icioiCol"),
        ("rowIi", "rowPi", r"line 1: expected one column row\(Ii|Pp\), got 0 among"),
        ("icioiRow", "obsValue", "line 1: expected one column obsValue, got 2 among"),
        (",AT,A01,AT,C31_32,", ",AT,A01,AT,A01,",
         r"'AT \| A01 \| AT \| A01': expected one record of these labels, got 2"),
        (",AT,A01,AT,A01,", ",AT,A01,AT,", "line 2: expected 7 cells, got 6; the line is cut"),
        (",AT,A01,AT,A01,", ",AT,A01,AT,A01,1,", "line 2: expected 7 cells, got 8"),
        (",AT,A01,AT,C31_32,", ",AT,A01,AT,C31_32,x",
         "line 3, column obsValue: expected a finite number, got 'x"),
        (",GR,A01,GR,A01,", ",GR,A01,GR,A01,nan;", "column obsValue: expected a finite"),
        (",GR,A01,GR,A01,", ",GR,A01,GR,A01,1e999", "column obsValue: expected a finite"),
        (",W2,D1,GR,P5M,", ",W2,,GR,P5M,", r"column row\(Ii\|Pp\): expected a code, got ''"),
        (",W2,D1,GR,P5M,", ",W_2,D1,GR,P5M,", "column refArea: expected a code without under"),
        (",GR,P5M,", ",XX,P5M,", "column XX_P5M: expected final demand of AT, FIGW1, GR"),
        (",GR,A01,AT,A01,", ",GR,A0X,AT,A01,", r"row GR_A0X: expected a sector \(a col"),
        ("icioiRow", "\xff", "line 1: expected UTF-8 text"),
        (",W2,D1,GR,P5M,", ",W2,D1,GR,P5\xff,", r"line \d+: expected UTF-8 text"),
    ],
)  # fmt: skip
def test_damage_of_a_flat_file_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = flattened(written(tmp_path))
    text = path.read_text()
    assert old in text
    path.write_bytes(text.replace(old, new).encode("latin-1"))
    with pytest.raises(FormatError, match=rf"flatfile_eu-ic-io_\S+csv.*{message}"):
        read(path)


@pytest.mark.parametrize("share", [0, 0.001, 0.5, 0.9])
def test_a_flat_file_cut_short_is_refused(tmp_path: Path, share: float) -> None:
    path = flattened(written(tmp_path))
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(FormatError, match=r"flatfile_\S+csv"):
        read(path)


def test_a_flat_file_of_hardly_any_pairs_is_refused(tmp_path: Path) -> None:
    header = "refArea,rowIi,counterpartArea,colIi,obsValue"
    lines = [f"AT,A{at},AT,A{at},1" for at in range(101)]
    path = tmp_path / "flatfile_eu-ic-io_ind-by-ind_24ed_2019.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    with pytest.raises(FormatError, match=r"expected 101 × 101 pairs, .* got 101 pairs, and one"):
        read(path)


def test_a_damaged_zip_of_a_flat_file_is_refused(tmp_path: Path) -> None:
    path = flattened(written(tmp_path))
    packed = path.with_suffix(".zip")
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        archive.write(path, path.name)
    content = bytearray(packed.read_bytes())
    content[len(content) // 2] ^= 1
    packed.write_bytes(content)
    with pytest.raises(FormatError, match="expected a complete and readable file"):
        read(packed)


def test_supply_and_use_are_refused(tmp_path: Path) -> None:
    for name in (
        "flatfile_eu-ic-supply_24ed_2019.csv",
        "matrix_eu-ic-use_24ed_2019.csv",
        "matrix_FIGARO-e-ic-supply_millionEUR_2015.csv",
    ):
        (tmp_path / name).write_text("icsupRow,icsupCol,refArea,rowPi\n")
        with pytest.raises(FormatError, match=rf"{name}: expected an input-output table of FIG"):
            read(tmp_path / name)
    written(tmp_path)
    assert read(tmp_path).year == 2019
