"""Emissions embodied in bilateral trade, their classes, and views of one region or sector."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.references import trade_reference
from support.references.reference import Reference
from support.worlds.strategies import tables
from support.worlds.three_regions import slack, three_regions

import carbonflows_fast as cf
from carbonflows_fast.classification import CLASSES
from carbonflows_fast.errors import InputError, LabelError
from carbonflows_fast.leontief._subsystems import restricted_to, split_by_group

CLASS_OF = {"goods": "product", "mining": "commodity"}


def limit(flows: cf.Flows) -> float:
    return slack(flows) + 2 * flows.by_traded_product().attrs["error_bound"]


# --- numbers ----------------------------------------------------------------------------------


@given(tables())
def test_bilateral_trade_of_any_table(table: cf.Table) -> None:
    reference, s = Reference(table), table.S.to_numpy()[-1]
    got = cf.flows(table, table.stressors[-1])
    expected = trade_reference.eebt(reference, s)
    for use, values in expected.items():
        frame = got.by_traded_product(use)  # type: ignore[arg-type]
        assert np.abs(frame.to_numpy() - values).max(initial=0.0) <= limit(got)
    both = sum(expected.values())
    regions = list(table.regions)
    by_region = np.array([both[reference.region_of_row == r].sum(axis=0) for r in regions])
    trade = got.bilateral_trade()
    assert list(trade.index) == list(trade.columns) == regions
    assert np.abs(trade.to_numpy() - by_region).max(initial=0.0) <= limit(got)
    assert (np.diag(trade) == 0.0).all()


@given(tables(negatives=False))
def test_exports_and_what_stays_at_home_are_all_that_is_emitted(table: cf.Table) -> None:
    s = table.S.to_numpy()[0]
    got = cf.flows(table, table.stressors[0])
    emitted = got.matrix.sum(axis=1).to_numpy()
    home = trade_reference.domestic(Reference(table), s)
    gap = got.bilateral_trade().sum(axis=1).to_numpy() + home - emitted
    assert np.abs(gap).max() <= limit(got) + 1e-9 * np.abs(emitted).max()


@given(tables(), st.data())
def test_groups_trade_as_one_region(table: cf.Table, data: st.DataObject) -> None:
    groups = [data.draw(st.sampled_from(["one", "two", name])) for name in table.regions]
    got = cf.flows(table, table.stressors[0]).aggregate(
        regions=dict(zip(table.regions, groups, strict=True))
    )
    expected = trade_reference.eebt(Reference(table), table.S.to_numpy()[0], groups=groups)
    total = float(sum(values.sum() for values in expected.values()))
    assert got.bilateral_trade().to_numpy().sum() == pytest.approx(total, abs=2 * limit(got))
    assert (np.diag(got.bilateral_trade()) == 0.0).all()


@given(tables())
def test_a_split_adds_up_both_ways(table: cf.Table) -> None:
    names = dict.fromkeys(table.rows.get_level_values("sector"))
    class_of = {name: CLASSES[at % 4] for at, name in enumerate(names)}
    got = cf.flows(table, table.stressors[0])
    split = got.split(class_of)
    assert tuple(split.index) == CLASSES
    E = got.matrix.to_numpy()
    bound = limit(got) + split.attrs["error_bound"]
    foreign = E.sum() - np.trace(E)
    assert split["by_border_product"].sum() == pytest.approx(
        got.bilateral_trade().to_numpy().sum(), abs=bound
    )
    assert split["by_final_product"].sum() == pytest.approx(foreign, abs=bound)
    product = next(iter(names))
    rows = got.by_traded_product().loc[(slice(None), product), :]
    alone = {name: "energy" if name == product else "service" for name in names}
    assert got.split(alone).loc["energy", "by_border_product"] == pytest.approx(
        rows.to_numpy().sum(), abs=bound
    )


@given(tables())
def test_views_add_up_to_the_matrix(table: cf.Table) -> None:
    got = cf.flows(table, table.stressors[0])
    bound = limit(got) + got.by_product().attrs["error_bound"]
    for region in table.regions:
        partners = got.partners(region)
        assert list(partners.index) == [r for r in table.regions if r != region]
        accounts = cf.accounts(table, table.stressors[0]).loc[region]
        assert partners["imports"].sum() == pytest.approx(accounts["imports"], abs=bound)
        assert partners["exports"].sum() == pytest.approx(accounts["exports"], abs=bound)
        origins = got.origins(region)
        gap = origins.sum(axis=0) - got.matrix[region]
        assert np.abs(gap).max() <= bound
    region, sector = table.rows[-1]
    view = got.sector(region, sector)
    i = table.n - 1
    reference, s = Reference(table), table.S.to_numpy()[0]
    np.testing.assert_allclose(view["emitted_for"], s[i] * reference.x[i], atol=bound)
    bought = np.zeros(table.n)
    bought[i] = reference.Y[i].sum()
    caused = s * (reference.L @ bought)
    expected = [caused[reference.region_of_row == r].sum() for r in table.regions]
    np.testing.assert_allclose(view["embodied_from"], expected, atol=bound)


def test_trade_of_a_selected_demand_is_what_it_calls_for() -> None:
    table = three_regions()
    parts = [cf.flows(table, demand=region).bilateral_trade() for region in table.regions]
    whole = cf.flows(table).bilateral_trade()
    np.testing.assert_allclose(sum(p.to_numpy() for p in parts), whole.to_numpy(), rtol=1e-7)
    assert parts[0].attrs["error_bound"] > 0


def test_balance_and_heads() -> None:
    table = three_regions(population={"AA": 2.0, "BB": 4.0, "CC": 0.0})
    got, accounts = cf.flows(table), cf.accounts(table)
    importers, exporters = got.net_importers(), got.net_exporters()
    assert sorted([*importers.index, *exporters.index]) == ["AA", "BB", "CC"]
    assert importers["net_imports"].is_monotonic_decreasing
    assert exporters["net_imports"].is_monotonic_increasing
    both = pd.concat([importers, exporters]).loc[list(table.regions)]
    for column in ("production", "consumption", "net_imports", "net_share"):
        np.testing.assert_allclose(both[column], accounts[column], rtol=1e-9)
    np.testing.assert_allclose(both.export_share, accounts.exports / accounts.production)
    assert both.production_per_head["BB"] == pytest.approx(both.production["BB"] / 4.0)
    assert np.isnan(both.production_per_head["CC"])
    merged = got.aggregate(regions={"AA": "X", "BB": "X"})
    merged = pd.concat([merged.net_importers(), merged.net_exporters()])
    assert merged.population["X"] == 6.0
    assert "population" not in cf.flows(three_regions()).net_importers()


# --- changes ----------------------------------------------------------------------------------


def test_change_between_two_tables() -> None:
    table = three_regions()
    before = cf.flows(table)
    cleaner = table.with_changes(S=table.S * np.array([0.5, 1.0, 1.0, 1.0, 1.0]))
    found = cf.flows(cleaner).change_from(before)
    assert len(found) == 9
    np.testing.assert_allclose(found.after - found.before, found.change)
    assert found.change.abs().is_monotonic_decreasing
    assert set(found[found.change.abs() > 1e-6]["from"]) == {"AA"}
    other = cf.flows(three_regions(stressors="CH4"))
    for wrong in (other, before.aggregate(regions={"AA": "BB"}), before.matrix):
        with pytest.raises((InputError, LabelError), match="before: expected"):
            before.change_from(wrong)


# --- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda f: f.bilateral_trade("imports"), "use: expected None, 'intermediate' or 'final'"),
        (lambda f: f.split({"goods": "product"}), "mining"),
        (lambda f: f.split({"goods": "product", "mining": "metal"}), "metal"),
        (
            lambda f: f.partners("DD"),
            "region: expected a region of the table, a country or a group of countries, got 'DD'; "
            "nearest are .*'BB', 'AA'",
        ),
        (lambda f: f.origins("DD"), "region: expected"),
        (lambda f: f.sector("BB", "mining"), "sector: expected a sector of 'BB'"),
    ],
)
def test_what_is_unknown_is_named(ask: Any, message: str) -> None:
    with pytest.raises((InputError, LabelError), match=message):
        ask(cf.flows(three_regions()))


def test_an_array_of_demand_trades_with_nobody() -> None:
    got = cf.flows(three_regions(), demand=np.ones(5))
    for ask in (got.bilateral_trade, got.split, got.net_importers, got.net_exporters):
        with pytest.raises(InputError, match="demand: expected regions"):
            ask()
    with pytest.raises(InputError, match="demand: expected regions"):
        got.partners("AA")


def test_flows_still_pickle() -> None:
    got = cf.flows(three_regions())
    got.bilateral_trade()
    again = pickle.loads(pickle.dumps(got))
    pd.testing.assert_frame_equal(again.bilateral_trade(), got.bilateral_trade())


# --- parts of a system ------------------------------------------------------------------------


@given(tables(), st.data())
def test_subsystems_hold_what_they_should(table: cf.Table, data: st.DataObject) -> None:
    prepared, A = cf.system(table), table.A.toarray()
    rows = np.array(data.draw(st.lists(st.booleans(), min_size=table.n, max_size=table.n)))
    part = restricted_to(prepared, rows).tiles.to_csr().toarray()
    np.testing.assert_array_equal(part, np.where(rows[:, None] & rows, A, 0.0))
    codes = data.draw(st.lists(st.integers(0, 2), min_size=table.n, max_size=table.n))
    groups = np.array(codes, dtype=np.int32)
    part = split_by_group(prepared, groups).tiles.to_csr().toarray()
    np.testing.assert_array_equal(part, np.where(groups[:, None] == groups, A, 0.0))


def test_a_country_names_its_region() -> None:
    got = cf.flows(three_regions(regions=["DEU", "DEU", "ROM", "USA", "USA"]))
    pd.testing.assert_frame_equal(got.partners("Romania"), got.partners("ROM"))


def test_rows_of_one_label_are_summed() -> None:
    table = three_regions(regions=["AA", "AA", "BB", "CC", "CC"], sectors=["x", "x", "y", "z", "z"])
    got = cf.flows(table)
    view = got.sector("AA", "x")
    assert view["emitted_for"].sum() == pytest.approx(got.matrix.loc["AA"].sum())
    assert view["exported_to"].sum() == pytest.approx(got.bilateral_trade().loc["AA"].sum())


def test_units_that_differ_by_many_digits_are_solved() -> None:
    rng = np.random.default_rng(27)
    n = 6
    Z, Y = rng.random((n, n)) ** 3 * (rng.random((n, n)) < 0.7) * 2, rng.random((n, 3)) * 5
    u = 10.0 ** rng.integers(-6, 7, n)
    labels: dict[str, Any] = {
        "regions": list("AABBCC"), "sectors": list("xyxyxy"), "stressors": "CO2",
        "F": np.ones((1, n)),
    }  # fmt: skip
    plain = cf.Table(Z=Z, Y=Y, **labels)
    scaled = cf.Table(Z=Z * u[:, None], Y=Y * u[:, None], **labels)
    np.testing.assert_allclose(cf.flows(scaled).matrix, cf.flows(plain).matrix, rtol=1e-9)
    study = cf.sector_study(scaled, sectors="x")
    assert study.total == pytest.approx(cf.sector_study(plain, sectors="x").total, rel=1e-9)
