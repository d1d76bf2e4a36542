"""The OECD's tables: fixtures of each edition, and pymrio's numbers on its samples."""

from __future__ import annotations

import logging
import pickle
import shutil
import warnings
import zipfile
from itertools import takewhile
from pathlib import Path

import numpy as np
import pytest
from support.files.oecd_files import EDITIONS, SECTORS, Edition

import carbonflows_fast as cf
from carbonflows_fast.errors import FormatError, LabelError
from carbonflows_fast.readers import read
from carbonflows_fast.readers._layouts._sheets import Workbook
from carbonflows_fast.readers._sources._opening import open_files
from carbonflows_fast.table._selection import select_rows


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
    table = read(path).aggregate()  # pymrio adds up China's and Mexico's parts
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


# --- countries in parts -----------------------------------------------------------------------


@pytest.mark.parametrize("edition", [2016, 2018, 2021, 2025])
def test_parts_of_a_country_are_solved_apart_and_added_up_after(
    tmp_path: Path, edition: int, caplog: pytest.LogCaptureFixture
) -> None:
    made = Edition(edition, *EDITIONS[edition])
    (tmp_path / made.member).write_text(made.text())
    with caplog.at_level(logging.INFO):
        table = read(tmp_path)
    assert table.notes[0] in caplog.text
    stressor = table.stressors[0]
    # The dense solution with the parts apart, their emissions added up after.
    inverse = np.linalg.inv(np.eye(made.n) - made.Z / made.x)
    consumed = np.zeros((made.n, len(table.regions)))
    for column, (region, _) in enumerate(made.demand):
        consumed[:, table.regions.index(region)] += made.Y[:, column]
    emitted = (made.tax / made.x)[:, None] * (inverse @ consumed)
    whole = [made.parts.get(region, region) for region in made.regions for _ in SECTORS]
    flows = np.array([emitted[[w == r for w in whole]].sum(axis=0) for r in table.regions])
    found = cf.flows(table, stressor)
    np.testing.assert_allclose(found.matrix, flows, rtol=1e-9, atol=1e-12)
    before = cf.flows(table.aggregate(), stressor)
    assert np.abs(before.matrix.to_numpy() / flows - 1).max() > 1e-4
    # A sector of the country is all its parts.
    country = next(iter(made.parts.values()))
    parts = 1 + list(made.parts.values()).count(country)
    assert select_rows(table, (country, "C24A")).sum() == parts
    cf.save(table, tmp_path / "saved")
    assert cf.open(tmp_path / "saved").notes == table.notes
    assert pickle.loads(pickle.dumps(table)).notes == table.notes


@pytest.mark.parametrize("what", ["SML", "EXT"])
def test_a_part_without_its_country_is_a_region(tmp_path: Path, what: str) -> None:
    text = Edition(2023, *EDITIONS[2023]).text().replace("CHN_", "CN1_")
    (tmp_path / f"2018_{what}.csv").write_text(text)
    table = read(tmp_path)
    assert table.regions == ("AUS", "CN1", "ROW")
    assert table.notes == ()


ORIGINALS = {
    "2018": (69, 65, 36, {"TOTAL"}),
    "2023": (77, 77, 45, {"OUT"}),
    "2025_rev2026-01": (81, 81, 50, {"OUT"}),
}  # regions of rows and of demand, sectors, totals


@pytest.mark.real_data
@pytest.mark.parametrize("edition", ORIGINALS)
def test_original_labels_are_read(real_data: Path, tmp_path: Path, edition: str) -> None:
    """Labels of the OECD's ReadMe in file order, around invented numbers."""
    regions, consumers, sectors, last = ORIGINALS[edition]
    rows, columns = (labels_in(real_data, edition, sheet) for sheet in ("RowItems", "ColItems"))
    n = regions * sectors
    assert columns[:n] == rows[:n]
    assert set(columns[n + 6 * consumers :]) == last
    lines = [",".join(["V1", *columns])]
    blank = "0," * (len(columns) - n - 1)
    for at, label in enumerate(rows):
        if at < n:
            cells = (
                "0," * at + "2," + "0," * (n - at - 1) + "1," + "0," * (len(columns) - n - 2) + "3"
            )
        else:
            cells = f"{3 if label in ('OUT', 'OUTPUT') else 1}," * n + blank + "0"
        lines.append(f"{label},{cells}")
    name = "ICIO2018_2010.CSV" if edition == "2018" else "2010_SML.csv"
    (tmp_path / name).write_text("\n".join([*lines, ""]))
    table = read(tmp_path / name)
    assert (table.n, len(table.sectors), len(table.categories)) == (n, sectors, 6)
    assert len(table.regions) == consumers
    assert len(table.demand) == 6 * consumers
    with_label = real_data / "labels" / f"oecd_icio_{edition[:4]}_regions.csv"
    known = [line.partition(",")[0] for line in with_label.read_text().splitlines()[1:]]
    assert set(table.regions) == set(known)
    assert set(table.x) == {3.0}
    split = {"CHN", "MEX"} if edition == "2018" else set()
    assert {region for region in table.regions if table.rows.get_level_values(0).tolist().count(
        region) > sectors} == split  # fmt: skip
    assert ("CHN, CN1, CN2" in " ".join(table.notes)) == bool(split)


def labels_in(real_data: Path, edition: str, sheet: str) -> list[str]:
    with open_files(real_data / "originals" / "oecd_readme") as files:
        rows = Workbook(files, f"{edition}.xlsx").rows(sheet)
    head = next(at for at, row in enumerate(rows) if "Sector code" in row)
    column = rows[head].index("Sector code")
    return list(takewhile(str.strip, (str(row[column]) for row in rows[head + 1 :])))
