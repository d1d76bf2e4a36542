"""Multipliers, accounts and footprints on small tables, against the dense reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.references.reference import Reference, refined_solve
from support.worlds.strategies import seeds, table_arguments, tables

import carbonflows_fast as cf
from carbonflows_fast.accounting._accounts import account_weight
from carbonflows_fast.accounting._region_flows import region_flows
from carbonflows_fast.errors import InputError, LabelError

# Certified to 1e-10 in a weight of the whole table; single entries are a little looser.
CLOSE: dict[str, Any] = {"rtol": 1e-8, "atol": 1e-9}


def two_regions(**changes: Any) -> cf.Table:
    """Two regions, two sectors, two stressors, two categories; nothing zero."""
    arguments: dict[str, Any] = {
        "Z": np.array(
            [[20.0, 10.0, 5.0, 1.0], [6.0, 30.0, 2.0, 4.0], [3.0, 2.0, 15.0, 9.0], [1, 1, 8, 25.0]]
        ),
        "Y": np.array(
            [[40.0, 9.0, 10.0, 5.0], [30.0, 20.0, 5.0, 3.0], [5.0, 1.0, 50.0, 15.0], [2, 3, 30, 30]]
        ),
        "F": np.array([[50.0, 5.0, 80.0, 10.0], [1.0, 2.0, 3.0, 4.0]]),
        "F_Y": np.array([[7.0, 0.5, 11.0, 0.0], [0.1, 0.0, 0.2, 0.0]]),
        "regions": ["AA", "AA", "BB", "BB"],
        "sectors": ["goods", "services"] * 2,
        "demand": [(r, c) for r in ("AA", "BB") for c in ("households", "government")],
        "stressors": ["CO2", "CH4"],
        "stressor_units": ["kt", "kt"],
    }
    return cf.Table(**(arguments | changes))


def raw(table: cf.Table, k: int = 0) -> tuple[Any, Any, Any]:
    """s, F and F_Y of the k-th stressor."""
    return table.S.to_numpy()[k], table.F.to_numpy()[k], table.F_Y.to_numpy()[k]


# --- accounts ---------------------------------------------------------------------------------


def test_accounts_are_those_of_the_dense_reference() -> None:
    table = two_regions()
    expected = Reference(table).accounts(*raw(table))
    got = cf.accounts(table, "CO2")
    pd.testing.assert_frame_equal(got, expected, rtol=1e-9, atol=1e-9)
    assert got.attrs["stressor"] == "CO2"
    assert got.attrs["unit"] == "kt"
    assert 0 < got.attrs["error_bound"] < 1e-7


@given(tables())
def test_accounts_of_any_table(table: cf.Table) -> None:
    for k, name in enumerate(table.stressors):
        got, expected = cf.accounts(table, name), Reference(table).accounts(*raw(table, k))
        assert list(got.columns) == list(expected.columns)
        bound = 2 * got.attrs["error_bound"] + 1e-11 * np.abs(table.F.to_numpy()[k]).sum()
        columns = [c for c in got.columns if c != "net_share"]
        assert np.abs(got[columns] - expected[columns]).max(axis=None) <= bound


def test_accounts_of_selected_demand() -> None:
    table = two_regions()
    got = cf.accounts(table, "CO2", demand=("BB", "households"))
    Y = np.zeros((4, 2))
    Y[:, 1] = table.Y.to_numpy()[:, 2]
    E = Reference(table, demand=Y).flows(raw(table)[0])
    direct = np.array([0.0, 11.0])
    np.testing.assert_allclose(got["households"], direct)
    np.testing.assert_allclose(got["production"], E.sum(axis=1) + direct, **CLOSE)
    np.testing.assert_allclose(got["consumption"], E.sum(axis=0) + direct, **CLOSE)
    assert "unallocated" not in got


def test_demand_by_category_adds_up_to_the_whole() -> None:
    table = two_regions()
    parts = [cf.accounts(table, "CO2", demand=(None, c)) for c in table.categories]
    whole = cf.accounts(table, "CO2").drop(columns=["net_share", "unallocated"])
    np.testing.assert_allclose(sum(p.drop(columns="net_share") for p in parts), whole, **CLOSE)


def test_weighted_stressor() -> None:
    table = two_regions()
    got = cf.accounts(table, {"CO2": 1.0, "CH4": 28.0})
    expected = cf.accounts(table, "CO2") + 28 * cf.accounts(table, "CH4")
    np.testing.assert_allclose(got["consumption"], expected["consumption"], **CLOSE)
    np.testing.assert_allclose(got["households"], expected["households"], **CLOSE)


def test_unallocated_is_what_no_demand_accounts_for() -> None:
    table = two_regions(
        Z=np.diag([20.0, 0.0, 5.0, 5.0]), Y=np.array([[40.0, 0, 0, 0], [0] * 4, [1] * 4, [2] * 4])
    )
    got = cf.accounts(table, "CO2")
    assert got["unallocated"]["AA"] == pytest.approx(5.0)  # the services of AA make nothing
    assert got["unallocated"]["BB"] == pytest.approx(0.0, abs=1e-9)
    assert got["production"]["AA"] == pytest.approx(50.0 + 7.5)


def test_net_share_without_production_is_not_a_number() -> None:
    table = two_regions(F=np.array([[50.0, 5.0, 0.0, 0.0], [1, 1, 1, 1]]), F_Y=np.zeros((2, 4)))
    got = cf.accounts(table, "CO2")
    assert np.isnan(got["net_share"]["BB"])
    assert np.isfinite(got["net_share"]["AA"])


def test_stressor_that_is_zero_everywhere() -> None:
    table = two_regions(F=np.zeros((2, 4)), F_Y=np.zeros((2, 4)))
    got = cf.accounts(table, "CO2")
    assert (got.drop(columns="net_share") == 0).all(axis=None)
    assert got.attrs["error_bound"] <= 1e-6


def test_accounts_refuse_an_array() -> None:
    with pytest.raises(InputError, match=r"demand: expected regions .* got an array; select it by"):
        cf.accounts(two_regions(), "CO2", demand=np.ones(4))
    one = cf.Table(Z=[[1.0]], Y=[9.0], F=[5.0], regions="AA", sectors=["a"], stressors="CO2")
    with pytest.raises(InputError, match="got an array"):
        cf.accounts(one, demand=np.ones(1))


def test_accounts_name_unknown_labels() -> None:
    with pytest.raises(LabelError, match=r"stressor: .*'CO'.*nearest are 'CO2'"):
        cf.accounts(two_regions(), "CO")
    with pytest.raises(InputError, match="stressor"):
        cf.accounts(two_regions())
    with pytest.raises(LabelError, match="'CC'"):
        cf.accounts(two_regions(), "CO2", demand="CC")


def test_whole_demand_is_solved_once_per_stressor() -> None:
    table = two_regions()
    first = region_flows(table, "CO2")
    assert region_flows(table, "CO2") is first
    assert region_flows(table, "CH4") is not first
    assert region_flows(table, "CH4").stressor.name == "CH4"
    assert region_flows(table, "CO2", "AA").demand.complete is False
    assert region_flows(table, {"CO2": 2.0}).stressor.s[0] == 2 * table.S.to_numpy()[0, 0]
    assert cf.accounts(table, "CO2").equals(cf.accounts(table, "CO2"))


def test_changed_emissions_are_not_taken_from_the_cache() -> None:
    table = two_regions()
    before = cf.accounts(table, "CO2")
    after = cf.accounts(table.with_changes(S=table.S * 2), "CO2")
    np.testing.assert_allclose(
        after["production"] - after["households"],
        2 * (before["production"] - before["households"]),
        rtol=1e-9,
    )


# --- certification ----------------------------------------------------------------------------


def test_account_weight() -> None:
    t = account_weight(np.array([0.5, -1.0, 0.0]), np.array([100.0, 50.0, 0.0]))
    np.testing.assert_allclose(t, [0.5 + 1 / 300, 1.0 + 1 / 150, 1 / 150])
    assert (account_weight(np.zeros(2), np.ones(2)) == 1).all()
    assert (account_weight(np.array([0.0, 2.0]), np.array([0.0, -1.0])) == [1.0, 3.0]).all()


@given(tables())
def test_error_bound_is_above_the_error_and_not_far_above(table: cf.Table) -> None:
    """Against a solution in extended precision, in the weight that is certified."""
    reference = Reference(table)
    flow = region_flows(table, table.stressors[0])
    s = flow.stressor.s
    x = refined_solve(reference.A, reference.Y, start=reference.x)
    exact = np.zeros(flow.matrix.shape, dtype=np.longdouble)
    for i, code in enumerate(table.content.region_codes):
        exact[code] += s[i].astype(np.longdouble) * x[i]
    error = float(np.abs(flow.matrix - exact).sum())
    assert error <= flow.error_bound
    t = account_weight(s, table.x.to_numpy())
    weighted = float(t @ np.abs(flow.x - x).sum(axis=1))
    size = float(t @ np.abs(flow.x).sum(axis=1) + np.abs(flow.stressor.F).sum())
    assert flow.error_bound <= 100 * weighted + 1e-12 * size + 1e-12


@given(tables())
def test_multiplier_bound_is_above_the_error(table: cf.Table) -> None:
    reference = Reference(table)
    got = cf.multipliers(table)
    S = table.S.to_numpy()
    m = refined_solve(reference.A.T, S.T, start=(S @ reference.L).T).T
    y = np.abs(table.Y.to_numpy().sum(axis=1))
    for e, name in enumerate(table.stressors):
        assert float(np.abs(got.to_numpy()[e] - m[e]) @ y) <= got.attrs["error_bound"][name]


def test_bounds_hold_where_the_solve_is_rough(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a tolerance of 1e-3 the solver's part of every bound matters, not just rounding."""
    for name in ("solve", "solve_adjoint"):
        original = getattr(cf.LeontiefSystem, name)

        def rough(
            self: Any, rhs: Any, *, rtol: float = 0.0, original: Any = original, **options: Any
        ) -> Any:
            return original(self, rhs, method="gauss-seidel", rtol=1e-3, **options)

        monkeypatch.setattr(cf.LeontiefSystem, name, rough)
    table = cf.synthetic.world(6, 70)  # several blocks: smaller tables are solved exactly
    reference, flows, m = Reference(table), cf.flows(table), cf.multipliers(table)
    s, y = table.S.to_numpy()[0], np.abs(table.Y.to_numpy().sum(axis=1))
    products = flows.by_product()
    pairs = [
        (flows.error_bound, np.abs(flows.matrix - reference.flows(s)).to_numpy().sum()),
        (products.attrs["error_bound"], np.abs(products - reference.by_product(s)).sum().sum()),
        (m.attrs["error_bound"]["CO2"], float(np.abs(m.to_numpy()[0] - reference.M(s)) @ y)),
    ]
    for bound, error in pairs:
        assert 1e-9 * flows.total < error <= bound < 100 * error


# --- multipliers ------------------------------------------------------------------------------


@given(tables())
def test_multipliers_are_s_times_the_inverse(table: cf.Table) -> None:
    got = cf.multipliers(table)
    np.testing.assert_allclose(got, table.S.to_numpy() @ Reference(table).L, **CLOSE)
    assert list(got.index) == list(table.stressors)
    assert got.columns.equals(table.rows)


def test_multipliers_of_some_stressors() -> None:
    table = two_regions()
    whole = cf.multipliers(table)
    assert list(cf.multipliers(table, ["CH4"]).index) == ["CH4"]
    pd.testing.assert_frame_equal(cf.multipliers(table, ["CH4", "CO2"]), whole.iloc[::-1])
    pd.testing.assert_frame_equal(cf.multipliers(table, "CO2"), whole.iloc[:1])
    mixed = cf.multipliers(table, {"CO2": 1.0, "CH4": 28.0})
    np.testing.assert_allclose(mixed.to_numpy()[0], [1, 28] @ whole.to_numpy(), rtol=1e-9)
    assert whole.attrs["unit"] == {"CO2": "kt", "CH4": "kt"}


@pytest.mark.parametrize("stressors", [[], ["CO2", "CO2"]])
def test_lists_of_stressors_name_each_once(stressors: list[str]) -> None:
    for question in (cf.multipliers, cf.footprints):
        with pytest.raises(InputError, match=r"stressors: expected .* name each stressor once"):
            question(two_regions(), stressors)


def test_unknown_stressor_in_a_list() -> None:
    with pytest.raises(LabelError, match="'N2O'"):
        cf.multipliers(two_regions(), ["CO2", "N2O"])


def test_many_stressors_are_solved_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    import carbonflows_fast.accounting._solves as solves

    table = two_regions()
    whole = cf.multipliers(table)
    monkeypatch.setattr(solves, "BLOCK", 1)
    np.testing.assert_allclose(cf.multipliers(table), whole, rtol=1e-9)


# --- footprints -------------------------------------------------------------------------------


@given(tables())
def test_footprints_of_any_table(table: cf.Table) -> None:
    got, expected = cf.footprints(table), Reference(table).footprints(table.S.to_numpy())
    scale = np.abs(table.F.to_numpy()).sum(axis=1, keepdims=True)
    for name, values in expected.items():
        assert np.all(np.abs(getattr(got, name) - values) <= 1e-8 * scale + 1e-9), name
    columns = pd.MultiIndex.from_product([table.regions, Reference(table).sectors])
    assert list(got.D_cba.columns) == list(got.D_imp.columns) == list(columns)
    assert list(got.D_pba.columns) == list(got.D_exp.columns) == list(table.rows)


def test_regional_footprints_add_what_households_emit() -> None:
    table = two_regions()
    got, households = cf.footprints(table), np.array([[7.5, 11.0], [0.1, 0.2]])
    by_region = {k: getattr(got, k).T.groupby(level=0).sum().T for k in ("D_cba", "D_pba")}
    np.testing.assert_allclose(got.D_cba_reg, by_region["D_cba"] + households, rtol=1e-12)
    np.testing.assert_allclose(got.D_pba_reg, by_region["D_pba"] + households, rtol=1e-12)
    accounts = cf.accounts(table, "CO2")
    np.testing.assert_allclose(got.D_cba_reg.loc["CO2"], accounts["consumption"], rtol=1e-9)
    np.testing.assert_allclose(got.D_pba_reg.loc["CO2"], accounts["production"], rtol=1e-9)
    np.testing.assert_allclose(got.D_imp_reg.loc["CO2"], accounts["imports"], rtol=1e-9)
    np.testing.assert_allclose(got.D_exp_reg.loc["CO2"], accounts["exports"], rtol=1e-9)
    assert got.D_cba_reg.columns.name == "region"
    assert got.D_cba.index.name == "stressor"


def test_footprints_are_solved_once_and_shown() -> None:
    got = cf.footprints(two_regions())
    assert got.D_cba is got.D_cba
    assert repr(got) == "Footprints(CO2, CH4; 2 regions)"
    with pytest.raises(ValueError, match="read-only"):
        got.D_cba.to_numpy()[0, 0] = 1.0


# --- properties of every account --------------------------------------------------------------


def test_footprints_are_as_accurate_as_rounding_allows() -> None:
    rng = np.random.default_rng(0)
    A = rng.random((60, 60))
    A *= 0.9995 / A.sum(axis=0)
    table = cf.Table(
        A=A, Y=rng.random((60, 3)), S=rng.random((1, 60)), regions=np.repeat(["A", "B", "C"], 20),
        sectors=[f"s{i % 20}" for i in range(60)], stressors=["CO2"],
    )  # fmt: skip
    with pytest.raises(cf.ConvergenceError, match=r"1\.0e-11"):
        _ = cf.footprints(table, rtol=1e-11).D_cba
    found = cf.footprints(table)
    for name in ("D_cba", "D_pba", "D_imp", "D_exp"):
        frame = getattr(found, name)
        assert frame.attrs["unit"] == {"CO2": ""}
        bound, total = frame.attrs["error_bound"]["CO2"], float(frame.to_numpy().sum())
        assert 1e-14 * total < bound < 1e-7 * total


@given(tables())
def test_duality(table: cf.Table) -> None:
    """s'x = m'y, from two independent solves."""
    forward = region_flows(table, table.stressors[0])
    m = cf.multipliers(table, [table.stressors[0]])
    dual = float(m.to_numpy()[0] @ table.Y.to_numpy().sum(axis=1))
    slack = forward.error_bound + m.attrs["error_bound"][table.stressors[0]]
    assert abs(forward.matrix.sum() - dual) <= slack + 1e-13 * np.abs(table.F.to_numpy()[0]).sum()


@given(tables())
def test_flows_add_up_to_production(table: cf.Table) -> None:
    """Balanced tables: what consumers cause in a region is what the region emits."""
    got = cf.accounts(table, table.stressors[0])
    emitted = table.F.iloc[0].groupby(level="region", sort=False).sum()
    limit = got.attrs["error_bound"] + 1e-11 * table.F.iloc[0].abs().sum() + 1e-12
    assert np.abs(got["production"] - got["households"] - emitted).max() <= limit
    assert got["unallocated"].abs().max() <= limit


def change_units(arguments: dict[str, Any], d: Any) -> dict[str, Any]:
    """Rows counted in units of d: Z → D⁻¹Z, A → D⁻¹AD, y → D⁻¹y, s → sD."""
    changed = dict(arguments)
    for name in ("Z", "A"):
        if name in changed:
            value = changed[name]
            value = value.toarray() if hasattr(value, "toarray") else value
            changed[name] = value / d[:, None] * (d if name == "A" else 1.0)
    if "S" in changed:
        changed["S"] = changed["S"] * d
    changed["Y"] = changed["Y"] / d[:, None]
    if "x" in changed:
        changed["x"] = changed["x"] / d
    else:  # a sum of rows in different units of column totals: give it instead
        changed["x"] = changed["Z"].sum(axis=1) + changed["Y"].sum(axis=1)
    return changed


@given(table_arguments(), seeds())
def test_units_do_not_matter(arguments: dict[str, Any], rng: np.random.Generator) -> None:
    d = np.exp(rng.uniform(-4.0, 4.0, len(arguments["regions"])))
    before, after = cf.Table(**arguments), cf.Table(**change_units(arguments, d))
    close = {"rtol": 1e-7, "atol": 1e-8 * (1 + np.abs(before.F.to_numpy()).sum())}
    for name in before.stressors:
        np.testing.assert_allclose(
            cf.flows(after, name).matrix, cf.flows(before, name).matrix, **close
        )
    np.testing.assert_allclose(cf.footprints(after).D_cba, cf.footprints(before).D_cba, **close)
    np.testing.assert_allclose(cf.footprints(after).D_imp, cf.footprints(before).D_imp, **close)


@given(table_arguments(), seeds())
def test_order_of_rows_does_not_matter(arguments: dict[str, Any], rng: np.random.Generator) -> None:
    order = rng.permutation(len(arguments["regions"]))
    changed = dict(arguments)
    for name in ("Z", "A"):
        if name in changed:
            value = changed[name]
            value = value.toarray() if hasattr(value, "toarray") else value
            changed[name] = value[np.ix_(order, order)]
    for name in ("F", "S"):
        if name in changed:
            changed[name] = changed[name][:, order]
    changed["Y"] = changed["Y"][order]
    changed["regions"] = [arguments["regions"][i] for i in order]
    changed["sectors"] = [arguments["sectors"][i] for i in order]
    if "x" in changed:
        changed["x"] = changed["x"][order]
    before, after = cf.Table(**arguments), cf.Table(**changed)
    name = before.stressors[0]
    scale = np.abs(before.F.to_numpy()[0]).sum()
    got = cf.flows(after, name).matrix.loc[list(before.regions), list(before.regions)]
    assert np.all(np.abs(got - cf.flows(before, name).matrix) <= 1e-9 * scale + 1e-12)


@given(tables(), st.floats(1e-6, 1e6))
def test_accounts_scale_with_emissions_and_demand(table: cf.Table, factor: float) -> None:
    name = table.stressors[0]
    E = cf.flows(table, name).matrix
    limit = 1e-8 * factor * (np.abs(table.F.to_numpy()[0]).sum() + 1e-12)
    dirtier = cf.flows(table.with_changes(S=table.S * factor), name).matrix
    assert np.all(np.abs(dirtier - factor * E) <= limit)
    larger = cf.flows(table.with_changes(Y=table.Y * factor), name).matrix
    assert np.all(np.abs(larger - factor * E) <= limit)
