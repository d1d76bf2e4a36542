"""Factors against the inverse, and what they are of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.references.footprint_errors_reference import FootprintReference
from support.references.reference import Reference
from support.references.spending_reference import Spending
from support.worlds.strategies import tables

import carbonflows_fast as cf
from carbonflows_fast.classification._currencies import unit_of_money
from carbonflows_fast.spending._money import factor_unit

worlds = tables(zero_outputs=False).map(lambda t: t.with_changes(row_units="M.EUR", year=2019))
SHARES = (0.6, 0.15, 0.05, 0.2)
MARGINS = pd.DataFrame([("", *SHARES)], columns=["sector", "basic", "trade", "transport", "taxes"])


def purchaser(table: cf.Table) -> dict[str, Any]:
    sectors = list(table.content.sectors)
    suppliers = {"trade": sectors, "transport": sectors}
    return {"valuation": "purchaser", "margins": MARGINS, "margin_sectors": suppliers}


@given(worlds, st.booleans())
def test_factors_are_what_the_inverse_says(table: cf.Table, with_margins: bool) -> None:
    name, s = table.stressors[0], table.S.to_numpy()[0]
    options = purchaser(table) if with_margins else {}
    found = cf.factors(table, name, abroad=True, **options)
    sectors = table.content.sectors
    reference = Spending(
        Reference(table), s,
        shares=dict.fromkeys(sectors, SHARES[:3]) if with_margins else None,
        suppliers=(sectors, sectors),
    )  # fmt: skip
    for at, (region, sector) in enumerate(table.rows):
        line = {"amount": 1e6, "year": 2019, "currency": "EUR", "region": region}
        y = reference.demand(line, [(sector, region, 1.0)])
        assert y is not None
        emitted, row = reference.emitted(y), found.iloc[at]
        limit = row.error_bound + 1e-9 * np.abs(emitted).sum() + 1e-12
        assert abs(row.factor - emitted.sum()) <= limit
        assert abs(row.direct - reference.tier(y, 0)) <= limit
        assert abs(row.tier_1 - reference.tier(y, 1)) <= limit
        assert abs(row.direct + row.tier_1 + row.rest - row.factor) <= limit
        gross = np.abs(emitted).sum()
        if gross > 1e-6:
            own = abs(emitted[table.regions.index(region)])
            assert row.abroad == pytest.approx(1.0 - own / gross, abs=1e-6)


@given(worlds)
def test_final_demand_times_factors_is_the_footprint(table: cf.Table) -> None:
    found = cf.factors(table, table.stressors[0])
    bought = table.Y.sum(axis=1).to_numpy()
    total = cf.accounts(table, table.stressors[0])
    expected = (total.consumption - total.households).sum()
    limit = 1e-9 * np.abs(found.factor.to_numpy() * bought).sum() + 1e-9
    assert abs(found.factor.to_numpy() @ bought - expected) <= limit + total.attrs["error_bound"]


def world() -> cf.Table:
    return cf.synthetic.world(3, 6)


def test_basic_and_purchasers_prices_stand_side_by_side() -> None:
    table = world()
    options = purchaser(table)
    both = cf.factors(table, **options | {"valuation": "both"})
    assert list(both.valuation[:4]) == ["basic", "purchaser"] * 2
    wide = both.set_index("valuation", append=True).factor.unstack()
    wide = wide.reindex(table.rows)
    assert (wide.basic == cf.factors(table).factor).all()
    assert (wide.purchaser == cf.factors(table, **options).factor).all()


def test_every_row_says_what_it_is_of() -> None:
    table = world().with_changes(stressor_units=["t"], name="small")
    found = cf.factors(table, "GWP100_AR6", currency="GBP", exchange={"GBP": 1.2}, year=2021,
                       price_index={2019: 1, 2021: 1.1}, products="Wheat")  # fmt: skip
    assert len(found) == 3
    about = {"unit": "g CO2-eq/GBP", "currency": "GBP", "price_year": 2021, "valuation": "basic",
             "gases": "GWP100_AR6 of CO2", "table": "small", "year": 2019}  # fmt: skip
    assert (found[list(about)] == list(about.values())).all(axis=None)


def test_prices_differ_by_product_and_the_nearest_line_counts() -> None:
    table = world()
    index = pd.DataFrame(
        [("", "", 2019, 100), ("", "", 2020, 200), ("Wheat", "", 2020, 400), ("", "AT", 2020, 300),
         ("Wheat", "AT", 2020, 500), ("Wheat", "Belgium", 2019, 50)],
        columns=["sector", "region", "year", "index"],
    )  # fmt: skip
    before, after = cf.factors(table), cf.factors(table, year=2020, price_index=index)
    ratio = (before.factor / after.factor).round(9)
    assert ratio[("AT", "Wheat")] == 5.0
    assert ratio[("BE", "Wheat")] == 8.0
    assert ratio[("BG", "Wheat")] == 4.0
    assert ratio[("AT", "Paddy rice")] == 3.0
    assert ratio[("BG", "Paddy rice")] == 2.0


def test_deviations_are_those_of_multipliers() -> None:
    table, errors = world(), cf.Errors(Z=0.1, Y=0.1, F=0.2)
    found = cf.factors(table, errors=errors, products=("AT", None), currency="GBP",
                       exchange={"GBP": 2.0})  # fmt: skip
    sure = cf.uncertainty(table, errors=errors, of="footprints", products=("AT", None))
    assert sure.multipliers is not None
    assert np.allclose(found.sd, 2.0 * sure.multipliers["sd"], rtol=1e-12)


def test_deviations_at_purchasers_prices_are_of_all_that_the_money_buys() -> None:
    table = world()
    errors = cf.Errors(Z=0.2, Y=0.1, F=0.3, shared=[cf.SharedError("all", 0.1, F=1.0, Z=0.5)])
    options = {"valuation": "both", "errors": errors, "products": ("AT", None), "year": 2020,
               "price_index": {2019: 4, 2020: 5}}  # fmt: skip
    found = cf.factors(table, "CO2", **purchaser(table) | options)
    assert list(found.columns[:6]) == ["factor", "direct", "tier_1", "rest", "sd", "error_bound"]
    dense = {"Z": table.Z.toarray(), "Y": table.Y.to_numpy(), "F": table.F.to_numpy()}
    sizes = {"Z": 0.2, "Y": 0.1, "F": 0.3, "F_Y": 0.0}
    sizes = {name: np.full(getattr(table, name).shape, one) for name, one in sizes.items()}
    shared = {"Z": np.full(dense["Z"].shape, 0.5), "F": np.ones(dense["F"].shape)}
    slow = FootprintReference(table, {"CO2": 1.0}, "footprints", sizes, [(0.1, shared)])
    covariance, rows = slow.covariance[-table.n :, -table.n :], np.arange(6)
    x = table.x.to_numpy()[:6]
    V = np.zeros((6, table.n))
    V[rows, rows] = SHARES[0]
    V[:, :6] += (SHARES[1] + SHARES[2]) * x / x.sum()  # of Austrian sectors, by output
    expected = 0.8 * np.sqrt(np.diag(V @ covariance @ V.T))
    np.testing.assert_allclose(found.sd[found.valuation == "purchaser"], expected, rtol=1e-8)
    basic = 0.8 * np.sqrt(np.diag(covariance)[:6])
    np.testing.assert_allclose(found.sd[found.valuation == "basic"], basic, rtol=1e-8)


def test_rows_that_are_not_in_money_have_no_factor() -> None:
    table = world().with_changes(row_units=["t", "", *["k EUR"] * 16])
    found = cf.factors(table)
    assert found.factor.isna().sum() == 2
    assert list(found.unit[:3]) == [
        "no factor: the row is in t", "no factor: the row is in no unit", "t/EUR",
    ]  # fmt: skip
    with pytest.raises(cf.InputError, match="products: expected rows in money, got rows in t"):
        cf.factors(table, products=("AT", "Paddy rice"))


def test_thousands_and_millions_meet_in_margins() -> None:
    table = world()
    plain = cf.factors(table, **purchaser(table)).factor
    units, power = ["M.EUR"] * table.n, np.ones(table.n)
    for at in (0, 3, 7):
        units[at], power[at] = "k EUR", 1e-3
    A = (table.A.toarray() * power[None, :]) / power[:, None]
    mixed = cf.Table(
        A=A, Y=table.Y.to_numpy() / power[:, None], S=table.S.to_numpy() * power,
        x=table.x.to_numpy() / power, regions=table.rows.get_level_values(0).tolist(),
        sectors=table.rows.get_level_values(1).tolist(), demand=list(table.demand),
        stressors="CO2", stressor_units="kt", row_units=units, year=2019,
    )  # fmt: skip
    found = cf.factors(mixed, **purchaser(mixed))
    assert np.allclose(found.factor / power, plain, rtol=1e-9)
    assert set(found.unit) == {"t/EUR", "kg/EUR"}
    ledger = pd.DataFrame({"product": table.content.sectors[:4], "amount": 1e6})
    totals = [cf.purchases(one, ledger, **purchaser(one)).total for one in (table, mixed)]
    assert totals[0] == pytest.approx(totals[1], rel=1e-9)


@pytest.mark.parametrize(
    ("unit", "money"),
    [("M.EUR", ("EUR", 6)), ("Meuro", ("EUR", 6)), ("thousand USD", ("USD", 3)),
     ("1000 US$", ("USD", 3)), ("USD", ("USD", 0)), ("EUR million", ("EUR", 6)),
     ("Mio. EUR", ("EUR", 6)), ("bn JPY", ("JPY", 9)), ("TJ", None), ("TOE", None), ("t", None),
     ("", None), ("MWh", None), ("1000 p", None), ("m3", None)],
)  # fmt: skip
def test_units_of_money(unit: str, money: Any) -> None:
    assert unit_of_money(unit) == money


def test_units_of_factors_change_no_number() -> None:
    assert factor_unit("kt", 6, "EUR") == "kg/EUR"
    assert factor_unit("Gg CO2-eq", 3, "USD") == "t CO2-eq/USD"
    assert factor_unit("TJ", 6, "EUR") == "MJ/EUR"
    assert factor_unit("kg", 6, "EUR") == "kg/million EUR"
    assert factor_unit("", 6, "EUR") == "1/million EUR"


@pytest.mark.real_data
def test_factors_of_wiod(real_data: Path) -> None:
    table = cf.read(real_data / "wiod2013_2009.zip", progress=False)
    found = cf.factors(table, abroad=True)
    assert set(found.unit.iloc[:5]) == {"kg/USD"}
    bought = table.Y.sum(axis=1).to_numpy()
    total = cf.flows(table).total
    assert abs(found.factor.to_numpy() @ bought - total) < 1e-9 * total
    rows = table.rows.to_frame(index=False)
    ledger = rows.rename(columns={"sector": "product"}).assign(amount=bought * 1e6)
    world = cf.purchases(table, ledger)
    assert abs(world.total - total) < 1e-9 * total
    emitted = cf.flows(table).matrix.sum(axis=1)
    assert np.allclose(world.emitters.emissions.reindex(emitted.index), emitted, rtol=1e-8)
