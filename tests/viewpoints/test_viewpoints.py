"""Responsibility told four ways against dense definitions, and what it shares out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from support.references.viewpoint_reference import above_average, enabled_by_ghosh
from support.worlds.strategies import tables
from support.worlds.three_regions import three_regions

import carbonflows_fast as cf
from carbonflows_fast.errors import InputError

FOUR = ["production", "consumption", "income", "technology_adjusted"]


@given(tables())
def test_every_number_is_that_of_its_definition(table: cf.Table) -> None:
    stressor, s = table.stressors[-1], table.S.to_numpy()[-1]
    got = cf.responsibility(table, stressor)
    accounts = cf.accounts(table, stressor)
    size = float((np.abs(s) * np.abs(table.x.to_numpy())).sum())
    limit = 2 * got.attrs["error_bound"] + 1e-10 * size + 1e-12
    for column in ("production", "consumption", "households", "unallocated"):
        np.testing.assert_array_equal(got[column], accounts[column])
    v, values = enabled_by_ghosh(table, s)
    codes, R = table.content.region_codes, len(table.regions)
    income = np.bincount(codes, values, R) + accounts["households"].to_numpy()
    assert np.abs(got["income"] - income).sum() <= limit
    adjusted = accounts["consumption"] + above_average(table, s)
    assert np.abs(got["technology_adjusted"] - adjusted).sum() <= limit
    # What value added enables, row by row.
    rows = cf.enabled(table, stressor)
    assert np.abs(rows["enabled"] - values).sum() <= limit
    np.testing.assert_allclose(rows["value_added"], v, atol=1e-10 * np.abs(table.x).sum())


@given(tables())
def test_all_four_share_out_the_same(table: cf.Table) -> None:
    got = cf.responsibility(table, table.stressors[0])
    total = got[FOUR].sum().to_numpy()
    size = float((np.abs(table.S.to_numpy()[0]) * np.abs(table.x.to_numpy())).sum())
    unallocated = abs(float(got["unallocated"].sum()))
    assert np.ptp(total) <= 2 * got.attrs["error_bound"] + unallocated + 1e-10 * size + 1e-12


def test_income_is_enabled_by_those_who_sell_to_emitters() -> None:
    """Mining sells all to power, which alone emits and sells to final users."""
    table = cf.Table(
        Z=[[0.0, 60.0], [0.0, 0.0]], Y=[[0.0, 0.0], [0.0, 100.0]], F=[0.0, 50.0],
        regions=["AA", "BB"], sectors=["mining", "power"], stressors="CO2", row_units="M.EUR",
        population={"AA": 10, "BB": 20},
    )  # fmt: skip
    got = cf.responsibility(table)
    # Of the 100 that power sells for, 60 are mining's income and 40 its own.
    assert got["income"].tolist() == pytest.approx([30.0, 20.0])
    assert got["production"].tolist() == pytest.approx([0.0, 50.0])
    heads = cf.responsibility(table, per_head=True)
    assert heads["income"].tolist() == pytest.approx([3.0, 1.0])
    assert heads.attrs["unit"] == "per head"


def test_clean_exports_are_credited_by_what_others_emit_for_them() -> None:
    """Both regions export 10 of one good; AA emits 1 a unit, BB 3, the average is 2."""
    table = cf.Table(
        Z=np.zeros((2, 2)), Y=[[5.0, 10.0], [10.0, 5.0]], F=[15.0, 45.0],
        regions=["AA", "BB"], sectors=["goods", "goods"], stressors="CO2", row_units="M.EUR",
    )  # fmt: skip
    got = cf.responsibility(table)
    assert got["consumption"].tolist() == pytest.approx([35.0, 25.0])
    assert got["technology_adjusted"].tolist() == pytest.approx([25.0, 35.0])


@given(tables())
def test_value_added_is_a_stressor_like_others(table: cf.Table) -> None:
    made = cf.with_value_added(table)
    assert made.stressors == (*table.stressors, "value added")
    assert made.stressor_units["value added"] == "M.EUR"
    v, _ = enabled_by_ghosh(table, table.S.to_numpy()[0])
    np.testing.assert_allclose(
        made.F.loc["value added"], v, atol=1e-10 * np.abs(table.x.to_numpy()).sum()
    )
    for part in ("x", "Y"):
        assert getattr(made, part).equals(getattr(table, part))
    np.testing.assert_array_equal(made.S.iloc[:-1], table.S)
    # All income is spent: value added of the world is what final users buy.
    accounts = cf.accounts(made, "value added")
    spent = float(table.Y.to_numpy().sum())
    size = float(np.abs(table.x.to_numpy()).sum())
    assert accounts["consumption"].sum() == pytest.approx(spent, abs=1e-8 * size)


def test_value_added_of_a_sector_without_output_is_what_it_does_not_earn() -> None:
    table = cf.Table(
        Z=[[10.0, 5.0], [0.0, 0.0]], Y=[85.0, 0.0], F=[50.0, 7.0], regions="DE",
        sectors=["a", "b"], stressors="CO2",
    )  # fmt: skip
    made = cf.with_value_added(table)
    assert made.F.loc["value added"].tolist() == [90.0, -5.0]
    assert float(made.F.loc["value added"].sum()) == float(table.Y.to_numpy().sum())


@pytest.mark.real_data
def test_wiod(real_data: Path) -> None:
    table = cf.read(real_data / "wiod2013_2009.zip", progress=False)
    got = cf.responsibility(table, table.stressors[0])
    total = got[FOUR].sum()
    assert np.ptp(total) <= 1e-9 * total.iloc[0]
    _, values = enabled_by_ghosh(table, table.S.to_numpy()[0])
    codes = table.content.region_codes
    income = np.bincount(codes, values) + got["households"].to_numpy()
    np.testing.assert_allclose(got["income"], income, rtol=1e-9)
    # Russia sells fuel: more is emitted downstream of its income than for its consumption.
    assert got.loc["RUS", "income"] > got.loc["RUS", "consumption"]


@given(tables())
def test_trade_is_what_crosses_borders(table: cf.Table) -> None:
    flows = cf.flows(table, table.stressors[0])
    p, x = table.content, table.x.to_numpy()
    Z, regions = table.A.toarray() * x, list(table.regions)
    expected = np.zeros((len(regions), len(regions)))
    for i in range(table.n):
        for j in range(table.n):
            expected[p.region_codes[i], p.region_codes[j]] += Z[i, j]
        for column, q in enumerate(p.demand_codes):
            expected[p.region_codes[i], q] += p.Y[i, column]
    np.fill_diagonal(expected, 0.0)
    got = flows.trade()
    np.testing.assert_allclose(got, expected, atol=1e-10 * np.abs(x).sum())
    parts = flows.trade("intermediate") + flows.trade("final")
    np.testing.assert_allclose(parts, expected, atol=1e-10 * np.abs(x).sum())
    frame, emitted = flows.trade_intensities(), flows.bilateral_trade()
    np.testing.assert_allclose(frame["imports"], expected.sum(axis=0), atol=1e-9 * np.abs(x).sum())
    np.testing.assert_array_equal(frame["emitted_for_imports"], emitted.sum(axis=0))
    ratio = frame["emitted_for_exports"] / frame["exports"].where(frame["exports"] != 0)
    np.testing.assert_array_equal(frame["per_unit_exported"], ratio)


def test_accounts_for_each_head() -> None:
    table = three_regions(population={"AA": 4, "BB": 0})
    whole, heads = cf.accounts(table), cf.accounts(table, per_head=True)
    assert heads.attrs["unit"] == "kt per head"
    assert heads.loc["AA", "consumption"] == whole.loc["AA", "consumption"] / 4
    assert heads.loc["AA", "net_share"] == whole.loc["AA", "net_share"]
    assert heads.loc[["BB", "CC"], "production"].isna().all()
    assert heads.attrs["error_bound"] >= whole.attrs["error_bound"] / 4
    unknown = cf.accounts(three_regions(population={}), per_head=True)
    assert unknown.drop(columns="net_share").isna().all(axis=None)


def test_bad_input() -> None:
    mixed = three_regions(row_units=["M.EUR", "t", "t", "t", "t"])
    for ask in (cf.responsibility, cf.enabled, cf.with_value_added):
        with pytest.raises(InputError, match=r"table: expected rows in one unit, .* got the units"):
            ask(mixed)
    with pytest.raises(InputError, match=r"table: expected rows in one unit, whose exports"):
        cf.flows(mixed).trade()
    for ask in (cf.responsibility, cf.accounts):
        with pytest.raises(InputError, match=r"per_head: expected a table with heads by region"):
            ask(three_regions(), per_head=True)
    for name in ("CO2", "", 3):
        with pytest.raises(InputError, match="name: expected the name of a stressor that"):
            cf.with_value_added(three_regions(), name=name)  # type: ignore[arg-type]
    assert isinstance(cf.enabled(three_regions()), pd.DataFrame)


def test_income_of_a_textbook_enables_by_its_printed_inverse() -> None:
    """Miller & Blair (2009), chapters 2 and 12: the inverse of Ghosh from their Z and x."""
    table = cf.Table(
        Z=[[150.0, 500.0], [200.0, 100.0]], Y=[350.0, 1700.0], S=[[1.0, 0.0], [0.0, 1.0]],
        x=[1000.0, 2000.0], regions="AA", sectors=["one", "two"], stressors=["first", "second"],
    )  # fmt: skip
    printed = {"first": [1.2541, 0.1320], "second": [0.6601, 1.1221]}
    for stressor, per_unit in printed.items():
        got = cf.enabled(table, stressor)
        assert got["value_added"].round(6).tolist() == [650.0, 1400.0]
        assert got["per_unit"].round(4).tolist() == per_unit
