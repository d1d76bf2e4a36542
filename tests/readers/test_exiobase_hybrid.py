"""Hybrid EXIOBASE: flows in several units, activities as columns, a workbook of extensions."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.files.hybrid_files import STEM, Made
from support.files.spreadsheets import write_workbook
from support.worlds.small_table import SENTENCE

import carbonflows_fast as cf
from carbonflows_fast.errors import FormatError, LabelError
from carbonflows_fast.readers._layouts._sheets import Workbook
from carbonflows_fast.readers._sources._opening import open_files
from carbonflows_fast.readers.exiobase_hybrid._sheets import extension_blocks

NAMES = [
    "Carbon dioxide, fossil | air", "P | water", "P | soil", "Land use, arable land",
    "waste_sup: Food", "waste_sup: Steel", "waste_use: Food", "waste_use: Steel",
    "waste_from_stocks: Food", "waste_from_stocks: Steel", "V_WAGE",
]  # fmt: skip
WITHOUT_USERS = {"waste_from_stocks", "VA"}


def expected(made: Made) -> cf.Table:
    accounts = made.accounts.items()
    return cf.Table(
        Z=made.Z,
        Y=made.Y,
        F=np.vstack([F for _, (_, F, _) in accounts]),
        F_Y=np.vstack([F_Y * (name not in WITHOUT_USERS) for name, (_, _, F_Y) in accounts]),
        regions=[label[0] for label in made.rows],
        sectors=[label[1] for label in made.rows],
        demand=[label[:2] for label in made.users],
        stressors=NAMES,
        extensions=[
            "primary inputs" if n == "VA" else n for n, (rows, _, _) in accounts for _ in rows
        ],
        stressor_units=[row[1] for _, (rows, _, _) in accounts for row in rows],
        row_units=[label[4] for label in made.rows],
        year=2011,
        name="EXIOBASE hybrid 3.3.18 2011",
    )


def said(path: Path, **options: Any) -> str:
    with pytest.raises(FormatError) as caught:
        cf.read(path, **options)
    assert SENTENCE.match(str(caught.value))
    return str(caught.value)


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("zipped", [False, True])
def test_the_files_are_the_table_that_was_written(
    tmp_path: Path, named: bool, zipped: bool
) -> None:
    made = Made()
    path = made.write(tmp_path / "own", named=named)
    if zipped:
        path = Path(shutil.make_archive(str(tmp_path / "own"), "zip", path))
    table = cf.read(path)
    assert table.equals(expected(made))
    assert table.notes == ()
    assert table.row_units["CN", "Electricity, gas"] == "TJ"


def test_results_are_those_of_a_dense_inverse(tmp_path: Path) -> None:
    made = Made()
    table = cf.read(made.write(tmp_path))
    x = made.Z.sum(axis=1) + made.Y.sum(axis=1)
    L = np.linalg.inv(np.eye(len(x)) - made.Z / x)
    F = made.accounts["Emiss"][1]
    found = cf.multipliers(table, NAMES[:3])
    np.testing.assert_allclose(found, F / x @ L, rtol=1e-10)


def test_its_gases_are_known_by_name(tmp_path: Path) -> None:
    table = cf.read(Made().write(tmp_path), stressors=["Carbon dioxide, fossil | air", "P | soil"])
    found, alone = (cf.accounts(table, one) for one in ("GWP100_AR6", table.stressors[0]))
    np.testing.assert_allclose(found["consumption"], alone["consumption"], rtol=1e-12)


def test_without_principal_products_the_order_is_noted(tmp_path: Path) -> None:
    made = Made()
    table = cf.read(made.write(tmp_path, production=False))
    assert table.equals(expected(made))
    assert len(table.notes) == 1
    assert table.notes[0].startswith("Activities are taken to be in the order of the products")


def test_without_extensions_it_says_where_they_are(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (Made().write(tmp_path) / f"{STEM}_extensions.xlsx").unlink()
    with caplog.at_level(logging.WARNING):
        assert cf.read(tmp_path).stressors == ()
    assert "no extensions; put MR_HIOT_…_extensions.xlsx beside it" in caplog.text


@pytest.mark.parametrize("wanted", [["P | soil"], ["V_WAGE", "waste_use: Food"]])
def test_wanted_stressors_are_those_of_the_whole(tmp_path: Path, wanted: list[str]) -> None:
    whole = cf.read(Made().write(tmp_path))
    some = cf.read(tmp_path, stressors=wanted)
    places = sorted(NAMES.index(name) for name in wanted)
    assert np.array_equal(some.F, whole.F.iloc[places])
    assert np.array_equal(some.F_Y, whole.F_Y.iloc[places])
    with pytest.raises(LabelError, match=r"'P \| soil'"):
        cf.read(tmp_path, stressors="P | soul")


def test_sectors_that_nobody_buys_are_noted(tmp_path: Path) -> None:
    table = cf.read(Made(unused=True).write(tmp_path))
    assert table.notes == (
        "1 sectors without output buy or emit, which no product has: CN Electricity, gas.",
    )


def moved(rows: list[Any]) -> list[Any]:
    return [rows[1], rows[0], *rows[2:]]


def renamed(made: Made) -> None:
    made.activities[4] = ("CN", "Power", "i40", "A_NUCL")


def in_order(name: str) -> Callable[[Made], None]:
    return lambda made: setattr(made, name, moved(getattr(made, name)))


@pytest.mark.parametrize(
    ("part", "change", "complaint"),
    [
        ("FD.csv", in_order("rows"), "FD.csv, rows, position 1: expected 'AU | C_PARI'"),
        ("principal_production.csv", in_order("rows"), "products, position 1"),
        ("principal_production.csv", renamed, "activities, position 5: expected 'CN | A_POWE'"),
        ("extensions.xlsx", renamed, "sheet 'Emiss_act', columns, position 5"),
        ("extensions.xlsx", in_order("users"), "sheet 'Emiss_FD', columns, position 1"),
        ("by_product_technology.csv", in_order("activities"), "activities, position 1"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(
    tmp_path: Path, part: str, change: Callable[[Made], None], complaint: str
) -> None:
    Made().write(tmp_path / "right")
    other = Made()
    change(other)
    shutil.copy(other.write(tmp_path / "wrong") / f"{STEM}_{part}", tmp_path / "right")
    assert complaint in said(tmp_path / "right")


def test_rows_in_another_region_than_columns_are_refused(tmp_path: Path) -> None:
    made = Made()
    made.activities = [
        ("NZ", *label[1:]) if label[0] == "CN" else label for label in made.activities
    ]
    assert "regions of columns, position 4: expected 'CN'" in said(made.write(tmp_path))


def test_empty_flows_are_refused_or_zero(tmp_path: Path) -> None:
    made = Made()
    path = made.write(tmp_path) / f"{STEM}_by_product_technology.csv"
    made.Z[2, 0], given = 0.0, f",{made.Z[2, 0]},"
    lines = path.read_text().splitlines(keepends=True)
    lines[6] = lines[6].replace(given, ",,", 1)
    path.write_text("".join(lines))
    assert "_by_product_technology.csv, line 7, " in said(tmp_path)
    assert cf.read(tmp_path, blanks="zero").equals(expected(made))


def test_the_file_of_final_demand_is_missed(tmp_path: Path) -> None:
    (Made().write(tmp_path) / f"{STEM}_FD.csv").unlink()
    assert f"{STEM}_FD.csv: expected a file, got nothing of this name" in said(tmp_path)


def test_a_short_file_of_principal_products_is_refused(tmp_path: Path) -> None:
    path = Made().write(tmp_path) / f"{STEM}_principal_production.csv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:6]))
    assert "expected 4 lines of activities and 4 of products, 9 cells each" in said(tmp_path)


WRONG: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "an empty number": (lambda s: put(s["Emiss_act"], 5, 4, None), "sheet 'Emiss_act', E6"),
    "a text": (lambda s: put(s["Land_FD"], 4, 3, "n.a."), "sheet 'Land_FD', D5: expected a finite"),
    "no name": (lambda s: put(s["Emiss_act"], 6, 0, None), "sheet 'Emiss_act', A7: expected the n"),
    "another stressor": (lambda s: put(s["Land_FD"], 4, 0, "Sea"), "sheet 'Land_FD', rows"),
    "no rows": (lambda s: s.update(Land_act=s["Land_act"][:4]), "got 1, with 'Land use, arable"),
    "no columns": (lambda s: s.update(Land_act=[["a"]] * 5), "got 'a' in the first"),
    "a short header": (lambda s: s.update(Land_act=s["Land_act"][:3]), "got 3 row(s)"),
}


def put(rows: list[list[Any]], row: int, column: int, value: object) -> None:
    rows[row][column] = value


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_workbook_is_refused_with_its_place(tmp_path: Path, what: str) -> None:
    change, complaint = WRONG[what]
    made = Made()
    sheets = made.sheets()
    change(sheets)
    write_workbook(made.write(tmp_path) / f"{STEM}_extensions.xlsx", sheets)
    assert complaint in said(tmp_path)


def test_empty_cells_are_zero_if_asked_for(tmp_path: Path) -> None:
    made = Made()
    sheets = made.sheets()
    put(sheets["Emiss_act"], 5, 4, None)
    write_workbook(made.write(tmp_path) / f"{STEM}_extensions.xlsx", sheets)
    made.accounts["Emiss"][1][1, 1] = 0.0
    assert cf.read(tmp_path, blanks="zero").equals(expected(made))


def test_a_stressor_twice_has_its_row_in_its_name(tmp_path: Path) -> None:
    made = Made()
    sheets = made.sheets()
    for name in ("Emiss_act", "Emiss_FD"):
        put(sheets[name], 6, 2, "water")
    write_workbook(made.write(tmp_path) / f"{STEM}_extensions.xlsx", sheets)
    assert cf.read(tmp_path).stressors[1:3] == ("P | water | row 6", "P | water | row 7")


def test_users_without_activities_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = Made()
    sheets = made.sheets()
    del sheets["Land_act"]
    write_workbook(made.write(tmp_path) / f"{STEM}_extensions.xlsx", sheets)
    with caplog.at_level(logging.WARNING):
        assert "Land use, arable land" not in cf.read(tmp_path).stressors
    assert "no sheet of activities for Land_FD; not read" in caplog.text


@pytest.mark.real_data
def test_the_original_extensions_are_read(real_data: Path) -> None:
    path = real_data / "originals" / "exiobase" / f"{STEM}_extensions_together.xlsx"
    with open_files(path) as files:
        book = Workbook(files, path.name)
        columns = [list(row[2:]) for row in list(book.stream("Land_act"))[:4]]
        activities = list(zip(columns[0], columns[3], strict=True))
        land, emissions = extension_blocks(book, ("activities", activities), ("users", []))
        assert (len(activities), len(set(activities))) == (48 * 164, 48 * 164)
        assert (land.extensions[0], emissions.extensions[0]) == ("Land", "Emiss")
        assert (len(land.names), len(emissions.names)) == (5, 35)
        assert set(land.units) == {"ha"}
        assert {name for name in emissions.names if name.startswith("P |")} == {
            "P | water", "P | soil",
        }  # fmt: skip
        assert emissions.names[0] == "Carbon dioxide, fossil | air"
        F, F_Y = emissions.read([0, 2])
        assert F_Y is None
        np.testing.assert_array_equal(F[0, :2], [37614.13082260454, 1941734.7983214064])
        np.testing.assert_array_equal(F[1, :2], [26527.287506340963, 163.63703912421596])
        assert land.read([0])[0][0, 1] == 13400000.0
