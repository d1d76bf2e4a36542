"""The environmental accounts beside WIOD's tables."""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from support.files.spreadsheets import write_workbook
from support.files.wiod_files import Accounts, Cells, Made, put

from carbonflows_fast.errors import FormatError, LabelError
from carbonflows_fast.readers import read
from carbonflows_fast.readers._layouts._sheets import Workbook
from carbonflows_fast.readers._sources._opening import open_files
from carbonflows_fast.readers.wiod._release_2016 import _account


@pytest.fixture
def old() -> Made:
    return Made(2013)


@pytest.fixture
def new() -> Made:
    return Made(2016)


def households(made: Made, values: Any) -> Any:
    """F_Y with the emissions of households alone."""
    F_Y = np.zeros((2, 9))
    F_Y[:, ::3] = values
    return F_Y


@pytest.mark.parametrize("zipped", [False, True])
def test_accounts_are_stressors(
    tmp_path: Path, old: Made, zipped: bool, caplog: pytest.LogCaptureFixture
) -> None:
    old.write(tmp_path)
    accounts = Accounts(old)
    accounts.write(tmp_path, zipped=zipped)
    table = read(tmp_path)
    old.check(table)
    assert table.stressors[2:] == ("AIR: CO2", "CH4", "EM: CO2", "COAL", "Arable", "Total")
    assert table.extensions[2:] == ("AIR", "AIR", "EM", "EM", "lan", "lan")
    assert list(table.stressor_units[2:]) == ["Gg", "t", "TJ", "TJ", "1000 ha", "1000 ha"]
    for at, kind in enumerate(("AIR", "EM", "LAN"), start=1):
        block = slice(2 * at, 2 * at + 2)
        np.testing.assert_array_equal(table.F.to_numpy()[block], accounts.F[kind])
        expected = households(old, accounts.F_Y[kind])
        np.testing.assert_array_equal(table.F_Y.to_numpy()[block], expected)
    assert not caplog.messages
    one = read(tmp_path, stressors=["EM: CO2", "CH4"])
    assert one.stressors == ("CH4", "EM: CO2")
    np.testing.assert_array_equal(one.F.to_numpy(), table.F.to_numpy()[[3, 4]])
    with pytest.raises(LabelError, match="got 'CO2', which 2 extensions have"):
        read(tmp_path, stressors="CO2")


def test_accounts_that_are_not_wanted_are_not_read(tmp_path: Path, old: Made) -> None:
    old.write(tmp_path)
    Accounts(old).write(tmp_path)
    (tmp_path / "EM_may12" / "ROW_EM_May12.xlsx").write_bytes(b"broken")
    assert read(tmp_path, stressors=["CH4"]).stressors == ("CH4",)
    with pytest.raises(FormatError, match=r"ROW_EM_May12.xlsx"):
        read(tmp_path)


def test_an_account_of_other_years_is_left_out(
    tmp_path: Path, old: Made, caplog: pytest.LogCaptureFixture
) -> None:
    old.write(tmp_path)
    Accounts(old, ("AIR",)).write(tmp_path, year="2008")
    assert len(read(tmp_path).stressors) == 2
    assert "AUS_AIR_May12.xlsx: no sheet 2009, account AIR is left out" in caplog.text


@pytest.mark.parametrize(
    ("row", "column", "value", "message"),
    [
        (3, 3, "x", "sheet '2009', D4: expected a finite number, got 'x'"),
        (3, 1, "sec20", "B4: expected the table's sectors, each once, got 'sec20'"),
        (3, 1, "secAtB", "B4: expected the table's sectors, each once, got 'secAtB'"),
        (3, 1, None, "expected the table's 3 sectors below a header, got no 19"),
        (7, 1, None, r"expected one row FC_HH \(households\), got 0"),
        (3, 1, "FC_HH", r"expected one row FC_HH \(households\), got 2"),
        (0, 3, "CH5", "stressors, position 2: expected 'CH4', as in the account of AUS, got 'CH5'"),
        (0, 3, None, "D2: expected a stressor in the header above it, got none"),
    ],
)  # fmt: skip
def test_damage_of_an_account_is_named(
    tmp_path: Path, old: Made, row: int, column: int, value: object, message: str
) -> None:
    old.write(tmp_path)
    accounts = Accounts(old, ("AIR",))
    accounts.write(tmp_path)
    cells = accounts.sheet("AIR", 2)
    cells[row][column] = value
    path = write_workbook(tmp_path / "AIR_may12" / "ROW_AIR_May12.xlsx", {"2009": cells})
    with pytest.raises(FormatError, match=re.escape(str(path)) + ".*" + message):
        read(tmp_path)


def test_accounts_of_other_regions_are_refused(tmp_path: Path, old: Made) -> None:
    old.write(tmp_path)
    Accounts(old, ("AIR",)).write(tmp_path)
    path = tmp_path / "AIR_may12" / "ROW_AIR_May12.xlsx"
    other = path.rename(tmp_path / "AIR_may12" / "XXX_AIR_May12.xlsx")
    with pytest.raises(FormatError, match=r"account AIR: expected a workbook .* got none of RoW"):
        read(tmp_path)
    shutil.copy(other, path)
    with pytest.raises(FormatError, match=r"got others \(AIR_may12/XXX_AIR_May12.xlsx\)"):
        read(tmp_path)
    other.rename(tmp_path / "ROW_AIR_May12.xlsx")
    with pytest.raises(FormatError, match="expected one AIR file of ROW, got another as well"):
        read(tmp_path)


def test_a_sheet_that_one_region_lacks_is_refused(tmp_path: Path, old: Made) -> None:
    old.write(tmp_path)
    accounts = Accounts(old, ("AIR",))
    accounts.write(tmp_path)
    path = tmp_path / "AIR_may12" / "ROU_AIR_May12.xlsx"
    write_workbook(path, {"2008": accounts.sheet("AIR", 1)})
    with pytest.raises(
        FormatError, match=r"ROU_AIR_May12.xlsx: expected a sheet '2009', got '2008'"
    ):
        read(tmp_path)


def test_what_an_account_leaves_out_is_logged(
    tmp_path: Path, old: Made, caplog: pytest.LogCaptureFixture
) -> None:
    old.write(tmp_path)
    accounts = Accounts(old, ("LAN",))
    accounts.write(tmp_path)
    cells = accounts.sheet("LAN", 1)
    cells[2][1], cells[4][2] = None, 2.5  # 15t16, and secQ
    write_workbook(tmp_path / "LAN_may12" / "ROU_LAN_May12.xls", {"2009": cells})
    table = read(tmp_path)
    assert table.F.to_numpy()[2, 4] == 0
    assert "account lan: 1 empty cell counts as zero" in caplog.text
    assert "extra-territorial organizations (secQ) are left out, 2.5 in all" in caplog.text


def test_a_unit_must_be_there(tmp_path: Path, old: Made) -> None:
    old.write(tmp_path)
    accounts = Accounts(old, ("LAN",))
    accounts.write(tmp_path)
    cells = accounts.sheet("LAN", 0)
    cells[0][0] = None
    write_workbook(tmp_path / "LAN_may12" / "AUS_LAN_May12.xls", {"2009": cells})
    with pytest.raises(FormatError, match=r"AUS_LAN.*expected the unit in the header of the codes"):
        read(tmp_path)


def test_households_need_their_column(tmp_path: Path, old: Made) -> None:
    Accounts(old, ("AIR",)).write(tmp_path)
    old.write(tmp_path, change=put(5, 13, "c38"))
    with pytest.raises(FormatError, match="expected final demand c37 of AUS, got none"):
        read(tmp_path)


# --- CO2 of 2016 ----------------------------------------------------------------------------


def emissions(made: Made) -> tuple[dict[str, Cells], Any, Any]:
    """The sheets of CO2 emissions.xlsx, and the numbers of 2014."""
    F, F_Y = made.numbers(9), made.numbers(3)
    sheets: dict[str, Cells] = {"Notes": [["CO2 emissions, kt"]]}
    for region, name in enumerate(["AUS", "ROU", "RoW"]):
        rows: Cells = [[None, 2013, 2014, 2015]]
        for at, sector in enumerate(made.sectors):
            rows.append([sector, 1, float(F[3 * region + at]), 2])
        sheets[name] = [*rows, ["FC_HH", 1, float(F_Y[region]), 2]]
    return sheets, F, F_Y


def test_co2_of_release_2016(tmp_path: Path, new: Made, caplog: pytest.LogCaptureFixture) -> None:
    new.write(tmp_path)
    sheets, F, F_Y = emissions(new)
    write_workbook(tmp_path / "CO2 emissions.xlsx", sheets)
    table = read(tmp_path)
    new.check(table)
    assert (table.stressors[2:], table.extensions[2:]) == (("CO2",), ("CO2",))
    assert table.stressor_units["CO2"] == "kt"
    np.testing.assert_array_equal(table.F.to_numpy()[2], F)
    np.testing.assert_array_equal(table.F_Y.to_numpy()[2], households(new, F_Y)[0])
    assert not caplog.messages
    write_workbook(tmp_path / "CO2 emissions.xlsx", sheets | {"FRA sectors": [[1]]})
    read(tmp_path)
    assert "sheets of no region are left out: FRA sectors" in caplog.text


@pytest.mark.parametrize(
    ("sheet", "row", "column", "value", "message"),
    [
        ("RoW", 2, 2, "x", "sheet 'RoW', C3: expected a finite number, got 'x'"),
        ("RoW", 0, 2, 2012, "sheet 'RoW': expected one column 2014, got 0 among"),
        ("RoW", 0, 1, 2014, "sheet 'RoW': expected one column 2014, got 2 among"),
        ("AUS", 2, 0, "A02", "sheet 'AUS', A3: expected the table's sectors, each once, got 'A02'"),
    ],
)  # fmt: skip
def test_damage_of_co2_is_named(
    tmp_path: Path, new: Made, sheet: str, row: int, column: int, value: object, message: str
) -> None:
    new.write(tmp_path)
    sheets, _, _ = emissions(new)
    sheets[sheet][row][column] = value
    write_workbook(tmp_path / "CO2 emissions.xlsx", sheets)
    with pytest.raises(FormatError, match=r"CO2 emissions.xlsx, " + message):
        read(tmp_path)


def test_co2_without_a_region_or_the_year(
    tmp_path: Path, new: Made, caplog: pytest.LogCaptureFixture
) -> None:
    new.write(tmp_path)
    sheets, _, _ = emissions(new)
    sheets["AUS"][0][2] = 2012
    write_workbook(tmp_path / "CO2 emissions.xlsx", sheets)
    assert len(read(tmp_path).stressors) == 2
    assert "no year 2014, the account is left out" in caplog.text
    del sheets["RoW"]
    write_workbook(tmp_path / "CO2 emissions.xlsx", sheets)
    with pytest.raises(FormatError, match=r"expected a sheet for each .* got none of ROW"):
        read(tmp_path)
    write_workbook(tmp_path / "CO2_emissions.xlsx", sheets)
    with pytest.raises(FormatError, match=r"expected one CO2 account, got CO2 emissions.xlsx"):
        read(tmp_path)


@pytest.mark.real_data
def test_the_original_carbon_dioxide_accounts_are_read(real_data: Path) -> None:
    """Those of the JRC, for a table with the labels of WIOD 2016."""
    regions, sectors = (column(real_data, name) for name in ("wiod2016_regions", "wiod2016"))
    world: Any = SimpleNamespace(
        where="labels",
        regions=regions,
        rows=[(region, sector) for region in regions for sector in sectors],
        demand=[(region, "CONS_h") for region in regions],
        release=SimpleNamespace(households="CONS_h"),
        sectors_of=lambda region: sectors,
    )
    with open_files(real_data / "originals" / "wiod2016") as files:
        book = Workbook(files, "CO2 emissions.xlsx")
        account = _account(book, world, "2014")
        assert account is not None
        F, F_Y = account.read([0])
        assert _account(book, world, "1999") is None
        sheet = book.rows("AUT")
    assert (F.shape, F_Y.shape) == ((1, 44 * 56), (1, 44))
    assert 25e6 < F.sum() < 35e6  # kt
    assert 3e6 < F_Y.sum() < 7e6
    year = [str(cell).removesuffix(".0") for cell in sheet[0]].index("2014")
    at = regions.index("AUT")
    assert F[0, 56 * at] == sheet[1][year]
    assert F_Y[0, at] == sheet[57][year]


def column(real_data: Path, file: str) -> list[str]:
    text = (real_data / "labels" / f"{file}.csv").read_text(encoding="utf-8")
    return [line["code"] for line in csv.DictReader(text.splitlines())]
