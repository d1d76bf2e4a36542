"""EXIOBASE's supply and use tables: every number, and what is refused."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.files.exiobase_supply_files import ADDED, Made

import carbonflows_fast as cf
from carbonflows_fast.errors import FormatError, LabelError


def read(path: Path, **options: Any) -> cf.Table:
    return cf.read(path, progress=False, **options)


@pytest.mark.parametrize("zipped", [False, True])
def test_it_is_the_pair_of_what_is_in_the_files(tmp_path: Path, zipped: bool) -> None:
    made = Made()
    path = made.write(tmp_path / "MRSUT_2019")
    if zipped:
        path = Path(shutil.make_archive(str(path), "zip", tmp_path, "MRSUT_2019"))
        shutil.rmtree(tmp_path / "MRSUT_2019")
    table = read(path)
    expected = cf.from_supply_use(**made.arguments(), model=None, row_units="M.EUR")
    assert table.rows.equals(expected.rows)
    np.testing.assert_array_equal(table.A.toarray(), expected.A.toarray())
    np.testing.assert_array_equal(table.Y, expected.Y)
    np.testing.assert_array_equal(table.F, expected.F)
    np.testing.assert_array_equal(table.F_Y, expected.F_Y)
    np.testing.assert_array_equal(table.x, expected.x)
    assert list(table.stressors) == [*ADDED, *made.F.index]
    assert list(table.content.extensions) == ["primary inputs"] * 3 + ["satellite"] * 2
    assert list(table.stressor_units) == ["M.EUR", "M.EUR", "", "kg", "kg"]
    assert (table.year, table.name) == (2019, "MRSUT_2019")
    assert table.notes[0].startswith("The supply and use table is solved as it is")


def test_products_and_industries_have_the_multipliers_of_b_and_d(tmp_path: Path) -> None:
    made = Made()
    table = read(made.write(tmp_path / "MRSUT_2019"))
    pair = cf.multipliers(table, "CO2 - combustion - air").iloc[0]
    for model in ("B", "D"):
        square = cf.from_supply_use(**made.arguments(), model=model)
        expected = cf.multipliers(square, "CO2 - combustion - air").iloc[0]
        np.testing.assert_allclose(pair.loc[expected.index], expected, rtol=1e-9)


def test_what_does_not_balance_is_noted_and_negatives_are_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = Made()
    made.demand.iloc[0, :2] = [10.0, -4.5]  # inventories run down
    made.demand.iloc[1, 0] += 2.0
    with caplog.at_level(logging.WARNING):
        table = read(made.write(tmp_path / "MRSUT_2019"))
    q, sold = made.supply.sum(axis=1), made.use.sum(axis=1) + made.demand.sum(axis=1)
    gap = f"differ by {np.abs(q - sold).sum():.6g} M.EUR in all"
    assert any(note.startswith("Products do not balance") and gap in note for note in table.notes)
    assert gap in caplog.text
    given = table.Y.loc[("AT", "Wheat"), ("AT", "Changes in inventories")]
    assert given == -4.5


def test_a_stressor_of_both_files_has_its_extension_in_front(tmp_path: Path) -> None:
    made = Made()
    made.F = made.F.rename(index={"CH4 - agriculture - air": ADDED[0]})
    made.F_Y = made.F_Y.rename(index={"CH4 - agriculture - air": ADDED[0]})
    table = read(made.write(tmp_path / "MRSUT_2019"))
    assert table.stressors[0] == f"primary inputs: {ADDED[0]}"
    assert table.stressors[-1] == f"satellite: {ADDED[0]}"
    some = read(tmp_path, stressors=f"satellite: {ADDED[0]}")
    np.testing.assert_array_equal(some.F.iloc[0], table.F.iloc[-1])


def test_stressors_may_be_chosen_by_name(tmp_path: Path) -> None:
    table = read(Made().write(tmp_path / "MRSUT_2019"), stressors="CH4 - agriculture - air")
    assert list(table.stressors) == ["CH4 - agriculture - air"]
    with pytest.raises(LabelError, match="CH4 - agriculture - air"):
        read(tmp_path, stressors="CH4 - agricultre - air")


def test_without_emissions_it_says_where_they_are(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        table = read(Made().write(tmp_path / "MRSUT_2019", satellite=False))
    assert "no emissions; put the folder satellite of IOT_<year>_ixi" in caplog.text
    assert list(table.stressors) == list(ADDED)


def test_emissions_may_lie_beside_the_tables_or_be_coefficients(tmp_path: Path) -> None:
    made = Made()
    whole = read(made.write(tmp_path / "a" / "MRSUT_2019"))
    beside = made.write(tmp_path / "b" / "MRSUT_2019", satellite=False)
    made.F.to_csv(beside / "F.txt", sep="\t")
    F = read(beside).F
    np.testing.assert_array_equal(F, whole.F)
    folder = made.write(tmp_path / "c" / "MRSUT_2019")
    (folder / "satellite" / "F.txt").unlink()
    S = made.F / made.supply.sum(axis=0)
    S.to_csv(folder / "satellite" / "S.txt", sep="\t")
    np.testing.assert_allclose(read(folder).F, whole.F, rtol=1e-14)


def moved(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.iloc[[1, 0, *range(2, len(frame))]]


def abroad(supply: pd.DataFrame) -> pd.DataFrame:
    supply = supply.copy()
    supply.iloc[0, -1] = 1.0
    return supply


WRONG: dict[str, tuple[str, Callable[[pd.DataFrame], pd.DataFrame], str]] = {
    "products of use in another order": ("use", moved, r"use\.csv, rows"),
    "industries of use in another order": ("use", lambda f: moved(f.T).T, r"use\.csv, columns"),
    "products of demand in another order": ("demand", moved, r"final_demand\.csv, rows"),
    "industries of value added": ("added", lambda f: moved(f.T).T, r"value_added\.csv, columns"),
    "industries of emissions": ("F", lambda f: moved(f.T).T, r"satellite/F\.txt, columns"),
    "a supplier abroad": (
        "supply",
        abroad,
        r"V: expected industries that make products of their own region",
    ),
    "a product twice": ("supply", lambda f: f.iloc[[0, 0, *range(2, len(f))]], "supply.csv|rows"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_does_not_fit_is_refused(tmp_path: Path, what: str) -> None:
    part, change, said = WRONG[what]
    made = Made()
    setattr(made, part, change(getattr(made, part)))
    with pytest.raises(FormatError, match=said):
        read(made.write(tmp_path / "MRSUT_2019"))


def test_empty_cells_are_refused_or_zero(tmp_path: Path) -> None:
    made = Made()
    made.use.iloc[1, 2] = np.nan
    folder = made.write(tmp_path / "MRSUT_2019")
    with pytest.raises(FormatError, match=r"use\.csv, .*an empty cell"):
        read(folder)
    table = read(folder, blanks="zero")
    made.use.iloc[1, 2] = 0.0
    expected = cf.from_supply_use(**made.arguments(), model=None)
    np.testing.assert_array_equal(table.A.toarray(), expected.A.toarray())
