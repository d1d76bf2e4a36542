"""One solve, forward and adjoint, beside SciPy's GMRES and LAPACK's LU; answers must agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator, gmres

import carbonflows_fast as cf

ADJOINT = pytest.mark.parametrize("adjoint", [False, True], ids=["forward", "adjoint"])


def right_hand_side(world: cf.Table, demand: Any, adjoint: bool) -> Any:
    return world.S.to_numpy()[0] if adjoint else demand


def check(world: cf.Table, values: Any, adjoint: bool, tolerance: float) -> None:
    """Output is known; multipliers must account for all emissions."""
    if adjoint:
        total = float(world.F.to_numpy()[0].sum())
        assert abs(values @ world.Y.to_numpy().sum(axis=1) / total - 1) < tolerance
    else:
        x = world.x.to_numpy()
        assert np.abs(values - x).sum() < tolerance * x.sum()


@ADJOINT
def test_carbonflows(benchmark: Any, world: cf.Table, demand: Any, adjoint: bool) -> None:
    system = cf.system(world)
    solve = system.solve_adjoint if adjoint else system.solve
    side = right_hand_side(world, demand, adjoint)
    benchmark.group = f"solve {'adjoint' if adjoint else 'forward'}"
    solution = benchmark(solve, side)
    benchmark.extra_info["passes"] = solution.report.passes
    benchmark.extra_info["error_bound"] = solution.report.error_bound
    check(world, solution.values, adjoint, 1e-9)


@ADJOINT
def test_scipy_gmres(benchmark: Any, world: cf.Table, demand: Any, adjoint: bool) -> None:
    A = world.A
    matrix = sp.csr_array(A.T) if adjoint else A
    operator = LinearOperator(A.shape, matvec=lambda v: v - matrix @ v, dtype=float)
    side = right_hand_side(world, demand, adjoint)
    benchmark.group = f"solve {'adjoint' if adjoint else 'forward'}"
    values, status = benchmark(gmres, operator, side, rtol=1e-10, restart=50)
    assert status == 0
    check(world, values, adjoint, 1e-8)


@ADJOINT
def test_lapack_lu(benchmark: Any, world: cf.Table, demand: Any, dense: Any, adjoint: bool) -> None:
    side = right_hand_side(world, demand, adjoint)
    benchmark.group = f"solve {'adjoint' if adjoint else 'forward'}"

    def factor_and_solve() -> Any:
        factors = scipy.linalg.lu_factor(dense, check_finite=False)
        return scipy.linalg.lu_solve(factors, side, trans=int(adjoint), check_finite=False)

    values = benchmark.pedantic(factor_and_solve, rounds=1)
    check(world, values, adjoint, 1e-9)


def test_preparation(benchmark: Any, world: cf.Table) -> None:
    """From the CSR matrix to tiles and factored blocks."""
    n = world.n
    benchmark.group = "prepare"

    def prepare() -> cf.LeontiefSystem:
        fresh = cf.Table(
            A=world.A, x=world.x, Y=world.Y, S=world.S, regions=world.rows.get_level_values(0),
            sectors=world.rows.get_level_values(1), stressors=world.stressors,
        )  # fmt: skip
        return cf.system(fresh)

    assert benchmark(prepare).n == n


def test_all_regions(benchmark: Any, world: cf.Table) -> None:
    """The flows between all regions, from a prepared system."""
    benchmark.group = "all regions"
    Y = world.Y.to_numpy().reshape(world.n, len(world.regions), -1).sum(axis=2)
    solution = benchmark(cf.system(world).solve, Y)
    np.testing.assert_allclose(solution.values.sum(axis=1), world.x, rtol=1e-7, atol=1e-7)
