"""Layers, elasticities and betweenness against powers of A, the inverse, and finite differences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from support.references.reference import Reference
from support.worlds.strategies import tables

import carbonflows_fast as cf
from carbonflows_fast import linkages


def parts(table: cf.Table, stressor: Any = 0, demand: Any = None) -> tuple[Any, Any, Any, Any]:
    """A, s, y and L, dense."""
    reference = Reference(table)
    y = reference.Y.sum(axis=1) if demand is None else demand
    return reference.A, table.S.to_numpy()[stressor], y, reference.L


@given(tables(), st.integers(0, 6))
def test_layers_are_powers_of_A(table: cf.Table, last: int) -> None:
    A, s, y, L = parts(table)
    got = cf.production_layers(table, table.stressors[0], layers=last)
    bound = got.attrs["error_bound"] + 1e-11 * (np.abs(s) @ np.abs(L) @ np.abs(y))
    power = y
    for k in range(last + 1):
        assert abs(got.emissions[k] - s @ power) <= bound
        power = A @ power
        assert abs(got.remainder[k] - s @ L @ power) <= bound
    assert list(got.index) == list(range(last + 1))
    assert np.all(np.abs(got.cumulative + got.remainder - got.attrs["total"]) <= 2 * bound)
    np.testing.assert_allclose(got.cumulative, np.cumsum(got.emissions))
    if got.attrs["total"]:
        gross = got.emissions.abs().sum() + abs(got.remainder.iloc[-1])
        np.testing.assert_allclose(got.share * gross, got.emissions)


@given(tables(), st.integers(0, 6), st.booleans())
def test_layers_and_remainders_see_an_error_of_demand_through_no_more(
    table: cf.Table, last: int, negative: bool
) -> None:
    A, s, _, _ = parts(table)
    s = -s if negative else s
    sizes = np.abs(s) @ np.linalg.inv(np.eye(len(s)) - np.abs(A)) * (1 + 1e-9)
    seen = linkages.seen_in_layers(cf.system(table), s, sizes, last) * (1 + 1e-9)
    layer, left, summed = np.abs(s), sizes, np.zeros(len(s))
    for _ in range(last + 1):
        summed = summed + layer
        layer, left = layer @ np.abs(A), left @ np.abs(A)
        assert (summed <= seen).all()
        assert (left <= seen).all()


@given(tables())
def test_betweenness_and_elasticities_are_their_definitions(table: cf.Table) -> None:
    A, s, y, L = parts(table)
    name = table.stressors[0]
    m, x, T = s @ L, L @ y, L @ A
    near = {"rtol": 1e-7, "atol": 1e-8 * (np.abs(s) @ np.abs(L) @ np.abs(y)) + 1e-12}
    nodes = cf.sector_betweenness(table, name)
    np.testing.assert_allclose(nodes.interior, (s @ T) * (T @ y), **near)
    np.testing.assert_allclose(nodes.visits, m * x, **near)
    edges = cf.transaction_betweenness(table, name, top=A.size)
    expected = m[:, None] * A * x
    assert len(edges) <= np.count_nonzero(A)
    np.testing.assert_allclose(
        np.sort(np.abs(edges.value)), np.sort(np.abs(expected), axis=None)[A.size - len(edges) :],
        **near,
    )  # fmt: skip
    found = cf.elasticities(table, name)
    total = found.attrs["total"]
    if abs(total) > 1e-6 * (np.abs(s) @ np.abs(L) @ np.abs(y)):
        near["atol"] = 1e-8 * near["atol"] / 1e-8 / abs(total) + 1e-9
        np.testing.assert_allclose(found.inputs, expected.sum(axis=0) / total, **near)
        np.testing.assert_allclose(found.sales, expected.sum(axis=1) / total, **near)
        np.testing.assert_allclose(found.intensity.sum(), 1.0, rtol=1e-7)
        np.testing.assert_allclose(found.demand.sum(), 1.0, rtol=1e-7)


def test_elasticities_are_what_changes_do() -> None:
    table = cf.synthetic.world(2, 4)
    A, s, y, _ = parts(table)
    found, h = cf.elasticities(table), 1e-6

    def emissions(A: Any = A, s: Any = s, y: Any = y) -> float:
        return float(s @ np.linalg.solve(np.eye(len(A)) - A, y))

    E = emissions()
    for i in (0, 3, 6):
        more = 1.0 + h * (np.arange(len(A)) == i)
        changes = {
            "intensity": emissions(s=s * more), "demand": emissions(y=y * more),
            "inputs": emissions(A=A * more), "sales": emissions(A=A * more[:, None]),
        }  # fmt: skip
        for name, changed in changes.items():
            assert found[name].iloc[i] == pytest.approx((changed / E - 1) / h, rel=1e-4, abs=1e-6)


def test_transactions_are_named_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    table = cf.synthetic.world(3, 5)
    A, s, y, L = parts(table)
    expected = (s @ L)[:, None] * A * (L @ y)
    edges = cf.transaction_betweenness(table, top=20)
    rows = {label: i for i, label in enumerate(table.rows)}
    at = [
        (rows[a, b], rows[c, d])
        for a, b, c, d in edges[["seller_region", "seller", "buyer_region", "buyer"]].to_numpy()
    ]
    np.testing.assert_allclose(edges.value, [expected[cell] for cell in at], rtol=1e-8)
    np.testing.assert_allclose(edges.value, np.sort(expected, axis=None)[::-1][:20], rtol=1e-8)
    np.testing.assert_allclose(edges.elasticity, edges.value / edges.attrs["total"])
    monkeypatch.setattr(linkages, "ROWS", 2)
    assert cf.transaction_betweenness(table, top=20).equals(edges)


def test_ties_are_in_the_order_of_the_table() -> None:
    A = sp.csr_array(np.full((4, 4), 0.125) * np.array([1.0, -1.0, 1.0, 1.0]))
    for top, expected in ((5, [0, 1, 2, 3, 4]), (99, list(range(16)))):
        place, values = linkages._largest(A, np.ones(4), np.ones(4), top)
        assert place.tolist() == expected
        np.testing.assert_array_equal(values, A.toarray().ravel()[place])


def test_a_demand_of_ones_own() -> None:
    table = cf.synthetic.world(2, 4)
    demand = np.zeros(table.n)
    demand[2] = 5.0
    _, s, _, L = parts(table)
    for function in (cf.production_layers, cf.elasticities, cf.sector_betweenness):
        got = function(table, demand=demand)
        assert got.attrs["total"] == pytest.approx(5.0 * (s @ L)[2], rel=1e-9)
        assert (got.attrs["stressor"], got.attrs["unit"]) == ("CO2", "kt")
    region = cf.sector_betweenness(table, demand=table.regions[0])
    assert region.attrs["total"] < cf.sector_betweenness(table).attrs["total"]


def test_nothing_bought_is_nothing_emitted() -> None:
    table = cf.synthetic.world(2, 3)
    nothing = np.zeros(table.n)
    layers = cf.production_layers(table, "CO2", demand=nothing, layers=3)
    assert (layers[["emissions", "cumulative", "remainder"]] == 0.0).all(axis=None)
    assert layers.share.isna().all()
    assert cf.elasticities(table, "CO2", demand=nothing).isna().all(axis=None)
    assert (cf.sector_betweenness(table, "CO2", demand=nothing) == 0.0).all(axis=None)
    assert cf.transaction_betweenness(table, "CO2", demand=nothing).empty


@pytest.mark.parametrize("bad", [-1, 1.5, True, "3"])
def test_counts_are_checked(bad: Any) -> None:
    table = cf.synthetic.world(2, 3)
    with pytest.raises(cf.InputError, match="layers: expected a whole number"):
        cf.production_layers(table, "CO2", layers=bad)
    with pytest.raises(cf.InputError, match="top: expected a whole number"):
        cf.transaction_betweenness(table, "CO2", top=bad)


@pytest.mark.real_data
def test_layers_of_wiod_2009(real_data: Path) -> None:
    table = cf.read(real_data / "wiod2013_2009.zip")
    layers = cf.production_layers(table, layers=30)
    total = layers.attrs["total"]
    assert abs(layers.cumulative + layers.remainder - total).max() <= 1e-9 * total
    assert layers.remainder.iloc[-1] < 1e-4 * total
    assert layers.attrs["error_bound"] <= 1e-9 * total
    found = cf.elasticities(table)
    assert found[["intensity", "demand"]].sum().to_numpy() == pytest.approx([1.0, 1.0], rel=1e-9)
    assert found.inputs.sum() == pytest.approx(found.sales.sum(), rel=1e-9)


def test_layers_of_a_table_near_the_limit_get_a_wider_bound():
    rng = np.random.default_rng(0)
    A = rng.random((30, 30))
    A *= 0.9999 / np.abs(np.linalg.eigvals(A)).max()
    L = np.linalg.inv(np.eye(30) - A)
    Y, S = rng.random((30, 1)), rng.random((1, 30))
    table = cf.Table(
        A=A, Y=Y, S=S, x=(L @ Y)[:, 0], regions=["R"] * 30,
        sectors=[f"s{i}" for i in range(30)], stressors="CO2",
    )  # fmt: skip
    layers = cf.production_layers(table, layers=3)
    total = float((S @ L @ Y)[0, 0])
    gap = np.abs(layers.cumulative + layers.remainder - total).max()
    assert gap <= 2 * layers.attrs["error_bound"] + 1e-10 * total
