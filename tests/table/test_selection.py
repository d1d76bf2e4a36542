"""Stressors, demand and rows, as every question takes them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.worlds.strategies import tables

from carbonflows_fast.errors import InputError, LabelError
from carbonflows_fast.table import Table
from carbonflows_fast.table._selection import select_demand, select_rows, select_stressor

SENTENCE = re.compile(r"^(.+?): expected (.+), got (.+); (.+)$", re.DOTALL)


@pytest.fixture
def table() -> Table:
    return Table(
        Z=np.arange(9.0).reshape(3, 3),
        Y=np.arange(12.0).reshape(3, 4) + 1,
        F=np.arange(9.0).reshape(3, 3) + 1,
        F_Y=np.ones((3, 4)),
        regions=["DE", "DE", "NA"],
        sectors=["coal", "steel", "coal"],
        demand=[(r, c) for r in ("DE", "NA") for c in ("households", "government")],
        stressors=["CO2", "CH4", "water"],
        stressor_units=["kg", "kg", "m3"],
    )


# --- properties -----------------------------------------------------------------------------


@given(tables(), st.data())
def test_each_stressor_is_its_row(table: Table, data: Any) -> None:
    name = data.draw(st.sampled_from(table.stressors))
    one = select_stressor(table, name)
    np.testing.assert_array_equal(one.s, table.S.loc[name])
    np.testing.assert_array_equal(one.F, table.F.loc[name])
    np.testing.assert_array_equal(one.F_Y, table.F_Y.loc[name])
    assert (one.name, one.unit) == (name, table.stressor_units[name])
    for array in (one.s, one.F, one.F_Y):
        assert array.flags.c_contiguous
        assert not array.flags.writeable


@given(tables(), st.data())
def test_weights_are_linear(table: Table, data: Any) -> None:
    weight = st.floats(-10, 10).filter(lambda w: w == 0.0 or abs(w) > 1e-9)
    weights = {name: data.draw(weight) for name in table.stressors}
    both = select_stressor(table, weights)
    for name in ("s", "F", "F_Y"):
        parts = [w * getattr(select_stressor(table, n), name) for n, w in weights.items()]
        np.testing.assert_allclose(getattr(both, name), sum(parts), rtol=1e-9, atol=1e-9)


@given(tables())
def test_demand_splits_into_regions_and_categories(table: Table) -> None:
    whole = select_demand(table)
    assert whole.complete
    assert whole.columns is not None
    assert whole.columns.all()
    assert whole.consumers == table.regions
    assert whole.values.flags.c_contiguous
    expected = table.Y.T.groupby(level=0, sort=False).sum().T[list(table.regions)]
    np.testing.assert_allclose(whole.values, expected, rtol=1e-12, atol=1e-12)
    by_region = [select_demand(table, region) for region in table.regions]
    np.testing.assert_array_equal(sum(d.values for d in by_region), whole.values)
    by_category = [select_demand(table, (None, category)) for category in table.categories]
    np.testing.assert_allclose(
        sum(d.values for d in by_category), whole.values, rtol=1e-12, atol=1e-12
    )
    everything = select_demand(table, list(table.regions))
    assert not everything.complete
    np.testing.assert_array_equal(everything.values, whole.values)
    for code, one in enumerate(by_region):
        assert not np.delete(one.values, code, axis=1).any()


@given(tables(), st.data())
def test_rows_are_those_with_the_labels(table: Table, data: Any) -> None:
    rows = list(table.rows)
    region, sector = data.draw(st.sampled_from(rows))
    assert select_rows(table, sector).tolist() == [s == sector for _, s in rows]
    assert select_rows(table, (region, None)).tolist() == [r == region for r, _ in rows]
    assert select_rows(table, (region, sector)).tolist() == [
        row == (region, sector) for row in rows
    ]
    union = select_rows(table, [sector, (region, None)])
    assert union.tolist() == [s == sector or r == region for r, s in rows]
    assert select_rows(table, union).tolist() == union.tolist()
    assert select_rows(table, (None, None)).all()


# --- examples -------------------------------------------------------------------------------


def test_weighted_sum_says_what_it_is(table: Table) -> None:
    sum_ = select_stressor(table, {"CO2": 1, "CH4": 28})
    assert (sum_.name, sum_.unit) == ("1 CO2 + 28 CH4", "kg")
    assert sum_.F.tolist() == [1 + 28 * 4, 2 + 28 * 5, 3 + 28 * 6]
    assert sum_.F_Y.tolist() == [29.0] * 4


def test_the_only_stressor_needs_no_name(table: Table) -> None:
    one = Table(Z=[[0.0]], Y=[1.0], F=[2.0], regions="DE", sectors=["a"], stressors="CO2")
    assert select_stressor(one).name == "CO2"


def test_demand_of_one_category_and_region(table: Table) -> None:
    one = select_demand(table, ("NA", "government"))
    assert one.values.tolist() == [[0.0, 4.0], [0.0, 8.0], [0.0, 12.0]]
    assert one.columns is not None
    assert one.columns.tolist() == [False, False, False, True]
    union = select_demand(table, ["DE", ("NA", "government"), (None, "government")])
    assert union.columns is not None
    assert union.columns.tolist() == [True, True, False, True]


def test_the_whole_demand_is_summed_once(table: Table) -> None:
    whole = select_demand(table)
    assert select_demand(table) is whole
    assert select_demand(table.with_changes(name="other")) is whole
    doubled = table.with_changes(Y=table.Y * 2.0)
    np.testing.assert_array_equal(select_demand(doubled).values, 2.0 * whole.values)


def test_demand_of_ones_own(table: Table) -> None:
    for own in (np.array([1, 2, 3]), pd.Series([1.0, 2.0, 3.0], table.rows)):
        selected = select_demand(table, own)
        assert selected.consumers == ("demand",)
        assert selected.values.tolist() == [[1.0], [2.0], [3.0]]
        assert selected.columns is None
        assert not selected.complete


@pytest.mark.parametrize(
    ("select", "argument", "error", "match"),
    [
        (select_stressor, None, InputError, r"stressor: .*has 3.*'CO2'"),
        (select_stressor, "CO", LabelError, r"stressor: .*'CO'; nearest are 'CO2'"),
        (select_stressor, 5, LabelError, r"stressor: .*got 5"),
        (select_stressor, {"C02": 1}, LabelError, r"nearest are 'CO2'"),
        (select_stressor, {"CO2": 1, "water": 1}, InputError, r"units 'kg', 'm3'"),
        (select_stressor, {}, InputError, r"empty mapping; give at least one, e\.g\. \{'"),
        (select_stressor, {"CO2": np.nan}, InputError, r"finite number.*nan for 'CO2'"),
        (select_stressor, {"CO2": "2"}, InputError, r"finite number.*'2'"),
        (select_demand, "DEX", LabelError, r"demand: .*region.*'DEX'; nearest are 'DE'"),
        (select_demand, "households", LabelError, r"write \(None, 'households'\)"),
        (select_demand, ("DE", "house"), LabelError, r"category.*nearest are 'households'"),
        (select_demand, ("DE",), InputError, r"pair \(region, category\)"),
        (select_demand, ("DE", "NA", "FR"), InputError, r"in a list"),
        (select_demand, [], InputError, r"empty list"),
        (select_demand, [1.0, 2.0, 3.0], LabelError, r"got 1.0; give a name"),
        (select_demand, np.ones(2), InputError, r"demand: expected 3 numbers.*\(2,\)"),
        (select_demand, np.array(["a", "b", "c"]), InputError, r"dtype"),
        (select_demand, np.array([1, np.nan, 1]), InputError, r"nan at row 1 \('DE', 'steel'\)"),
        (select_rows, "steal", LabelError, r"rows: .*sector.*nearest are 'steel'"),
        (select_rows, "DE", LabelError, r"write \('DE', None\)"),
        (select_rows, ("NA", "steel"), LabelError, r"does not have; 'NA' has 'coal'"),
        (select_rows, ("US", "steel"), LabelError, r"rows: .*'US' \(USA\), of which it has no"),
        (select_rows, ("UX", "steel"), LabelError, r"rows: .*region of the table.*'UX'"),
        (select_rows, "Germany", LabelError, r"write \('Germany', None\)"),
        (select_rows, np.ones(2, bool), InputError, r"Boolean mask with 3.*\(2,\)"),
        (select_rows, np.ones(3), InputError, r"Boolean.*float64"),
        (select_rows, [], InputError, r"empty list"),
    ],
)
def test_refused(
    table: Table, select: Any, argument: Any, error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match) as caught:
        select(table, argument)
    assert SENTENCE.match(str(caught.value)), str(caught.value)


def test_a_series_in_another_order_is_refused(table: Table) -> None:
    with pytest.raises(LabelError, match=r"demand.reindex"):
        select_demand(table, pd.Series([1.0, 2.0, 3.0], table.rows[::-1]))


def test_rows_errors_name_the_argument(table: Table) -> None:
    with pytest.raises(LabelError, match=r"^through: "):
        select_rows(table, "x", "through")


# --- characterisations ----------------------------------------------------------------------


def gases(**changes: Any) -> Table:
    return Table(
        **{
            "Z": [[1.0, 0.0], [0.0, 0.0]],
            "Y": [[3.0], [0.0]],
            "F": [[5.0, 0.0], [7.0, 1.0], [4.0, 9.0], [2.0, 8.0]],
            "F_Y": [[1.0], [2.0], [3.0], [4.0]],
            "regions": "DE",
            "sectors": ["coal", "steel"],
            "stressors": ["jobs", "CO2", "CH4", "N2O"],
            "stressor_units": ["1000 p", "kt CO2", "t", "kg"],
            **changes,
        }
    )


@pytest.mark.parametrize(
    ("name", "ch4", "n2o"),
    [("GWP100_AR4", 25, 298), ("GWP100_AR5", 28, 265), ("GWP100_AR6", 27.9, 273)],
)
def test_a_characterisation_weighs_all_gases_in_one_unit(name: str, ch4: float, n2o: float) -> None:
    sum_ = select_stressor(gases(), name)
    assert (sum_.name, sum_.unit) == (f"{name} of CO2, CH4, N2O", "kt CO2-eq")
    weights = [1, ch4 / 1e3, n2o / 1e6]
    np.testing.assert_allclose(sum_.F, weights @ np.array([[7, 1], [4, 9], [2, 8.0]]), rtol=1e-15)
    np.testing.assert_allclose(sum_.s, [sum_.F[0] / 4, 0.0], rtol=1e-15)
    np.testing.assert_allclose(sum_.F_Y, [weights @ np.array([2, 3, 4.0])], rtol=1e-15)
    assert not sum_.F.flags.writeable


def test_a_characterisation_says_which_gases_it_counts() -> None:
    names = ["CO2_bio - combustion - air", "CO2 - combustion - air", "HFC - air", "CH4, air"]
    table = gases(stressors=names, stressor_units=["kg", "kg", "kg CO2-eq", "kg"])
    sum_ = select_stressor(table, "GWP100_AR6")
    assert sum_.name == "GWP100_AR6 of CO2, HFC"
    assert sum_.F.tolist() == [11.0, 10.0]


def test_a_characterisation_says_that_it_counts_no_carbon_dioxide() -> None:
    table = gases(stressors=["jobs", "CO2_bio - combustion - air", "CH4", "N2O"])
    assert select_stressor(table, "GWP100_AR6").name == "GWP100_AR6 of CH4, N2O, without CO2"


def test_a_stressor_of_the_name_wins() -> None:
    table = gases(stressors=["jobs", "CO2", "CH4", "GWP100_AR6"])
    assert select_stressor(table, "GWP100_AR6").F.tolist() == [2.0, 8.0]


@pytest.mark.parametrize(
    ("changes", "name", "error", "match"),
    [
        ({}, "GWP20_AR6", LabelError, r"got 'GWP20_AR6'; characterisations are GWP100_AR4, .*near"),
        ({}, "gwp100", LabelError, r"characterisations are"),
        ({"stressors": list("abcd")}, "GWP100_AR6", LabelError, r"'a', 'b', 'c', 'd'; name them"),
        ({"stressor_units": ["", "kt", "TJ", "t"]}, "GWP100_AR6", InputError, r"'CH4', got 'TJ'"),
        ({"stressor_units": ["p", "kt", "", "t"]}, "GWP100_AR6", InputError, r"'CH4', got ''"),
    ],
)
def test_characterisation_refused(
    changes: dict[str, Any], name: str, error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match) as caught:
        select_stressor(gases(**changes), name)
    assert SENTENCE.match(str(caught.value)), str(caught.value)
