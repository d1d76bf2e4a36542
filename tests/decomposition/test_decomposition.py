"""The aggregate decomposition: against dense integrals, on real tables, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.references import change_reference as slow
from support.worlds.strategies import seeds
from support.worlds.two_years import in_units, pair, year

import carbonflows_fast as cf
from carbonflows_fast.errors import InputError, LabelError

DEMAND = ("demand level", "demand mix", "demand origin")


def by_factor(frame: pd.DataFrame) -> dict[str, float]:
    return frame.groupby(level="factor")["effect"].sum().to_dict()


# --- numbers ----------------------------------------------------------------------------------


@given(seeds())
def test_integral_is_the_dense_integral(rng: np.random.Generator) -> None:
    before, after = year(rng), year(rng)
    both = slow.Both(before, after)
    got = cf.structural_decomposition(before, after)
    expected = slow.integral(both)
    names = {"demand level": "level", "demand mix": "mix", "demand origin": "origin"}
    limit = 1e-8 * (abs(got.before) + abs(got.after)) + 1e-12
    for name, effect in got.to_frame()["effect"].items():
        assert abs(effect - expected[names.get(str(name), str(name))]) <= limit
    assert abs(got.total - (both.total(1) - both.total(0))) <= limit
    assert got.closure <= 1e-8


@given(seeds(), st.sampled_from(["integral", "shapley", "polar"]))
def test_effects_add_up_in_every_breakdown(rng: np.random.Generator, method: Any) -> None:
    before, after = year(rng), year(rng)
    got = cf.structural_decomposition(before, after, method=method)
    limit = 1e-8 * (abs(got.before) + abs(got.after)) + 1e-12
    totals = got.to_frame()["effect"]
    assert abs(totals.sum() - got.total) <= limit
    for by in ("region", "product"):
        frame = cf.structural_decomposition(before, after, method=method, by=by).to_frame()
        assert frame.index.names == ["factor", by]
        for name, effect in by_factor(frame).items():
            assert abs(effect - totals[name]) <= limit
    found = cf.structural_decomposition(before, after, method=method, by="coefficient").to_frame()
    np.testing.assert_allclose(found.technology + found.trade, found.effect, atol=limit)
    inputs = totals["technology"] + totals["trade"]
    assert abs(found.effect.sum() - inputs) <= limit
    assert found.effect.abs().is_monotonic_decreasing


def test_shapley_averages_the_orders_of_three_factors() -> None:
    before, after = pair(3)
    both = slow.Both(before, after)
    L, s, y = [both.L(t) for t in (0, 1)], both.s, both.y
    found = cf.structural_decomposition(before, after, method="shapley").to_frame()["effect"]
    effects = np.zeros(3)
    for order in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)):
        now = [0, 0, 0]
        for at in order:
            old = s[now[0]] @ L[now[1]] @ y[now[2]]
            now[at] = 1
            effects[at] += (s[now[0]] @ L[now[1]] @ y[now[2]] - old) / 6
    assert found["intensity"] == pytest.approx(effects[0], rel=1e-8)
    assert found["technology"] + found["trade"] == pytest.approx(effects[1], rel=1e-7)
    assert found[list(DEMAND)].sum() == pytest.approx(effects[2], rel=1e-8)


def test_lmdi_weighs_every_product_of_s_l_and_y() -> None:
    before, after = pair(4)
    both = slow.Both(before, after)
    got = cf.structural_decomposition(before, after, method="lmdi")
    effects, L = np.zeros(3), [both.L(t) for t in (0, 1)]
    for i in range(both.n):
        for j in range(both.n):
            f = [(both.s[t][i], max(L[t][i, j], 0.0), both.y[t][j]) for t in (0, 1)]
            f = [tuple(0.0 if abs(x) < 1e-14 else float(x) for x in one) for one in f]
            v = [float(np.prod(one)) for one in f]
            for k in range(3):
                if v[0] > 0 and v[1] > 0:
                    mean = v[0] if v[0] == v[1] else (v[1] - v[0]) / np.log(v[1] / v[0])
                    effects[k] += mean * np.log(f[1][k] / f[0][k])
                elif v[0] != v[1]:
                    gone = f[0] if v[0] == 0 else f[1]
                    if gone[k] == 0:
                        effects[k] += (v[1] - v[0]) / sum(x == 0 for x in gone)
    found = got.to_frame()["effect"]
    assert found["intensity"] == pytest.approx(effects[0], rel=1e-8)
    assert found["technology"] + found["trade"] == pytest.approx(effects[1], rel=1e-7)
    assert found[list(DEMAND)].sum() == pytest.approx(effects[2], rel=1e-8)
    assert got.closure < 1e-8


@pytest.mark.parametrize("method", ["integral", "shapley", "polar", "lmdi"])
def test_units_and_prices_common_to_both_change_nothing(method: Any) -> None:
    rng = np.random.default_rng(5)
    tables = [year(rng), year(rng)]
    plain = cf.structural_decomposition(*tables, method=method).to_frame()["effect"]
    for unit, limit in (
        ({"coal": 8.0, "steel": 8.0, "cars": 8.0}, 0.0),
        ({"coal": 0.3, "steel": 0.3, "cars": 0.3}, 1e-12),
        ({"coal": 8.0, "steel": 0.5, "cars": 1024.0}, 1e-11),
    ):
        changed = [in_units(table, unit) for table in tables]
        got = cf.structural_decomposition(*changed, method=method).to_frame()["effect"]
        # Level, mix and origin of final demand are shares of a sum over products: with a unit for
        # each, only what they add up to stays.
        names = list(plain.index) if len(set(unit.values())) == 1 else list(plain.index[:3])
        gaps = (got - plain)[names].abs()
        assert gaps.max() <= max(limit, 1e-15) * plain.abs().max()
        added = [values[list(DEMAND)].sum() for values in (got, plain)]
        assert added[0] == pytest.approx(added[1], rel=1e-9)


def test_population_takes_its_part_of_the_level() -> None:
    rng = np.random.default_rng(6)
    heads = [{"DE": 80.0, "FR": 60.0, "US": 300.0}, {"DE": 84.0, "FR": 66.0, "US": 330.0}]
    before, after = (year(rng, population=p) for p in heads)
    with_heads = cf.structural_decomposition(before, after).to_frame()["effect"]
    rng = np.random.default_rng(6)
    without = cf.structural_decomposition(year(rng), year(rng))
    plain = without.to_frame()["effect"]
    assert "population" not in plain
    assert with_heads["population"] > 0
    both = with_heads["population"] + with_heads["demand level"]
    assert both == pytest.approx(plain["demand level"])


def test_deflators_take_price_changes_out() -> None:
    before, _ = pair(7)
    prices = np.array([2.0, 1.5, 2.0, 1.5, 3.0, 1.0, 0.5])
    A, Y = before.A.toarray(), before.Y.to_numpy()
    dearer = before.with_changes(
        A=A * prices[:, None] / prices, S=before.S / prices, Y=Y * prices[:, None]
    )
    got = cf.structural_decomposition(before, dearer, deflators=prices)
    assert np.abs(got.to_frame()["effect"]).max() <= 1e-9 * got.before
    assert got.prices.startswith("prices of 2000")
    current = cf.structural_decomposition(before, dearer)
    assert current.prices == "current prices"
    assert np.abs(current.to_frame()["effect"]).max() > 1e-3 * got.before


def test_tables_in_another_order_are_aligned() -> None:
    before, after = pair(8)
    order = [3, 1, 0, 6, 2, 5, 4]
    rows, columns = after.rows[order], [2, 0, 1]
    shuffled = cf.Table(
        A=after.A.toarray()[np.ix_(order, order)], x=after.x.to_numpy()[order],
        Y=after.Y.to_numpy()[order][:, columns], S=after.S.to_numpy()[:, order],
        regions=rows.get_level_values("region"), sectors=rows.get_level_values("sector"),
        demand=list(after.demand[columns]), stressors="CO2", stressor_units="kt",
    )  # fmt: skip
    plain = cf.structural_decomposition(before, after).to_frame()["effect"]
    got = cf.structural_decomposition(before, shuffled).to_frame()["effect"]
    np.testing.assert_allclose(got, plain, rtol=1e-9)


def test_rows_without_output_keep_their_intensity() -> None:
    A = np.array([[0, 0.5, 0], [0, 0, 0], [0, 0, 0.1]])
    arguments: dict[str, Any] = {"stressors": "CO2", "regions": "DE"}
    Y, S, x = np.diag([1.0, 0.0, 1.0]).sum(axis=1), np.array([1.0, 5.0, 2.0]), [1.0, 0.0, 1 / 0.9]
    before = cf.Table(A=A, Y=Y, S=S, x=x, sectors=["a", "b", "c"], **arguments)
    turned = cf.Table(A=A[::-1, ::-1].copy(), Y=Y[::-1].copy(), S=S[::-1].copy(), x=x[::-1],
                      sectors=["c", "b", "a"], **arguments)  # fmt: skip
    wanted = np.array([0.0, 1.0, 0.0])
    for after, deflators in ((before, None), (before, np.ones(3))):
        found = cf.structural_decomposition(before, after, demand=wanted, deflators=deflators)
        assert (found.before, found.after) == pytest.approx((5.5, 5.5))
    assert len(cf.structural_path_decomposition(before, turned)) == 0


# --- what is refused --------------------------------------------------------------------------


def test_what_is_refused() -> None:
    before, after = pair()
    decompose = cf.structural_decomposition
    other = after.aggregate(sectors={"cars": "vehicles"})
    with pytest.raises(LabelError, match=r"after: .*1 only in before \(\('US', 'cars'\)\)"):
        decompose(before, other)
    for wrong in ({"method": "sum"}, {"by": "year"}, {"top": 0}, {"deflators": np.zeros(7)},
                  {"deflators": [1.0]}, {"deflators": [1, [2]]},
                  {"method": "lmdi", "by": "region"}):  # fmt: skip
        with pytest.raises(InputError, match=f"{list(wrong)[-1]}: expected"):
            decompose(before, after, **wrong)
    with pytest.raises(InputError, match="tables: expected a list of two or more, got 1"):
        cf.decompose_years([before])
    with pytest.raises(InputError, match="pairs: expected 'chained' or 'ends'"):
        cf.decompose_years([before, after], pairs="all")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="tables: expected tables of different years"):
        cf.decompose_years([before, after, before, after])
    for wrong in ({"by": "coefficient"}, {"deflators": np.ones(7)}):
        with pytest.raises(InputError, match=f"{next(iter(wrong))}: expected demand, method"):
            cf.decompose_years([before, after], **wrong)
    with pytest.raises(InputError, match="after: expected a Table"):
        decompose(before, "2009")
    tonnes = cf.Table(A=after.A, x=after.x, Y=after.Y, S=after.S, stressor_units="t",
                      regions=after.rows.get_level_values(0), stressors="CO2",
                      sectors=after.rows.get_level_values(1))  # fmt: skip
    with pytest.raises(InputError, match="expected 'CO2' in 'kt', as in before, got 'CO2' in 't'"):
        decompose(before, tonnes)
    negative = after.with_changes(Y=after.Y - 5.0)
    with pytest.raises(InputError, match="'lmdi' for tables without negative entries"):
        decompose(before, negative, method="lmdi")
    large = cf.synthetic.world(21, 100, density=0.02)
    with pytest.raises(InputError, match="at most 2,000 rows"):
        decompose(large, large, method="lmdi")


def test_labels_that_are_there_twice_are_not_matched_by_name() -> None:
    A = np.array([[0.1, 0.2, 0.0], [0.0, 0.1, 0.1], [0.2, 0.0, 0.1]])
    Y, s = np.array([[1.0, 2.0], [30.0, 4.0], [5.0, 6.0]]), np.array([1.0, 9.0, 3.0])
    x = np.linalg.solve(np.eye(3) - A, Y.sum(axis=1))
    demand = [("X", "c"), ("Y", "c")]

    def table(rows: list[int], regions: list[str]) -> cf.Table:
        return cf.Table(A=A[np.ix_(rows, rows)], Y=Y[rows], S=s[rows], x=x[rows], regions=regions,
                        sectors=["s"] * len(rows), demand=demand, stressors="CO2")  # fmt: skip

    before = table([0, 1, 2], ["X", "X", "Y"])
    same = cf.structural_decomposition(before, table([0, 1, 2], ["X", "X", "Y"]))
    assert same.total == 0.0
    for other in (table([2, 0, 1], ["Y", "X", "X"]), table([0, 2], ["X", "Y"])):
        with pytest.raises(
            LabelError, match="after: expected the rows of before in the same order"
        ):
            cf.structural_decomposition(before, other)


def test_population_known_in_some_years_only_is_left_out_of_a_chain() -> None:
    people = {"DE": 80.0, "FR": 60.0, "US": 300.0}
    rng = np.random.default_rng(3)
    known = [year(rng, year=y, population=people) for y in (2000, 2005)]
    last = year(rng, year=2009)
    frame = cf.decompose_years([*known, last])
    assert list(frame.index) == ["intensity", "technology", "trade", *DEMAND]
    single = cf.structural_decomposition(*known).to_frame()["effect"]
    both = single["population"] + single["demand level"]
    assert frame.loc["demand level", "2000 → 2005"] == pytest.approx(both)
    assert "population" in cf.decompose_years(known).index


# --- real tables ------------------------------------------------------------------------------

# WIOD 2013 release (Timmer et al. 2015), CO2 by JRC (Corsatea et al. 2019); Mt, current prices.
ENDS = {"intensity": -22326, "technology": 3249, "trade": 1249, "demand level": 22489,
        "demand mix": 389, "demand origin": 810}  # fmt: skip
CHAINED = {"intensity": -20251, "technology": 2350, "trade": 1415, "demand level": 21213,
           "demand mix": 272, "demand origin": 862}  # fmt: skip


@pytest.mark.real_data
def test_wiod_2000_to_2009(real_data: Path) -> None:
    tables = [cf.read(real_data / f"wiod2013_{y}.zip") for y in (2000, 2005, 2009)]
    ends = cf.structural_decomposition(tables[0], tables[2])
    assert ends.closure < 1e-10
    assert ends.label == "2000 → 2009"
    effects = ends.to_frame()["effect"] / 1e3
    assert {name: round(value) for name, value in effects.items()} == ENDS
    assert round(ends.total / 1e3) == 5861
    years = cf.decompose_years(tables)
    assert list(years) == ["2000 → 2005", "2005 → 2009", "chained 2000 → 2009"]
    chained = years["chained 2000 → 2009"] / 1e3
    assert {name: round(value) for name, value in chained.items()} == CHAINED
    ends_only = cf.decompose_years(tables, pairs="ends")
    np.testing.assert_allclose(ends_only["2000 → 2009"] / 1e3, effects)
    polar = cf.structural_decomposition(tables[0], tables[2], method="polar").to_frame()["effect"]
    assert (polar["technology"] + polar["trade"]) / 1e3 == pytest.approx(6325, abs=1.0)
