"""Dense factors: in float32 with refinement, in groups, and the bound known before a solve."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from support.running.solving import METHODS, relative_error, table_of, world
from support.worlds import strategies

import carbonflows_fast as cf
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


@given(strategies.tables())
def test_factors_are_accurate_as_they_say(table: cf.Table) -> None:
    system = cf.system(table)
    t = np.linspace(1.0, 2.0, table.n)
    factors = system.sure_factors(t, np.inf)
    assert factors is not None
    order = np.arange(table.n) if system.tiles.order is None else system.tiles.order
    certificate = system.certificate(t, adjoint=False, threads=1)
    bound = factors.error(certificate)
    found = factors.unit_solutions(np.arange(table.n))
    exact = cf.system(table).solve(np.eye(table.n), weight=t, rtol=1e-12).values
    exact = exact[np.ix_(order, order)]
    assert (relative_error(found, exact, t[order]) <= bound + 1e-12).all()
    assert bound < 1e-9
    assert system.sure_factors(t, bound / 2) is None


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
