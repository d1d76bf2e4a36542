"""GMRES with one Krylov space for several right-hand sides, and in float32 first."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.running.solving import (
    as_large,
    iterated,
    relative_error,
    solve_exactly,
    table_of,
    world,
)
from support.worlds import strategies

import carbonflows_fast as cf
from carbonflows_fast.leontief import _dense_lu
from carbonflows_fast.leontief._sweeps import Sweeps

WAYS = [(True, False), (True, True), (False, True)]


@pytest.fixture(params=WAYS, ids=["shared", "shared in float32", "in float32"])
def rounded(request: pytest.FixtureRequest) -> Iterator[bool]:
    shared, first_in_float32 = request.param
    with as_large(shared=shared, rounded=first_in_float32):
        yield first_in_float32


def one_block_a_row(A: Any) -> cf.LeontiefSystem:
    return cf.system(table_of(A, regions=[f"r{i}" for i in range(len(A))]))


@given(
    A=strategies.productive(max_size=12),
    k=st.integers(1, 70),
    seed=st.integers(0, 2**32 - 1),
    way=st.sampled_from(WAYS),
    weighted=st.booleans(),
)
def test_bounds_hold_for_any_number_of_sides(
    A: Any, k: int, seed: int, way: tuple[bool, bool], weighted: bool
) -> None:
    """More sides than rows, too, so that most depend on the others."""
    n = len(A)
    rng = np.random.default_rng(seed)
    L = np.linalg.inv(np.eye(n) - A)
    Y = rng.normal(size=(n, k)) * (rng.random((n, k)) < 0.7)
    t = rng.random(n) + 1e-3 if weighted else None
    with as_large(shared=way[0], rounded=way[1]), iterated():
        system = one_block_a_row(A)
        forward, back = system.solve(Y, weight=t), system.solve_adjoint(Y.T, weight=t)
        for found, X, true in ((forward, forward.values, L @ Y), (back, back.values.T, L.T @ Y)):
            asked = Y.any(axis=0)
            errors = relative_error(X[:, asked], true[:, asked], t)
            assert (errors <= found.report.error_bounds[asked] + 1e-13).all()
            assert not X[:, ~asked].any()
            assert found.report.error_bound <= 1e-10


@given(A=strategies.productive(max_size=4), seed=st.integers(0, 2**32 - 1))
def test_bounds_hold_in_exact_arithmetic(A: Any, seed: int) -> None:
    n = len(A)
    Y = np.random.default_rng(seed).normal(size=(n, 3))
    with as_large(shared=True, rounded=False), iterated():
        found = one_block_a_row(A).solve(Y)
    for x, y, bound in zip(found.values.T, Y.T, found.report.error_bounds, strict=True):
        true = solve_exactly(A, y)
        error = sum(abs(Fraction(a) - b) for a, b in zip(x.tolist(), true, strict=True))
        assert error <= Fraction(float(bound)) * sum(abs(Fraction(a)) for a in x.tolist())


@pytest.mark.parametrize("adjoint", [False, True])
def test_the_bits_do_not_depend_on_threads(rounded: bool, adjoint: bool) -> None:
    table = world()
    sides = np.random.default_rng(0).random((70, table.n))
    one: Any = None
    for threads in (1, 2, 3, 5):
        system = cf.system(table)
        found = (
            system.solve_adjoint(sides, method="gmres", threads=threads)
            if adjoint
            else system.solve(sides.T, method="gmres", threads=threads)
        )
        one = one or found
        assert found.values.tobytes() == one.values.tobytes()
        assert found.report.error_bounds.tobytes() == one.report.error_bounds.tobytes()


def test_dependent_zero_and_tiny_sides(rounded: bool) -> None:
    """The same side twice, sums of others, zeros, and sides that differ by 200 digits."""
    table = world()
    rng = np.random.default_rng(1)
    some = rng.random((table.n, 5))
    Y = np.column_stack(
        [
            some,
            some[:, 0],
            some @ np.arange(5.0),
            np.zeros(table.n),
            1e-100 * some,
            1e90 * some[:, 1],
        ]
    )
    found = cf.system(table).solve(Y, method="gmres")
    expected = cf.system(table).solve(Y, method="direct").values
    assert found.report.error_bound <= 1e-10
    sizes = np.abs(expected).sum(axis=0)
    errors = np.abs(found.values - expected).sum(axis=0)
    assert (errors <= 2e-10 * sizes).all()
    assert not found.values[:, 7].any()


@pytest.mark.parametrize(("k", "rank"), [(49, 48), (64, 10), (64, 3), (16, 3)])
def test_sides_of_low_rank_take_no_more_passes(k: int, rank: int) -> None:
    """Vectors that are nearly noise must not spoil the basis."""
    rng = np.random.default_rng(5)
    table = cf.synthetic.world(10, 40)
    Y = rng.random((table.n, rank)) @ rng.random((rank, k))
    for rounded in (False, True):
        passes = {}
        for shared in (False, True):
            with as_large(shared=shared, rounded=rounded):
                passes[shared] = cf.system(table).solve(Y, method="gmres").report.passes
        assert passes[True] <= passes[False]


@pytest.mark.parametrize("k", [16, 64, 130])
def test_float32_copes_with_sides_that_depend_on_others(k: int) -> None:
    """More sides than rows, and sides that differ in the sixth digit."""
    rng = np.random.default_rng(4)
    A = rng.random((40, 40)) * (0.9 / 40)
    one = rng.random(40)
    for Y in (rng.random((40, k)), one[:, None] * (1.0 + 1e-6 * rng.random((40, k)))):
        with as_large(shared=True, rounded=True), iterated():
            report = one_block_a_row(A).solve(Y).report
        assert report.why.endswith("in float32, refined in float64")
        assert report.passes <= 12


def test_one_block_is_solved_at_once(rounded: bool) -> None:
    """The preconditioner is the inverse there, and the first block spans all there is."""
    A = np.triu(np.full((30, 30), 0.05), 1)
    table = table_of(A)
    found = cf.system(table).solve(np.random.default_rng(2).random((30, 40)), method="gmres")
    assert found.report.passes <= (4 if rounded else 2)


@pytest.mark.parametrize("radius", [0.99, 0.999])
def test_hard_tables_are_certified(rounded: bool, radius: float) -> None:
    """Slow convergence goes through restarts; what float32 cannot do is done in float64."""
    rng = np.random.default_rng(7)
    n = 60
    A = rng.random((n, n)) * (rng.random((n, n)) < 0.3)
    A *= radius / np.abs(np.linalg.eigvals(A)).max()
    Y = rng.random((n, 20))
    with iterated():
        system = one_block_a_row(A)
        found = system.solve(Y)
    L = np.linalg.inv(np.eye(n) - A)
    slack = 1e-14 / (1.0 - radius)  # the inverse has an error of its own
    assert (relative_error(found.values, L @ Y) <= found.report.error_bounds + slack).all()
    assert ("float32" in found.report.why) == rounded


def test_float32_that_does_not_converge_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Sweeps.run

    def broken(self: Sweeps, Y: Any, X: Any, *arguments: Any, **options: Any) -> int:
        passes = run(self, Y, X, *arguments, **options)
        if self.factors(False, 1)[0].dtype == np.float32:
            X *= np.nan
        return passes

    monkeypatch.setattr(Sweeps, "run", broken)
    table = world()
    Y = np.random.default_rng(3).random((table.n, 20))
    with as_large(shared=True, rounded=True):
        report = cf.system(table).solve(Y, method="gmres").report
    asked, sharing, how = report.why.split("; ")
    assert asked == "asked for"
    assert sharing == "up to 20 right-hand sides share a Krylov space"
    assert how == "in float64, since float32 did not converge"
    assert report.error_bound <= 1e-10


def test_sides_share_where_rows_are_long() -> None:
    assert _dense_lu.shared_columns(9800, 30_000_000) == 64
    assert _dense_lu.shared_columns(10_045, 19_255_000) == 1
    assert _dense_lu.rounding_pays(30_000_000, 49)
    assert not _dense_lu.rounding_pays(30_000_000, 1)
    assert not _dense_lu.rounding_pays(50_000, 49)


def test_sharing_saves_passes() -> None:
    table = cf.synthetic.world(30, 20)
    Y = np.asarray(table.Y.T.groupby(level=0, sort=False).sum().T)
    passes = {}
    for shared in (False, True):
        with as_large(shared=shared, rounded=False):
            passes[shared] = cf.system(table).solve(Y, method="gmres").report.passes
    assert passes[True] <= passes[False] - 2
