"""A carbon price against charges cell by cell, and the identity that closes it."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.references.price_reference import expected_effects, trade_intensity
from support.worlds.strategies import tables
from support.worlds.three_regions import three_regions

import carbonflows_fast as cf
from carbonflows_fast.errors import InputError, LabelError

EMBODIED = st.sampled_from([None, "direct", "total"])


def masks(data: st.DataObject, size: int, least: int = 0) -> Any:
    drawn = data.draw(st.lists(st.booleans(), min_size=size, max_size=size))
    found = np.array(drawn, dtype=bool)
    if found.sum() < least:
        found[0] = True
    return found


@given(tables(), EMBODIED, EMBODIED, st.data())
def test_every_number_is_that_of_the_cells(
    table: cf.Table, border: str | None, rebate: str | None, data: st.DataObject
) -> None:
    stressor = table.stressors[-1]
    s = table.S.to_numpy()[-1]
    inside, paying = masks(data, len(table.regions), 1), masks(data, table.n)
    goods = masks(data, table.n) if border or rebate else None
    got = cf.carbon_price(
        table,
        stressor,
        0.7,
        regions=[r for r, yes in zip(table.regions, inside, strict=True) if yes],
        border=border,
        rebate=rebate,
        sectors=paying,
        goods=goods,
        per="unit",
    )
    crossing = paying if goods is None else goods
    expected = expected_effects(
        table, s, 0.7, inside, paying, crossing, border, rebate, np.ones(table.n)
    )
    limit = 2 * got.error_bound + 1e-11 * expected.sizes + 1e-12
    p = table.content
    rise = np.abs(got.prices["increase"].to_numpy() - expected.increase)
    assert rise @ np.abs(p.Y).sum(axis=1) <= limit
    assert np.abs(got.flow.to_numpy() - expected.flow[inside]).sum() <= limit
    revenue = got.revenue
    assert np.abs(revenue["emissions"] - expected.emissions[inside]).sum() <= limit
    assert np.abs(got.border_revenue.to_numpy() - expected.border[inside]).sum() <= limit
    assert np.abs(revenue["rebates"] + expected.rebates[inside]).sum() <= limit
    paid = got.payments["paid"].groupby(level="region", sort=False).sum()
    assert np.abs(paid - got.flow.sum(axis=0)[paid.index]).sum() <= limit
    # What final users of the world pay is what is collected.
    assert abs(got.collected - expected.collected) <= limit
    assert abs(got.collected - got.paid - got.unallocated) <= limit
    parts = got.prices[["own", "at_border", "from_suppliers"]].sum(axis=1)
    np.testing.assert_allclose(parts, got.prices["increase"], rtol=1e-12, atol=1e-12)


@given(tables(negatives=False), st.data())
def test_exposure(table: cf.Table, data: st.DataObject) -> None:
    inside = masks(data, len(table.regions), 1)
    named = [r for r, yes in zip(table.regions, inside, strict=True) if yes]
    options: dict[str, Any] = {"regions": named, "per": "unit"}
    got = cf.carbon_price(table, table.stressors[0], 2.0, border="total", **options)
    alone = cf.carbon_price(table, table.stressors[0], 2.0, **options)
    x, A = table.x.to_numpy(), table.A.toarray()
    added = x - (A * x).sum(axis=0)
    frame = got.exposure
    rows = np.flatnonzero(inside[table.content.region_codes])
    assert frame.index.equals(table.rows[rows])
    for at, row in enumerate(rows):
        line, loss = frame.iloc[at], 1e-9 * (1 + x[row])
        assert line["cost"] == pytest.approx(got.prices["increase"].iloc[row] * x[row], abs=loss)
        if added[row] > 1e-6 * x[row] > 0:
            share = got.prices["increase"].iloc[row] * x[row] / added[row]
            assert line["share"] == pytest.approx(share, rel=1e-6)
            share = alone.prices["increase"].iloc[row] * x[row] / added[row]
            assert line["share_without_border"] == pytest.approx(share, rel=1e-6, abs=1e-9)
        np.testing.assert_allclose(
            line["trade_intensity"], trade_intensity(table, inside, row), rtol=1e-9
        )


def test_a_price_everywhere_is_paid_on_every_emission() -> None:
    table = three_regions(row_units="M.EUR")
    got = cf.carbon_price(table, price=50.0, regions=list(table.regions), border="total")
    # 50 EUR/t are 0.05 M.EUR/kt; nothing is left at the border.
    assert got.collected == pytest.approx(0.05 * table.F.to_numpy().sum(), rel=1e-12)
    assert got.revenue["border"].sum() == 0.0
    m = cf.multipliers(table).iloc[0]
    np.testing.assert_allclose(got.prices["increase"], 0.05 * m, rtol=1e-9)
    flows = cf.flows(table).matrix
    np.testing.assert_allclose(got.flow.to_numpy(), 0.05 * flows.to_numpy(), rtol=1e-9)
    assert got.crossing_share == pytest.approx(cf.flows(table).traded_share, rel=1e-9)


def test_money_and_mass_are_converted() -> None:
    plain = three_regions(row_units="M.EUR")
    found = [
        cf.carbon_price(plain, price=50.0, regions="AA"),
        cf.carbon_price(plain, price=0.05, regions="AA", per="kg"),
        cf.carbon_price(plain, price=50e6, regions="AA", per="Mt"),
        cf.carbon_price(plain, price=0.05, regions="AA", per="unit"),
        cf.carbon_price(three_regions(row_units="1000 EUR"), price=0.05, regions="AA"),
        cf.carbon_price(
            three_regions(row_units="M.EUR", stressor_units="Gg"), None, 50, regions="AA"
        ),
    ]
    assert {round(one.collected, 9) for one in found} == {round(found[0].collected, 9)}


def test_the_charge_of_goods_is_phased_in() -> None:
    table = cf.synthetic.world(3, 8)
    options: dict[str, Any] = {"regions": "AT", "border": "direct", "goods": "Wheat"}
    whole = cf.carbon_price(table, "CO2", 80, **options)
    early = cf.carbon_price(table, "CO2", 80, phase_in=2026, **options)
    late = cf.carbon_price(table, "CO2", 80, phase_in=2034, **options)
    assert late.collected == whole.collected
    ratio = early.revenue["border"].sum() / whole.revenue["border"].sum()
    assert ratio == pytest.approx(0.025, rel=1e-9)
    own = early.prices["own"] / whole.prices["own"]
    assert own[("AT", "Wheat")] == pytest.approx(0.025, rel=1e-9)
    assert own[("AT", "Paddy rice")] == 1.0


def test_cbam_by_name_charges_its_sectors() -> None:
    sectors = [
        "Construction",
        "Basic Metals and Fabricated Metal",
        "Electricity, Gas and Water Supply",
    ]
    rng = np.random.default_rng(3)
    table = cf.Table(
        Z=rng.uniform(0, 5, (6, 6)),
        Y=rng.uniform(9, 20, (6, 2)),
        F=rng.uniform(1, 9, (1, 6)),
        regions=["DEU"] * 3 + ["CHN"] * 3,
        sectors=sectors * 2,
        stressors="CO2",
        stressor_units="kt",
        row_units="million USD",
    )
    got = cf.carbon_price(
        table, price=80, regions="EU27", border="direct", goods="cbam", phase_in=2026
    )
    charge = got.prices["border_charge"]
    s = table.S.iloc[0]
    steel, power = ("CHN", sectors[1]), ("CHN", sectors[2])
    assert charge[("CHN", "Construction")] == 0.0
    assert charge[steel] == pytest.approx(0.08 * 0.025 * s[steel])
    assert charge[power] == pytest.approx(0.08 * s[power])  # electricity has no free allowances
    same = cf.carbon_price(table, price=80, regions="Germany", border="direct", goods=sectors[1:])
    assert same.prices["border_charge"][steel] == pytest.approx(0.08 * s[steel])


@pytest.mark.real_data
def test_wiod(real_data: Path) -> None:
    table = cf.read(real_data / "wiod2013_2009.zip", progress=False)
    stressor = next(name for name in table.stressors if "CO2" in name)
    got = cf.carbon_price(
        table, stressor, 50, regions="EU27", border="total", rebate="direct", goods="cbam"
    )
    # Sales and output differ in the table, so part of what is collected serves no final demand.
    gap = got.collected - got.paid - got.unallocated
    assert abs(gap) <= 1e-9 * got.collected
    assert np.abs(got.flow.to_numpy().sum() - got.paid) <= 1e-9 * got.paid
    assert 0 < got.revenue["border"].sum() < got.revenue["emissions"].sum()
    assert len(got.regions) == 26  # Croatia is in the rest of the world


def test_it_pickles_and_says_what_it_is() -> None:
    got = cf.carbon_price(three_regions(row_units="M.EUR"), price=50, regions="AA", border="direct")
    again = pickle.loads(pickle.dumps(got))
    assert again.flow.equals(got.flow)
    assert repr(got).startswith("PriceEffects(50 per t of 'CO2' in AA: ")
    assert got.flow.attrs["unit"] == "M.EUR"


@pytest.mark.parametrize(
    ("changes", "options", "said"),
    [
        ({}, {"price": -5}, r"price: expected a positive price, got -5; give e.g. 80"),
        ({}, {"price": None}, r"price: expected a positive price, got None"),
        ({}, {"border": "half"}, r"border: expected None, 'direct' or 'total', got 'half'"),
        ({}, {"rebate": 1}, r"rebate: expected None, 'direct' or 'total', got 1"),
        ({}, {"per": "ton"}, r"per: expected 'kg', 't', 'kt', 'Mt' or 'unit', got 'ton'"),
        ({}, {"goods": "goods"}, r"goods: expected a charge or a rebate .* got neither"),
        ({}, {"phase_in": 2027}, r"phase_in: expected a charge at the border .* got none"),
        ({}, {"border": "total", "phase_in": 2025}, r"phase_in: expected a year from 2026 on"),
        ({"row_units": "TJ"}, {}, r"price: expected a table in money, .* got 'TJ'; give"),
        ({"stressor_units": "TJ"}, {}, r"price: expected a stressor in a unit of mass.* got 'TJ'"),
        ({"row_units": ["M.EUR", *"tttt"]}, {}, r"table: expected rows in one unit of money"),
    ],
)  # fmt: skip
def test_bad_input(changes: dict[str, Any], options: dict[str, Any], said: str) -> None:
    table = three_regions(**({"row_units": "M.EUR"} | changes))
    with pytest.raises(InputError, match=said):
        cf.carbon_price(table, **({"price": 50, "regions": "AA"} | options))


def test_unknown_names() -> None:
    table = three_regions(row_units="M.EUR")
    with pytest.raises(LabelError, match=r"regions: expected .* got 'XX'"):
        cf.carbon_price(table, price=50, regions="XX")
    with pytest.raises(
        LabelError, match="goods: expected a table with the sectors of exiobase3_pxp"
    ):
        cf.carbon_price(table, price=50, regions="AA", border="direct", goods="cbam")
    with pytest.raises(LabelError, match="sectors: expected"):
        cf.carbon_price(table, price=50, regions="AA", sectors="steal")


def test_prices_of_a_textbook_rise_by_its_printed_inverse() -> None:
    """Miller & Blair (2009), chapter 2: Z, f and the inverse that they print to four digits."""
    table = cf.Table(
        Z=[[150.0, 500.0], [200.0, 100.0]], Y=[350.0, 1700.0], S=[[1.0, 0.0], [0.0, 1.0]],
        x=[1000.0, 2000.0], regions="AA", sectors=["one", "two"], stressors=["first", "second"],
    )  # fmt: skip
    printed = {"first": [1.2541, 0.3300], "second": [0.2640, 1.1221]}
    for stressor, rises in printed.items():
        got = cf.carbon_price(table, stressor, 1.0, regions="AA", per="unit")
        assert got.prices["increase"].round(4).tolist() == rises
