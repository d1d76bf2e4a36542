"""The table: what it refuses, how it changes and aggregates, and tables that belong to a file."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from support.worlds.small_table import (
    OTHER_CATEGORIES,
    OTHER_REGIONS,
    ROWS,
    SENTENCE,
    SWAPPED,
    replaced,
    small,
)
from support.worlds.strategies import dense_inverse, tables

import carbonflows_fast as cf
from carbonflows_fast.errors import InputError, LabelError
from carbonflows_fast.leontief._of_table import SYSTEM
from carbonflows_fast.table import Table
from carbonflows_fast.table._content import Parts
from carbonflows_fast.table._table import table_from

# --- refusals -------------------------------------------------------------------------------


def frame(values: Any, index: Any = None, columns: Any = None) -> pd.DataFrame:
    return pd.DataFrame(values, index=index, columns=columns)


Z0, Y0, F0 = small()["Z"], small()["Y"], small()["F"]
REFUSED: list[tuple[str, dict[str, Any], type[Exception], str]] = [
    ("both", {"A": Z0}, InputError, r"Z, A: .*exactly one.*both"),
    ("neither", {"Z": None}, InputError, r"Z, A: .*neither"),
    ("both F", {"S": F0}, InputError, r"F, S: .*both"),
    ("not square", {"Z": Z0[:3]}, InputError, r"Z: .*square.*\(3, 4\)"),
    ("cube", {"Z": np.zeros((2, 2, 2))}, InputError, r"Z: .*square"),
    ("ragged", {"Z": [[1.0], [1.0, 2.0]]}, InputError, r"Z: .*rectangular"),
    ("Y rows", {"Y": Y0[:3]}, InputError, r"Y: .*\(4, any\).*\(3, 4\)"),
    ("no Y column", {"Y": Y0[:, :0]}, InputError, r"Y: .*at least one column"),
    ("F columns", {"F": F0[:, :3]}, InputError, r"F: .*\(any, 4\).*\(2, 3\)"),
    ("F_Y", {"F_Y": F0[:, :3]}, InputError, r"F_Y: .*\(2, 4\).*\(2, 3\)"),
    ("x short", {"x": [1.0, 2.0]}, InputError, r"x: .*4 outputs"),
    ("x overflow", {"x": [5e-324, 1, 1, 1]}, InputError, r"x: .*infinite"),
    ("NaN", {"Z": replaced(Z0, (1, 2), np.nan)}, InputError,
     r"Z: .*nan at row 1 \(DE, steel\), column 2 \(NA, coal\);"),
    ("two", {"Y": replaced(replaced(Y0, (1, 1), np.inf), (3, 0), np.nan)}, InputError,
     r"Y: .*inf at row 1 \(DE, steel\), column 1 \(DE, inventories\) and 1 more"),
    ("NaN F", {"F": replaced(F0, (1, 3), np.nan)}, InputError, r"F: .*row 1 \(CH4\), column 3"),
    ("NaN F_Y", {"F_Y": replaced(F0, (0, 3), np.nan)}, InputError, r"F_Y: .*\(NA, inventories\)"),
    ("NaN x", {"x": [1, 2, np.nan, 4]}, InputError, r"x: .*nan at position 2 \(NA, coal\)"),
    ("NaN csr", {"Z": sp.csr_array(replaced(Z0, (1, 2), np.nan))}, InputError,
     r"Z: .*row 1 \(DE, steel\), column 2 \(NA, coal\)"),
    ("NaN csc", {"Z": sp.csc_array(replaced(Z0, (1, 2), -np.inf))}, InputError,
     r"Z: .*-inf at row 1 \(DE, steel\), column 2 \(NA, coal\)"),
    ("masked", {"Y": np.ma.masked_equal(Y0, 10.0)}, InputError, r"Y: .*nan at row 0"),
    ("None", {"Y": replaced(Y0.astype(object), (0, 0), None)}, InputError, r"Y: .*nan at row 0"),
    ("text", {"Y": replaced(Y0, (2, 1), "1,5")}, InputError, r"Y: .*real.*'1,5' at row 2"),
    ("number as text", {"Y": replaced(Y0, (2, 1), "1.5")}, InputError, r"Y: .*'1.5' at row 2"),
    ("text frame", {"Y": frame(replaced(Y0, (2, 1), "n/a"))}, InputError, r"Y: .*'n/a' at row 2"),
    ("complex", {"Z": Z0 * 1j}, InputError, r"Z: .*complex"),
    ("complex csr", {"Z": sp.csr_array(Z0 * 1j)}, InputError, r"Z: .*complex"),
    ("broken csr", {"Z": "broken"}, InputError, r"Z: .*well-formed"),
    ("no regions", {"regions": None}, LabelError, r"regions.*none in any argument.*np.repeat"),
    ("few regions", {"regions": ["DE", "NA"]}, LabelError, r"regions: expected 4 labels.*got 2"),
    ("empty label", {"sectors": ["coal", " ", "a", "b"]}, LabelError, r"sectors: .*' ' at posit"),
    ("NaN label", {"sectors": ["coal", "x", np.nan, "b"]}, LabelError, r"sectors: .*nan at pos"),
    ("NA label", {"regions": ["DE", "DE", pd.NA, "NA"]}, LabelError, r"regions: .*keep_default_na"),
    ("Z index", {"Z": frame(Z0, SWAPPED, ROWS)}, LabelError,
     r"Z index: .*labels of sectors.*'steel' instead of 'coal' at position 0"),
    ("Z columns", {"Z": frame(Z0, ROWS, SWAPPED)}, LabelError, r"Z columns: .*position 0"),
    ("Y index", {"Y": frame(Y0, SWAPPED)}, LabelError, r"Y index: .*position 0"),
    ("F columns labels", {"F": frame(F0, None, SWAPPED)}, LabelError, r"F columns: .*position 0"),
    ("x index", {"x": pd.Series([1.0, 1, 1, 1], SWAPPED)}, LabelError, r"x index: .*position 0"),
    ("F index", {"F": frame(F0, ["CH4", "CO2"])}, LabelError, r"F index: .*'CH4' instead of 'CO2'"),
    ("one level", {"Y": frame(Y0, list("abcd"))}, LabelError, r"Y index: .*MultiIndex.*1 level"),
    ("swapped levels", {"Y": frame(Y0, ROWS.swaplevel().set_names(["sector", "region"]))},
     LabelError, r"Y index: .*swaplevel"),
    ("Y columns", {"Y": frame(Y0, None, OTHER_REGIONS)},
     LabelError, r"Y columns: .*demand.*'NA' instead of 'DE' at position 0"),
    ("F_Y columns", {"F_Y": frame(F0, None, OTHER_CATEGORIES)},
     LabelError, r"F_Y columns: .*'inventories' instead of 'households'"),
    ("F_Y index", {"F_Y": frame(F0, ["CO2", "N2O"])}, LabelError, r"F_Y index: .*'N2O'"),
    ("no demand", {"demand": None}, LabelError, r"demand: .*4 columns.*2 regions"),
    ("demand text", {"demand": ["DE", "DE", "NA", "NA"]}, LabelError, r"demand: .*pairs.*'DE' at"),
    ("demand string", {"demand": "DE"}, LabelError, r"demand: .*pairs"),
    ("demand short", {"demand": [("DE", "a"), ("NA", "a")]}, LabelError, r"demand: .*4 labels.*2"),
    ("demand region", {"demand": [("DE", "a"), ("DE", "b"), ("NA", "a"), ("na", "b")]}, LabelError,
     r"demand: .*'na' at position 3.*write 'NA'"),
    ("twice", {"stressors": ["CO2", "CO2"], "stressor_units": None}, LabelError,
     r"stressors: .*CO2 more than once"),
    ("no stressors", {"stressors": None}, LabelError, r"stressors.*stressors=\["),
    ("units", {"stressor_units": ["kt"]}, InputError, r"stressor_units: .*2 of them.*got 1"),
    ("units keys", {"stressor_units": {"CO2": "kt", "CH": "t"}}, LabelError,
     r"stressor_units: .*unknown: CH; missing: CH4"),
    ("units NaN", {"stressor_units": ["kt", np.nan]}, LabelError, r"stressor_units: .*nan"),
    ("units index", {"stressor_units": pd.Series(["kt", "t"], ["CH4", "CO2"])}, LabelError,
     r"stressor_units index: .*'CH4' instead of 'CO2'"),
    ("row units", {"row_units": ["M.EUR"]}, InputError, r"row_units: .*4 of them"),
    ("heads", {"population": {"DE": -1.0}}, InputError, r"population: .*≥ 0.*-1.0 at position 0"),
    ("F large", {"F": np.array(F0) * 1e101}, InputError, r"F: .*up to 1e\+100.*row 0 \(CO2\)"),
    ("heads inf", {"population": [np.inf, 1]}, InputError, r"population: .*inf"),
    ("heads size", {"population": [1.0]}, InputError, r"population: .*2 numbers"),
    ("heads key", {"population": {"DEX": 1.0}}, LabelError, r"population: .*'DEX'.*are 'DE'"),
    ("year", {"year": "2009"}, InputError, r"year: .*'2009'"),
    ("name", {"name": 5}, InputError, r"name: .*5"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "error", "match"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED]
)
def test_refused(change: dict[str, Any], error: type[Exception], match: str) -> None:
    if isinstance(change.get("Z"), str):
        broken = sp.csr_array(Z0)
        broken.indices[0] = 99
        change = {"Z": broken}
    with pytest.raises(error, match=match) as caught:
        _ = Table(**small(**change)).A
    assert SENTENCE.match(str(caught.value)), str(caught.value)
    assert "\n" not in str(caught.value)


# --- changes --------------------------------------------------------------------------------


def test_changed_emissions_share_the_rest() -> None:
    table = Table(**small())
    table.kept.get(SYSTEM, object)
    changed = table.with_changes(S=table.S * 2, F_Y=np.ones((2, 4)))
    np.testing.assert_allclose(changed.F, table.F * 2 * (table.x != 0))
    assert changed.content.matrix is table.content.matrix
    assert changed.content.x is table.content.x
    assert changed.kept.peek(SYSTEM) is table.kept.peek(SYSTEM) is not None
    assert table.F_Y.to_numpy().sum() == 0
    assert changed.F_Y.to_numpy().sum() == 8
    direct = table.with_changes(F_Y=np.ones((2, 4)))
    assert direct.content.emissions_kind == "F"
    assert table.with_changes().equals(table)


@given(tables(), st.sampled_from(["A", "Y", "both"]))
def test_changed_technology_or_demand_is_solved(table: Table, what: str) -> None:
    new: dict[str, Any] = {}
    if what != "Y":
        new["A"] = table.A * 0.5
    if what != "A":
        new["Y"] = table.Y * 3
    table.kept.get(SYSTEM, object)
    changed = table.with_changes(**new)
    assert changed.content.x is None
    assert changed.kept.peek(SYSTEM) is None
    np.testing.assert_array_equal(changed.S, table.S)
    expected = dense_inverse(changed) @ changed.Y.to_numpy().sum(axis=1)
    np.testing.assert_allclose(changed.x, expected, atol=1e-8)
    assert changed.arrays.x is changed.arrays.x
    np.testing.assert_allclose(changed.F, table.S.to_numpy() * expected, atol=1e-8)
    assert pickle.loads(pickle.dumps(changed)).equals(changed)
    if what == "Y":
        np.testing.assert_allclose(changed.x, table.x * 3, atol=1e-8)


@given(tables(), st.booleans())
def test_coefficients_without_output_are_solved(table: Table, by_emissions: bool) -> None:
    """As `with_changes` and the readers do it, whatever the table is then asked or made into."""
    x = dense_inverse(table) @ table.Y.to_numpy().sum(axis=1)
    emissions = {"F": table.S.to_numpy() * x} if by_emissions else {"S": table.S.to_numpy()}
    made = Table(
        A=table.A, Y=table.Y.to_numpy(), regions=table.rows.get_level_values("region"),
        sectors=table.rows.get_level_values("sector"), demand=list(table.demand),
        stressors=list(table.stressors), stressor_units="kt", **emissions,
    )  # fmt: skip
    assert made.content.x is None
    np.testing.assert_allclose(made.x, x, rtol=1e-7, atol=1e-9 * np.abs(x).max())
    changed = table.with_changes(A=table.A)
    if not by_emissions:
        np.testing.assert_array_equal(made.x, changed.x)
        np.testing.assert_array_equal(made.F, changed.F)
    assert pickle.loads(pickle.dumps(made)).equals(made)
    whole = made.aggregate(regions=dict.fromkeys(made.regions, "all"))
    np.testing.assert_allclose(whole.x.sum(), made.x.sum(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "asked",
    [
        "cf.Table(A=[[0.5]], Y=[5.0], **rest).x",
        "cf.Table(Z=[[1.0]], Y=[9.0], **rest).with_changes(A=[[0.5]]).x",
    ],
)
def test_the_solver_comes_by_itself(asked: str) -> None:
    """In a program that has asked for nothing else: parts of the package load when first used."""
    code = (
        "import carbonflows_fast as cf; "
        "rest = dict(S=[1.0], regions='DE', sectors=['all'], stressors='CO2'); "
        f"print({asked}.iloc[0])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) in [(0, "10.0"), (0, "18.0")], done.stderr


def test_a_saved_table_is_unpickled_alone(tmp_path: Path) -> None:
    # In a process that has imported nothing but this module, as one that unpickles.
    saved = cf.open(cf.save(Table(**small()), tmp_path / "saved"))
    (tmp_path / "pickled").write_bytes(pickle.dumps(saved))
    code = "import pickle, sys; print(pickle.load(open(sys.argv[1], 'rb')).n)"
    command = [sys.executable, "-c", code, str(tmp_path / "pickled")]
    assert subprocess.check_output(command, text=True).strip() == "4"


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"A": Z0[:3]}, InputError, r"A: .*\(4, 4\).*\(3, 4\)"),
        ({"S": F0[:1]}, InputError, r"S: .*\(2, 4\)"),
        ({"Y": replaced(Y0, (0, 1), np.nan)}, InputError, r"Y: .*nan at row 0 \(DE, coal\)"),
        ({"A": frame(Z0, SWAPPED, ROWS)}, LabelError, r"A index: .*the table.*position 0"),
        ({"S": frame(F0, ["CH4", "CO2"])}, LabelError, r"S index: .*'CH4' instead of 'CO2'"),
        ({"Y": frame(Y0, None, OTHER_REGIONS)},
         LabelError, r"Y columns: .*position 0"),
        ({"F_Y": frame(F0, None, list("abcd"))}, LabelError, r"F_Y columns: .*MultiIndex"),
    ],
)  # fmt: skip
def test_refused_changes(change: dict[str, Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match) as caught:
        Table(**small()).with_changes(**change)
    assert SENTENCE.match(str(caught.value))


# --- aggregation ----------------------------------------------------------------------------


def total_footprints(table: Table) -> Any:
    """s'L y per stressor, by the inverse."""
    return table.S.to_numpy() @ dense_inverse(table) @ table.Y.to_numpy().sum(axis=1)


@given(tables(), st.data())
def test_aggregation_conserves_totals(table: Table, data: Any) -> None:
    names = st.sampled_from(["g", "h"])
    regions = {r: data.draw(names) for r in table.regions if data.draw(st.booleans())}
    sectors = {s: data.draw(names) for s in table.sectors if data.draw(st.booleans())}
    grouped = table.aggregate(regions=regions, sectors=sectors)
    for name in ("x", "Y", "F", "F_Y"):
        before, after = getattr(table, name).to_numpy(), getattr(grouped, name).to_numpy()
        np.testing.assert_allclose(after.sum(), before.sum(), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(grouped.Z.sum(), table.Z.sum(), rtol=1e-9, atol=1e-9)
    if table.population is not None:
        assert grouped.population.sum() == table.population.sum()
    expected = list(dict.fromkeys(regions.get(r, r) for r in table.regions))
    assert list(grouped.regions) == expected
    by_region = table.F.T.groupby(lambda row: regions.get(row[0], row[0])).sum().T
    again = grouped.F.T.groupby(level=0).sum().T
    np.testing.assert_allclose(again[by_region.columns], by_region, rtol=1e-9, atol=1e-9)
    assert grouped.rows.is_unique
    assert pickle.loads(pickle.dumps(grouped)).equals(grouped)


@given(tables())
def test_identity_grouping_keeps_footprints(table: Table) -> None:
    same = table.aggregate(
        regions={r: r for r in table.regions}, sectors={s: s for s in table.sectors}
    )
    np.testing.assert_allclose(
        total_footprints(same), total_footprints(table), rtol=1e-9, atol=1e-9
    )
    assert sorted(same.rows) == sorted(table.rows)
    np.testing.assert_allclose(same.A.sum(), table.A.sum(), rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(same.x.reindex(table.rows), table.x)


def test_aggregation_example() -> None:
    grouped = Table(**small()).aggregate(regions={"NA": "RoW"}, sectors=["all"] * 4)
    assert list(grouped.rows) == [("DE", "all"), ("RoW", "all")]
    assert grouped.Z.toarray().tolist() == [[14.0, 22.0], [1.0, 1.0]]
    assert grouped.Y.to_numpy().tolist() == [[14.0, 6.0, 8.0, 10.0], [1.0, 1.0, 1.0, -1.0]]
    assert list(grouped.demand)[2] == ("RoW", "households")
    assert grouped.F.to_numpy().tolist() == [[3.0, 7.0], [11.0, 15.0]]
    assert grouped.population.to_dict() == {"DE": 80.0, "RoW": 3.0}
    assert (grouped.year, grouped.name) == (2009, "small")
    by_row = Table(**small()).aggregate(regions=["EU", "EU", "EU", "EU"])
    assert list(by_row.demand) == [("EU", "households"), ("EU", "inventories")]
    series = pd.Series({"DE": "EU", "NA": "EU"})
    assert Table(**small()).aggregate(regions=series).equals(by_row)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"regions": {"DEX": "EU"}}, LabelError, r"regions: .*got 'DEX'; nearest are 'DE'"),
        ({"sectors": {"steal": "metals"}}, LabelError, r"sectors: .*are 'steel'"),
        ({"sectors": ["a", "b"]}, InputError, r"sectors: .*4 group labels.*2 labels"),
        ({"sectors": "all"}, InputError, r"sectors: .*mapping.*'all'"),
        ({"sectors": {"coal": ""}}, LabelError, r"sectors: .*a text for every label"),
        ({"regions": ["a", "b", "c", "c"]}, InputError, r"regions: .*'a' and 'b' for 'DE'"),
        ({"sectors": ["a", "a", "a", "b"]}, InputError, r"sectors: .*one unit.*'EUR' and 't'"),
    ],
)
def test_refused_aggregation(options: dict[str, Any], error: type[Exception], match: str) -> None:
    table = Table(**small(row_units=["EUR", "t", "EUR", "t"]))
    with pytest.raises(error, match=match) as caught:
        table.aggregate(**options)
    assert SENTENCE.match(str(caught.value))


# --- tables that belong to a file -----------------------------------------------------------


class FakeTiles:
    """Stands in for the tiles of a store."""

    def __init__(self, A: Any) -> None:
        self._A = A
        self.shape = A.shape

    def to_csr(self) -> Any:
        return self._A

    def __reduce__(self) -> Any:
        raise AssertionError("tiles must not be pickled")


def stored(path: Path, checksum: str = "abc") -> Table:
    table = Table(**small())
    fields = {name: getattr(table.content, name) for name in Parts.__dataclass_fields__}
    parts = Parts(**(fields | {"matrix": FakeTiles(table.A), "kind": "A"}))
    return table_from(parts, saved=(path, checksum))


def test_a_stored_table_pickles_by_path(monkeypatch: pytest.MonkeyPatch) -> None:
    table = stored(Path("somewhere"))
    assert table.equals(Table(**small()))
    assert "A tiles" in repr(table)
    message = pickle.dumps(table)
    monkeypatch.setattr("carbonflows_fast.store._saved.reopened", stored)
    assert pickle.loads(message)._saved == (Path("somewhere"), "abc")


def test_what_is_made_of_a_stored_table_pickles_by_content() -> None:
    table = stored(Path("somewhere"))
    changed = table.with_changes(S=table.S)
    assert changed._saved is None
    assert pickle.loads(pickle.dumps(changed)).equals(changed)
    grouped = table.aggregate(sectors={"coal": "all", "steel": "all"})
    expected = Table(**small(Z=table.Z, x=table.x)).aggregate(sectors=["all"] * 4)
    np.testing.assert_allclose(grouped.Z.toarray(), expected.Z.toarray())
    solved = table.with_changes(Y=table.Y)
    assert isinstance(solved.content.matrix, FakeTiles)
