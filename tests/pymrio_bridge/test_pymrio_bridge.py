"""To and from pymrio, equal both ways."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pymrio
import pytest

import carbonflows_fast.leontief  # the solver behind x of tables without it
from carbonflows_fast.errors import InputError, LabelError
from carbonflows_fast.pymrio_bridge import from_pymrio, to_pymrio
from carbonflows_fast.readers import read
from carbonflows_fast.table import Table


@pytest.fixture
def io() -> Any:
    return pymrio.load_test()


def test_the_table_holds_what_pymrio_holds(io: Any) -> None:
    table = from_pymrio(io)
    assert table.stressors == ("Value Added", "emission_type1 | air", "emission_type2 | water")
    assert table.extensions == ("factor_inputs", "emissions", "emissions")
    assert list(table.stressor_units) == ["Mill USD", "kg", "kg"]
    assert set(table.row_units) == {"Mill USD"}
    assert table.name == "testmrio pxp v1"
    assert np.array_equal(table.Z.toarray(), io.Z)
    assert np.array_equal(table.Y, io.Y)
    assert np.array_equal(table.F, np.concatenate([io.factor_inputs.F, io.emissions.F]))
    assert np.array_equal(table.F_Y.iloc[1:], io.emissions.F_Y)
    assert list(table.population) == io.population.iloc[0].tolist()
    assert list(table.rows) == list(io.Z.index)
    assert list(table.demand) == list(io.Y.columns)


def test_units_with_a_level_more_as_MARIO_writes_them(io: Any) -> None:
    """MARIO 1.3.2 hands over units by region, "Sector" and sector."""
    expected = from_pymrio(io)
    levels = [[region, "Sector", sector] for region, sector in io.unit.index]
    names = ["Region", "Level", "Item"]
    io.unit.index = pd.MultiIndex.from_tuples([tuple(one) for one in levels], names=names)
    assert from_pymrio(io).equals(expected)
    io.unit = io.unit.iloc[::-1]
    with pytest.raises(
        LabelError, match=r"io\.unit: expected the \d+ labels of the rows, in the same"
    ):
        from_pymrio(io)


def test_there_and_back_from_pymrio(io: Any) -> None:
    io.calc_all()
    again = to_pymrio(from_pymrio(io))
    for name in ("Z", "Y", "x", "unit"):
        # pymrio reads columns of whole numbers as integers
        ours, theirs = getattr(again, name), getattr(io, name)
        pd.testing.assert_frame_equal(ours, theirs, check_dtype=False, check_exact=name != "unit")
    pd.testing.assert_frame_equal(
        again.population, io.population, check_names=False, check_dtype=False
    )
    assert list(again.get_extensions()) == list(io.get_extensions())
    for name in io.get_extensions():
        ours, theirs = getattr(again, name), getattr(io, name)
        pd.testing.assert_frame_equal(ours.F, theirs.F, check_names=False, check_dtype=False)
        pd.testing.assert_frame_equal(ours.unit, theirs.unit, check_names=False)
    pd.testing.assert_frame_equal(again.emissions.F, io.emissions.F, check_dtype=False)
    pd.testing.assert_frame_equal(again.emissions.F_Y, io.emissions.F_Y, check_dtype=False)


def test_there_and_back_from_a_table(io: Any) -> None:
    table = from_pymrio(io)
    assert from_pymrio(to_pymrio(table)).equals(table)
    assert from_pymrio(to_pymrio(table).calc_all()).equals(table)


def nameless(**changes: Any) -> Table:
    arguments: dict[str, Any] = {
        "A": [[0.1, 0.2], [0.3, 0.1]],
        "x": [10.0, 20.0],
        "Y": [[5.0, 1.0], [2.0, 3.0]],
        "S": [[0.5, 0.1], [1.0, 2.0], [3.0, 4.0]],
        "regions": ["NA", "DE"],
        "sectors": ["all", "all"],
        "stressors": ["air emissions: CO2", "2020 water: CO2", "a | b | c | d"],
        "extensions": ["air emissions", "2020 water", "deep"],
        "year": 2007,
    }
    return Table(**(arguments | changes))


def test_coefficients_intensities_and_odd_names_survive() -> None:
    table = nameless()
    io = to_pymrio(table)
    assert list(io.get_extensions()) == ["air_emissions", "_2020_water", "deep"]
    assert io.deep.S.index.names == ["stressor", "compartment", "level 3", "level 4"]
    again = from_pymrio(io)
    assert again.equals(table)
    assert (again.name, again.year) == ("", 2007)


def test_pymrio_computes_with_it() -> None:
    io = to_pymrio(nameless(F_Y=np.ones((3, 2)))).calc_all()
    assert np.allclose(io.deep.D_cba_reg.sum(axis=1), io.deep.D_pba_reg.sum(axis=1))


def test_the_given_arrays_are_not_shared() -> None:
    table = nameless()
    io = to_pymrio(table)
    io.A.iloc[0, 0] = 0.5
    io.Y.iloc[0, 0] = 7.0
    assert table.A[0, 0] == 0.1
    assert table.Y.iloc[0, 0] == 5.0


def test_A_without_x_is_solved(io: Any) -> None:
    io.calc_all()
    x = io.x["indout"].to_numpy()
    io.Z = io.x = None
    table = from_pymrio(io)
    assert table.content.x is None
    assert carbonflows_fast.leontief is not None
    assert np.allclose(table.x, x, rtol=1e-9)


def test_F_hh_and_S_alone() -> None:
    rows = pd.MultiIndex.from_tuples([("DE", "all")])
    demand = pd.MultiIndex.from_tuples([("DE", "hh")])
    extension = SimpleNamespace(
        F_hh=pd.DataFrame([[3.0]], ["CO2"], demand), S=pd.DataFrame([[0.5]], ["CO2"], rows)
    )
    io = SimpleNamespace(
        Z=pd.DataFrame([[1.0]], rows, rows),
        Y=pd.DataFrame([[9.0]], rows, demand),
        population=pd.Series({"DE": 84.0}),
        air=extension,
        get_extensions=lambda: ["air"],
    )
    table = from_pymrio(io)
    assert table.content.emissions_kind == "S"
    assert table.F_Y.iloc[0, 0] == 3.0
    assert (table.name, table.year, table.population["DE"]) == ("", None, 84.0)


@pytest.mark.parametrize(("part", "message"), [("Z", "io: .*with Z or A"), ("Y", "io: .*with Y")])
def test_what_a_system_must_have(io: Any, part: str, message: str) -> None:
    setattr(io, part, None)
    with pytest.raises(InputError, match=message):
        from_pymrio(io)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("Z", np.eye(48), r"io\.Z: expected a DataFrame, got ndarray"),
        ("Z", pd.DataFrame(np.eye(48)), r"io\.Z index: expected two levels, .*got 1, e\.g\. 0"),
        ("Y", pd.DataFrame(index=pymrio.load_test().Y.index), r"io\.Y: expected at least one col"),
        ("x", np.ones((48, 2)), r"io\.x: expected one column of 48 outputs, .*\(48, 2\)"),
        ("unit", ["Mill USD"] * 48, r"io\.unit: expected a DataFrame, got list"),
        ("population", 7e9, r"io\.population: expected a DataFrame, got float"),
        ("population", pd.Series({"reg1": "many"}), r"population: expected real numbers, got"),
        ("emissions.F", np.ones((2, 48)), r"io\.emissions\.F: expected a DataFrame"),
        ("emissions.F_Y", np.ones((2, 42)), r"io\.emissions\.F_Y: expected a DataFrame"),
        ("emissions.unit", "kg", r"io\.emissions\.unit: expected a DataFrame, got str"),
    ],
)
def test_frames_that_are_none(io: Any, path: str, value: Any, message: str) -> None:
    *extension, name = path.split(".")
    setattr(getattr(io, extension[0]) if extension else io, name, value)
    with pytest.raises(InputError, match=message):
        from_pymrio(io)


def test_empty_frames_of_units_and_heads_and_outputs_as_an_array(io: Any) -> None:
    expected = from_pymrio(io.calc_all())
    io.unit, io.x, io.population = io.unit[[]], io.x.to_numpy(), pd.DataFrame()
    table = from_pymrio(io)
    assert set(table.row_units) == {""}
    assert table.population is None
    assert table.x.equals(expected.x)


def test_what_an_extension_must_have(io: Any) -> None:
    io.emissions.F = None
    with pytest.raises(InputError, match=r"io\.emissions: .*F or S, got neither"):
        from_pymrio(io)
    io.emissions.S = io.factor_inputs.F
    io.emissions.F_Y = io.emissions.unit = None
    with pytest.raises(InputError, match=r"io\.emissions: .*S without F; compute F"):
        from_pymrio(io)


@pytest.mark.parametrize("frame", ["Y", "F", "F_Y", "unit"])
def test_labels_in_another_order_are_an_error(io: Any, frame: str) -> None:
    if frame == "Y":
        io.Y = io.Y.iloc[::-1]
    elif frame == "F":
        io.emissions.F = io.emissions.F.iloc[:, ::-1]
    else:
        setattr(io.emissions, frame, getattr(io.emissions, frame).iloc[::-1])
    with pytest.raises(LabelError, match=rf"io\.(emissions\.)?{frame}: .*same order.*position 0"):
        from_pymrio(io)


@pytest.mark.parametrize("names", [["Z", "b", "c"], ["a b", "a_b", "c"]])
def test_extensions_whose_attribute_is_taken(names: list[str]) -> None:
    with pytest.raises(InputError, match="is taken; make the table with another name"):
        to_pymrio(nameless(extensions=names))


def test_without_pymrio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymrio", None)
    with pytest.raises(InputError, match="pip install pymrio"):
        to_pymrio(nameless())


@pytest.mark.real_data
def test_wiod_there_and_back_and_as_pymrio_loads_it(real_data: Path) -> None:
    path = real_data / "wiod2013_2009.zip"
    table = read(path)
    again = from_pymrio(to_pymrio(table))
    assert again.equals(table)
    loaded = from_pymrio(pymrio.load_all(path))
    assert np.array_equal(loaded.A.toarray(), table.A.toarray())
    assert loaded.stressors == table.stressors
