"""L as an operator of SciPy: the products of the dense inverse, and SciPy's own algebra."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.linalg import LinearOperator, aslinearoperator, gmres
from support.worlds.strategies import tables
from support.worlds.three_regions import three_regions

import carbonflows_fast as cf
from carbonflows_fast.errors import InputError


@given(tables(), st.integers(0, 3))
def test_products_are_those_of_the_dense_inverse(table: cf.Table, columns: int) -> None:
    n = table.n
    L = np.linalg.inv(np.eye(n) - table.A.toarray())
    made = cf.system(table).L
    assert isinstance(made, LinearOperator)
    assert (made.shape, made.dtype) == ((n, n), np.float64)
    y = table.Y.to_numpy().sum(axis=1)
    sides = np.random.default_rng(n).random((n, columns)) if columns else y
    scale = 1e-8 * np.abs(L).sum() * max(1.0, float(np.abs(sides).max(initial=0.0)))
    np.testing.assert_allclose(made @ sides, L @ sides, rtol=1e-7, atol=scale)
    np.testing.assert_allclose(made.T @ sides, L.T @ sides, rtol=1e-7, atol=scale)
    np.testing.assert_allclose(sides.T @ made, sides.T @ L, rtol=1e-7, atol=scale)
    assert made.report.error_bound <= 1e-10


def test_a_product_has_the_bits_of_the_solve() -> None:
    table = three_regions()
    system, y = cf.system(table), table.Y.to_numpy()
    made = system.L.to(1e-12)
    np.testing.assert_array_equal(made @ y, system.solve(y, rtol=1e-12).values)
    s = table.S.to_numpy()
    np.testing.assert_array_equal(s @ made, system.solve_adjoint(s, rtol=1e-12).values)


def test_scipy_composes_it() -> None:
    """s L y as an operator, and L as a preconditioner: one step of GMRES."""
    table = three_regions()
    L = cf.system(table).L
    footprint = aslinearoperator(table.S.to_numpy()) @ L
    y = table.Y.to_numpy().sum(axis=1)
    np.testing.assert_allclose(footprint @ y, table.F.to_numpy().sum(axis=1), rtol=1e-9)
    steps: list[float] = []
    rest = np.eye(table.n) - table.A.toarray()
    x, failed = gmres(rest, y, M=L, rtol=1e-9, callback=steps.append, callback_type="pr_norm")
    assert (failed, len(steps)) == (0, 1)
    np.testing.assert_allclose(x, table.x, rtol=1e-8)


def test_bad_arguments() -> None:
    system = cf.system(three_regions())
    with pytest.raises(InputError, match="rtol: expected"):
        system.L.to(2.0)
    with pytest.raises(ValueError, match="dimension mismatch"):
        system.L @ np.ones(system.n + 1)
