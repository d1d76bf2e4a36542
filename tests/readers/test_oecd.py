"""The OECD's tables: fixtures of each edition, and pymrio's numbers on its samples."""

from __future__ import annotations

import logging
import shutil
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from support.files.oecd_files import EDITIONS, Edition

from carbonflows_fast.errors import FormatError, LabelError
from carbonflows_fast.readers import read


@pytest.fixture(params=EDITIONS)
def made(request: pytest.FixtureRequest) -> Edition:
    return Edition(request.param, *EDITIONS[request.param])


@pytest.mark.parametrize("kind", ["file", "folder", "zip", "zip in a folder", "Windows"])
def test_every_edition_is_read(made: Edition, tmp_path: Path, kind: str) -> None:
    path = tmp_path / made.member
    text = made.text()
    if kind == "Windows":
        text = "\ufeff" + text.replace("\n", "\r\n")
    path.write_bytes(text.encode())
    if "zip" in kind:
        with zipfile.ZipFile(tmp_path / "tables.ZIP", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(path, made.member)
        path.unlink()
        path = tmp_path / "tables.ZIP"
    made.check(read(path if kind in ("file", "zip", "Windows") else tmp_path))


def test_a_year_among_several(tmp_path: Path) -> None:
    made = Edition(2023, *EDITIONS[2023])
    for year in (2017, 2018):
        (tmp_path / f"{year}_SML.csv").write_text(made.text())
    assert read(tmp_path, year=2017).year == 2017
    with pytest.raises(FormatError, match=r"expected one table, got 2 tables \(2017, 2018\); say"):
        read(tmp_path)
    with pytest.raises(FormatError, match=r"expected one table of 2016, got 2 tables \(2017"):
        read(tmp_path, year=2016)
    shutil.copy(tmp_path / "2018_SML.csv", tmp_path / "2018.csv")
    with pytest.raises(FormatError, match=r"got 2 of that year \(2018.csv, 2018_SML.csv\)"):
        read(tmp_path, year=2018)


def test_a_stressor_alone_and_the_discrepancy(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = Edition(2023, *EDITIONS[2023])
    (tmp_path / made.member).write_text(made.text())
    table = read(tmp_path, stressors="VA")
    assert table.stressors == ("VA",)
    np.testing.assert_allclose(table.F.to_numpy()[0], made.va, rtol=1e-14)
    with pytest.raises(LabelError, match=r"stressors: expected names .* got 'CO2'"):
        read(tmp_path, stressors="CO2")
    old = Edition(2016, *EDITIONS[2016])
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / old.member).write_text(old.text())
    with caplog.at_level(logging.WARNING):
        read(tmp_path / "old")
    size = f"{np.abs(old.disc).sum():.6g}"
    assert f"discrepancies of {size} million USD are not in Y" in caplog.text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("AUS_T,", "AUX_T,", 1), "column 'AUX_T': expected final"),
        (lambda text: text.replace("\nAUS_T,", "\nAUX_T,"), "label 'AUS_T': expected sectors as"),
        (lambda text: text.replace("AUS_T", "AUST"), r"label 'AUST': expected REGION_SECTOR"),
        (lambda text: text.replace("AUS_HFCE", "AUT_HFCE"), r"column 'AUT_HFCE': expected final"),
        (lambda text: text.replace("CHN_T", "CHN_C24A"), "row 'CHN_C24A': expected every row"),
        (lambda text: text[: len(text) // 2], r"line \d+.*: expected 16 numbers, got \d+ cells"),
        (lambda text: text[: text.rindex("OUT")], "expected one row OUT or OUTPUT, got 0"),
        (lambda text: text.replace(",0.", ",0;"), r"line \d, row .*: expected a finite number"),
        (lambda text: text.replace(",", ";"), r"comma-separated cells, got 1"),
        (lambda text: "", "comma-separated cells, got 1"),
    ],
    ids=["column", "row", "label", "demand", "twice", "cut", "last", "decimal", "other", "empty"],
)  # fmt: skip
def test_damage_is_named(tmp_path: Path, change: object, message: str) -> None:
    text = Edition(2023, *EDITIONS[2023]).text()
    changed = change(text)  # type: ignore[operator]
    assert changed != text
    (tmp_path / "2018_SML.csv").write_text(changed)
    with pytest.raises(FormatError, match=rf"2018_SML.csv.*{message}"):
        read(tmp_path)


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["ICIO2016_2003.csv", "ICIO2018_2010.CSV", "ICIO2018_2010.zip"])
def test_the_numbers_are_those_of_pymrio(real_data: Path, name: str) -> None:
    import pymrio

    path = real_data / "formats" / "oecd_mock" / name
    table = read(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = pymrio.parse_oecd(path)
    rows, demand = list(table.x.index), list(table.demand)
    assert set(rows) == set(other.Z.index)
    np.testing.assert_allclose(
        np.asarray(table.Z.todense()), other.Z.loc[rows, rows].to_numpy(), rtol=1e-12
    )
    np.testing.assert_allclose(table.Y.to_numpy(), other.Y.loc[rows, demand].to_numpy(), rtol=1e-12)
    inputs = other.factor_inputs
    np.testing.assert_allclose(
        table.F.to_numpy(), inputs.F.loc[list(table.stressors), rows].to_numpy(), rtol=1e-12
    )
    np.testing.assert_allclose(
        table.F_Y.to_numpy(), inputs.F_Y.loc[list(table.stressors), demand].to_numpy(), rtol=1e-12
    )
    assert not set(other.Y.columns) - set(demand) - {("ALL", "DISC"), ("DISC", "ALL")}


def test_only_primary_inputs_of_final_demand_may_be_left_free(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The edition of 2016 has no numbers there; elsewhere an empty cell is a gap."""
    lines = ["V1,A_x,B_x,A_HFCE,B_HFCE,TOTAL", "A_x,1,2,3,4,10", "B_x,2,1,3,4,10"]
    lines += ["VALU,7,7,,,0", "OUTPUT,10,10,,,0"]
    path = tmp_path / "ICIO2018_2010.csv"
    path.write_text("\n".join([*lines, ""]))
    table = read(path)
    assert table.F_Y.loc["VALU"].tolist() == [0, 0]
    assert "4 empty cells count as zero" in caplog.text
    for at, old, new, place in (
        (1, ",2,", ",,", "row 'A_x', column 'B_x'"),
        (1, ",3,", ",,", "row 'A_x', column 'A_HFCE'"),
        (3, "7,7", "7,", "row 'VALU', column 'B_x'"),
    ):
        changed = [line.replace(old, new) if n == at else line for n, line in enumerate(lines)]
        path.write_text("\n".join([*changed, ""]))
        with pytest.raises(FormatError, match=f"line {at + 1}, {place}: .* got an empty cell"):
            read(path)
        assert read(path, blanks="zero").n == 2
