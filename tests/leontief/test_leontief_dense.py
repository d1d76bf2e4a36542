"""Dense factors: in float32 with refinement, in groups, and the bound known before a solve."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.running.solving import METHODS, relative_error, table_of, world
from support.worlds import strategies

import carbonflows_fast as cf
from carbonflows_fast.leontief import _factor_inverses
from carbonflows_fast.leontief import _system as leontief


@pytest.mark.parametrize("adjoint", [False, True])
def test_dense_factors_in_float32_are_refined(adjoint: bool) -> None:
    table = world()
    single = cf.system(table, dtype="float32")
    sides = np.random.default_rng(4).random((3, table.n) if adjoint else (table.n, 3))
    solve = single.solve_adjoint if adjoint else single.solve
    got = solve(sides, method="direct")
    assert got.report.method == "direct"
    assert got.report.passes == 2
    assert got.report.error_bound <= 1e-10
    L = np.linalg.inv(np.eye(table.n) - table.A.toarray())
    np.testing.assert_allclose(got.values, sides @ L if adjoint else L @ sides, rtol=1e-9)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("start", [0.0, -1.0])  # which is clipped to 0
def test_a_start_of_zeros_is_a_start(dtype: Any, method: Any, start: float) -> None:
    table = world()
    y = table.Y.to_numpy().sum(axis=1)
    x0 = np.full(table.n, start)
    solution = cf.system(table, dtype=dtype).solve(y, method=method, x0=x0)
    np.testing.assert_allclose(solution.values, table.x, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("method", METHODS)
def test_no_right_hand_sides_have_no_solutions(dtype: Any, method: Any) -> None:
    system = cf.system(world(), dtype=dtype)
    assert system.solve(np.zeros((system.n, 0)), method=method).values.shape == (system.n, 0)


def test_a_matrix_too_hard_for_float32_is_refused_and_solved_in_float64() -> None:
    n = 40
    A = np.diag(np.full(n - 1, 1.0 - 1e-8), 1)
    A[-1, 0] = 1.0 - 1e-8
    table = table_of(A, regions=[f"r{i // 10}" for i in range(n)])
    y = np.random.default_rng(1).random(n)
    with pytest.raises(cf.ConvergenceError, match="rtol"):
        cf.system(table, dtype="float32").solve(y, method="direct", rtol=1e-4)
    assert cf.system(table).solve(y, method="direct", rtol=1e-4).report.error_bound <= 1e-4


def test_more_right_hand_sides_than_a_group(monkeypatch: pytest.MonkeyPatch) -> None:
    table = world()
    Y = np.random.default_rng(2).random((table.n, 7))
    together = {method: cf.system(table).solve(Y, method=method).values for method in METHODS}
    monkeypatch.setattr(leontief, "GROUP", 3)
    for method, values in together.items():
        apart = cf.system(table).solve(Y, method=method)
        np.testing.assert_allclose(apart.values, values, rtol=1e-9)
        assert apart.report.error_bounds.shape == (7,)
    Y[:, :3] = 0.0
    with pytest.raises(cf.ConvergenceError, match=r"right-hand side [345] "):
        cf.system(table).solve(Y, method="direct", rtol=5e-16)


def product(factors: Any, n: int) -> Any:
    """(I − A)⁻¹ of the table's rows, from the inverses of its factors."""
    U, V = np.triu(factors.values), np.tril(factors.values, -1) + np.eye(len(factors.values))
    d = np.ones(len(U)) if factors.scale is None else factors.scale
    L = np.eye(n)
    L[np.ix_(factors.rows, factors.rows)] = U @ V / d[:, None] * d
    return L


@given(strategies.tables(), st.sampled_from([1, 2, 256]))
def test_inverses_of_factors_are_accurate_as_they_say(table: cf.Table, width: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_factor_inverses, "WIDTH", width)
        system = cf.system(table)
        t = np.linspace(1.0, 2.0, table.n)
        factors = system.factor_inverses(t, np.inf)
        assert factors is not None
        assert sorted([*factors.rows, *factors.others]) == list(range(table.n))
        exact = system.solve(np.eye(table.n), weight=t, rtol=1e-12).values
        error = relative_error(product(factors, table.n), exact, t)
        assert (error <= factors.bound + 1e-12).all()
        assert factors.bound < 1e-9
        if factors.rows.size:
            assert system.factor_inverses(t, factors.bound / 2) is None


def test_rows_in_other_units_exchange_no_rows() -> None:
    table = world()
    d = 10.0 ** np.random.default_rng(5).uniform(-3.0, 3.0, table.n)
    A = table.A.toarray() / d[:, None] * d
    changed = table_of(A, regions=table.rows.get_level_values(0))
    assert A.sum(axis=0).max() > 10.0
    factors = cf.system(changed).factor_inverses(d, 1e-10)
    assert factors is not None
    assert factors.scale is not None
    L = np.linalg.inv(np.eye(table.n) - table.A.toarray()) / d[:, None] * d
    np.testing.assert_allclose(product(factors, table.n), L, rtol=1e-9)


def test_rows_that_neither_buy_nor_sell_are_left_out() -> None:
    A = np.zeros((5, 5))
    A[[0, 3], [3, 4]] = 0.5
    factors = cf.system(table_of(A, regions=list("aabbb"))).factor_inverses(np.ones(5), 1e-10)
    assert factors is not None
    assert factors.rows.tolist() == [0, 3, 4]
    assert factors.others.tolist() == [1, 2]
    empty = cf.system(table_of(A * 0.0, regions=list("aabbb"))).factor_inverses(np.ones(5), 1e-10)
    assert empty is not None
    assert empty.rows.size == 0


def test_by_products_for_which_rows_are_exchanged_have_no_inverses() -> None:
    A = np.array([[0.8, -0.2, 0.1], [0.6, 0.4, 0.0], [-1.0, 0.2, 0.1]])
    exchanged = cf.system(table_of(A, regions=list("abb")))
    assert exchanged.factor_inverses(np.ones(3), 1e-10) is None
    A = np.array([[0.0, 0.1, -3.0], [0.1, 0.0, 0.1], [0.2, 0.1, 0.0]])
    factors = cf.system(table_of(A, regions=list("abb"))).factor_inverses(np.ones(3), 1e-10)
    assert factors is not None
    np.testing.assert_allclose(product(factors, 3), np.linalg.inv(np.eye(3) - A), rtol=1e-12)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("n", [1, 63, 64, 65, 130, 300])
def test_dense_cells_become_tiles_and_dense_again(n: int, order: Any) -> None:
    rng = np.random.default_rng(n)
    A = np.asarray(np.where(rng.random((n, n)) < 0.3, rng.normal(size=(n, n)), -0.0), order=order)
    A *= 0.1 / n
    tiles = cf.system(table_of(A, regions=[f"r{i // 40}" for i in range(n)])).tiles
    np.testing.assert_array_equal(tiles.to_csr().toarray(), A)
    dense = np.full((n, n), np.nan, order="F")
    for absolute in (False, True):
        tiles.core.to_dense(absolute, dense, 2)
        np.testing.assert_array_equal(dense, -np.abs(A) if absolute else -A)
