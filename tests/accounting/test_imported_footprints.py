"""D_imp by each of the three ways, against each other and against the dense reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.references.reference import Reference
from support.worlds.strategies import tables

import carbonflows_fast as cf
from carbonflows_fast.accounting import _imported_footprints, _imports_by_factors


@given(tables(max_regions=3), st.sampled_from([1, 2, 256]))
def test_imports_are_the_same_by_pairs_by_columns_and_by_factors(
    table: cf.Table, some: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("BLOCK", "SUMMED"):
            patch.setattr(_imported_footprints, name, some)
        patch.setattr(_imports_by_factors, "ROWS", some)
        patch.setattr(_imports_by_factors, "CHUNKS", 1000)
        got, p = cf.footprints(table), table.content
        S, Y = table.S.to_numpy(), got._demand
        scale = np.abs(table.F.to_numpy()).sum(axis=1, keepdims=True)
        weight = got._forward_weight
        pairs = _imported_footprints._by_pairs(table, S, Y, got._adjoint_weight, 1e-11)
        columns = _imported_footprints._by_columns(table, S, Y, weight, 1e-11)
        factors = cf.system(table).factor_inverses(weight, 1e-9)
        assert factors is not None
        rows = _imports_by_factors.Rows(p.region_codes, p.sector_codes, len(p.sectors))
        found = _imports_by_factors.imports_by_factors(factors, S, Y, rows)
        for imports in (columns.values, found.imports.reshape(pairs.values.shape)):
            assert np.all(np.abs(imports - pairs.values) <= 1e-8 * scale + 1e-9)
        assert columns.m is not None
        bought = Y.any(axis=1)
        exact = got.M.to_numpy()
        np.testing.assert_allclose(columns.m[:, bought], exact[:, bought], rtol=1e-8, atol=1e-9)
        np.testing.assert_allclose(found.m, exact, rtol=1e-8, atol=1e-9)
        np.testing.assert_allclose(found.x, got._output[0], rtol=1e-8, atol=1e-9)
        if pairs.m is not None:
            np.testing.assert_allclose(pairs.m, exact, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize(
    ("stressors", "sure", "taken"),
    [
        (1, True, "_by_pairs"),  # 5 pairs, a fraction of the 300 rows bought
        (40, True, "imports_by_factors"),  # 200 pairs cost more than the inverses of factors
        (40, False, "_by_pairs"),  # but less than 300 columns by iterations
        (70, False, "_by_columns"),
    ],
)
def test_imports_take_what_costs_less(
    stressors: int, sure: bool, taken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = cf.synthetic.world(5, 60, stressors=stressors)
    if not sure:
        monkeypatch.setattr(cf.LeontiefSystem, "factor_inverses", lambda *_: None)
    calls = []
    for name in ("_by_pairs", "_by_columns", "imports_by_factors"):
        way = getattr(_imported_footprints, name)
        spy = lambda *given, way=way, name=name: (calls.append(name), way(*given))[1]  # noqa: E731
        monkeypatch.setattr(_imported_footprints, name, spy)
    assert cf.footprints(table).D_imp.shape == (stressors, 300)
    assert calls == [taken]


def by_factors(table: cf.Table) -> Any:
    """D_imp from the inverses of factors, whatever it costs, one region a block."""
    p, got = table.content, cf.footprints(table)
    factors = cf.system(table).factor_inverses(got._forward_weight, 1e-10)
    assert factors is not None
    rows = _imports_by_factors.Rows(p.region_codes, p.sector_codes, len(p.sectors))
    S, Y = got._block.S, got._demand
    return _imports_by_factors.imports_by_factors(factors, S, Y, rows).imports


def test_small_imports_are_as_accurate_as_large_ones() -> None:
    """What crosses borders is 1e-9 of all, so that a difference of two sums would have 7 digits."""
    table = cf.synthetic.world(4, 12)
    foreign = table.content.region_codes[:, None] != table.content.region_codes
    A = np.where(foreign, 1e-9, 1.0) * table.A.toarray()
    Y = table.Y.to_numpy() * np.where(
        table.content.region_codes[:, None] != table.content.demand_codes, 1e-9, 1.0
    )
    closed = cf.Table(
        A=A, Y=Y, S=table.S.to_numpy(), regions=table.rows.get_level_values(0),
        sectors=table.rows.get_level_values(1), demand=list(table.Y.columns),
        stressors=list(table.stressors),
    )  # fmt: skip
    expected = Reference(closed).footprints(closed.S.to_numpy())["D_imp"]
    found = by_factors(closed).reshape(expected.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert found.sum() < 1e-7 * cf.footprints(closed).D_cba.to_numpy().sum()


def test_what_only_the_consumer_emits_is_never_imported() -> None:
    table = cf.synthetic.world(3, 9)
    S = np.where(table.content.region_codes == 1, table.S.to_numpy(), 0.0)
    imports = by_factors(table.with_changes(F=S * table.x.to_numpy()))
    assert (imports[:, 1] == 0.0).all()
    assert (imports[:, [0, 2]].sum(axis=2) > 0.0).all()


@pytest.mark.parametrize("shape", [(3, 4, 5), (40, 3, 3), (3, 40, 3), (3, 3, 40), (0, 3, 3)])
def test_products_in_parts_are_those_of_the_whole(
    shape: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_imports_by_factors, "ALONE", 90)
    monkeypatch.setattr(_imports_by_factors, "LEAST", 2)
    rng = np.random.default_rng(6)
    A, B = rng.random(shape[:2]), rng.random(shape[1:])
    np.testing.assert_allclose(_imports_by_factors._product(A, B), A @ B, rtol=1e-14)


@pytest.mark.parametrize("rest", [2e-9, 2.05e-9, 3e-9, 1.3e-8, 7e-8, 1e-7])
def test_a_sector_that_sells_almost_all_to_itself_is_bounded(
    rest: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Columns add up to more than 1, so that factors are of a scaled matrix: 1 − a is not."""
    arb = pytest.importorskip("flint").arb
    from support.references.exact_reference import Exact

    A = np.array([[0.09, 1.39, 0.0], [0.044, 0.1, 0.0], [0.0, 1e-7, 1 - rest]])
    table = cf.Table(
        A=A, Y=np.array([[1.0, 2.0], [0.5, 0.0], [3.0, 1.0]]), S=np.array([[0.07, 0.004, 1.5e-4]]),
        x=np.array([4.5, 0.8, 2e9]), regions=["A", "B", "B"], sectors=["s", "s", "t"],
        demand=[("A", "f"), ("B", "f")], stressors=["CO2"],
    )  # fmt: skip
    monkeypatch.setattr(_imported_footprints, "inverse_cost", lambda *_: 0.0)
    found, exact = cf.footprints(table, rtol=1e-6).D_imp, Exact(table)
    L, Y, s = exact.L.table(), table.Y.to_numpy(), table.S.to_numpy()[0]
    emits = {"A": [0], "B": [1, 2]}
    error = 0.0
    for (region, sector), value in found.loc["CO2"].items():
        abroad = emits["B" if region == "A" else "A"]
        sold = [j for j, name in enumerate(["s", "s", "t"]) if name == sector]
        true = sum(
            arb(s[i]) * L[i][j] * arb(Y[j, "AB".index(region)]) for i in abroad for j in sold
        )
        error += float(abs(arb(value) - true))
    assert 0.0 < error <= found.attrs["error_bound"]["CO2"]
