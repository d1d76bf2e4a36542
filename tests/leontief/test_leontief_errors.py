"""The solver: what it refuses, and how it says so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.running.solving import METHODS, table_of, world

import carbonflows_fast as cf


def test_unproductive_tables_name_their_sectors() -> None:
    A = np.full((4, 4), 0.1)
    A[:, 2] = 0.4  # sector s2 needs 1.6 to make 1
    A[2, :] = 0.6
    with pytest.raises(cf.NotProductiveError, match=r"M-matrix.*here: s2"):
        cf.system(table_of(A)).solve(np.ones(4))
    with pytest.raises(cf.NotProductiveError, match=r"M-matrix"):
        cf.system(table_of(A, regions=list("abcd"))).solve_adjoint(np.ones(4))
    singular = np.diag([0.5, 1.0, 0.5])
    with pytest.raises(cf.NotProductiveError, match=r"singular block.*here: s1"):
        cf.system(table_of(singular))


def test_negative_output_that_breaks_the_proof() -> None:
    """x < 0 turns a whole column of A negative; |A| then decides."""
    Z = np.array([[1.0, 6.0], [6.0, 1.0]])
    table = cf.Table(
        Z=Z, x=[10.0, -5.0], Y=[[3.0], [-12.0]], F=[[1.0, 1.0]], regions=["a", "b"],
        sectors=["s", "s"], demand=[("a", "all")], stressors="CO2",
    )  # fmt: skip
    A = np.abs(Z / table.x.to_numpy())
    if np.abs(np.linalg.eigvals(A)).max() < 1:
        cf.system(table).solve([1.0, 1.0])
    Z[0, 1] = 60.0
    worse = cf.Table(
        Z=Z, x=[10.0, -5.0], Y=[[3.0], [-12.0]], F=[[1.0, 1.0]], regions=["a", "b"],
        sectors=["s", "s"], demand=[("a", "all")], stressors="CO2",
    )  # fmt: skip
    with pytest.raises(cf.NotProductiveError, match=r"I − \|A\|.*negative outputs"):
        cf.system(worse).solve([1.0, 1.0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"Y": np.ones(3)}, r"Y: expected shape \(280,\) or \(280, k\), got shape \(3,\)"),
        ({"Y": np.full(280, np.nan)}, r"Y: expected finite numbers, got nan at \(0,\)"),
        ({"Y": ["a"] * 280}, r"Y: expected numbers"),
        ({"rtol": 0.0}, r"rtol: expected a number above 0 and below 1, got 0.0"),
        ({"rtol": "tight"}, r"rtol: .*got 'tight'"),
        ({"weight": np.ones(3)}, r"weight: expected 280 numbers.*got shape \(3,\)"),
        ({"weight": -np.ones(280)}, r"weight: .*got values from -1.0"),
        ({"weight": np.zeros(280)}, r"weight: .*not all zero"),
        ({"method": "magic"}, r"method: expected 'auto', .* or 'direct', got 'magic'"),
        ({"threads": 0}, r"threads: expected a whole number from 1 to 4096, got 0"),
        ({"threads": 1.5}, r"threads: .*got 1.5"),
        ({"x0": np.ones(3)}, r"x0: expected shape \(280,\).*got shape \(3,\)"),
        ({"memory_limit": -1}, r"memory_limit: expected a positive number of bytes, got -1"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    system = cf.system(world())
    sides = {"Y": np.ones(system.n)}
    with pytest.raises(cf.InputError, match=message) as caught:
        system.solve(**(sides | arguments))
    assert "; " in str(caught.value)  # a remedy follows


def test_direct_within_its_memory() -> None:
    system = cf.system(world())
    with pytest.raises(cf.MemoryLimitError, match=r"dense LU.*use method='gmres'"):
        system.solve(np.ones(system.n), method="direct", memory_limit=1000)
    with pytest.raises(cf.InputError, match="dtype"):
        cf.system(world(), dtype="float16")


def test_unreachable_tolerance_says_what_rounding_allows() -> None:
    system = cf.system(world())
    for method in METHODS:
        with pytest.raises(cf.ConvergenceError, match=r"rtol: .*rounding alone is"):
            system.solve(np.ones(system.n), rtol=1e-15, method=method)


@pytest.mark.parametrize("scale", [1e-320, 1e-200, 1e160, 1e308])
@pytest.mark.parametrize("method", ["gmres", "gauss-seidel", "direct"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_scale_of_the_weight_does_not_matter(scale, method, dtype):
    table = cf.synthetic.world(3, 10)
    b = np.ones(table.n)
    exact = np.linalg.solve(np.eye(table.n) - table.A.toarray(), b)
    found = cf.system(table, dtype=dtype).solve(b, weight=np.full(table.n, scale), method=method)
    error = np.abs(found.values - exact).sum() / exact.sum()
    assert error <= found.report.error_bound + 1e-14
    assert 0.0 < found.report.error_bound <= 1e-10


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("adjoint", [False, True])
def test_the_scale_of_right_hand_sides_does_not_matter(method, dtype, adjoint):
    table = cf.synthetic.world(3, 10)
    system = cf.system(table, dtype=dtype)
    one = np.random.default_rng(0).random((table.n, 1))
    sides = one * 10.0 ** np.array([0, 279, 170, -170, -279, 0]) * [1, 1, -1, 1, 1, 0]
    I_less_A = np.eye(table.n) - table.A.toarray()
    exact = np.linalg.solve(I_less_A.T if adjoint else I_less_A, one)
    solve = system.solve_adjoint if adjoint else system.solve
    found = solve(sides.T if adjoint else sides, method=method)
    X = found.values.T if adjoint else found.values
    for x, size, bound in zip(X.T, [1, 1e279, -1e170, 1e-170, 1e-279], found.report.error_bounds):
        assert np.abs(x / size - exact[:, 0]).sum() / exact.sum() <= bound + 1e-13
        assert 0.0 < bound <= 1e-10
    assert not X[:, 5].any()


@pytest.mark.parametrize(
    "value",
    [
        np.ones(6) + 1j,
        np.ma.masked_array(np.ones(6), [1, 0, 0, 0, 0, 0]),
        np.array(["2020"] * 6, "M8[Y]"),
        np.array(["1"] * 6),
        None,
    ],
    ids=["complex", "masked", "dates", "text", "none"],
)
def test_what_is_not_a_real_number_is_refused(value):
    with pytest.raises(cf.InputError, match=r"^Y: expected numbers"):
        cf.system(cf.synthetic.world(2, 3)).solve(value)


@pytest.mark.parametrize("size", [1e308, 5e-324])
def test_right_hand_sides_beyond_the_proof_are_named(size):
    with pytest.raises(cf.InputError, match=r"^Y: expected largest numbers .* another unit"):
        cf.system(cf.synthetic.world(2, 3)).solve(np.full(6, size))


def test_a_stressor_that_is_no_name_is_refused():
    with pytest.raises(cf.InputError, match=r"^stressors: "):
        cf.multipliers(cf.synthetic.world(2, 3), 3)


@pytest.mark.parametrize("seed", [1, 26, 35])
@pytest.mark.parametrize("radius", [0.9, 0.95])
def test_a_proof_that_is_only_just_one_is_made_better(seed, radius):
    """Columns of A above 1: the first w with w'(I − |A|) > 0 made bounds 40 to 30,000 too large."""
    n, rng = 200, np.random.default_rng(seed)
    A = rng.random((n, n)) ** 3
    A[rng.random((n, n)) < 0.9] = 0.0
    A *= radius / np.abs(np.linalg.eigvals(A)).max()
    y, s = rng.random(n), rng.random((3, n))
    L = np.linalg.inv(np.eye(n) - A)
    table = table_of(A, regions=[f"R{i // 20}" for i in range(n)], Y=y[:, None])
    for found, true in (
        (cf.system(table).solve(y, rtol=1e-11), L @ y),
        (cf.system(table).solve_adjoint(s, rtol=1e-11), s @ L),
    ):
        assert found.report.error_bound <= 1e-11
        np.testing.assert_allclose(found.values, true, rtol=1e-10)


def test_a_row_that_sells_nothing_has_no_output():
    A = [[0, 0, 0], [1.215, 0.5048, 0.3895], [0.2882, 0.9131, 0]]
    table = cf.Table(
        A=A, Y=[[0.0], [-0.01805657768106339], [0.9644201802832221]], S=[[0.5, 0.1, 0.04]],
        regions="R0", sectors=["a", "b", "c"], stressors="CO2",
    )  # fmt: skip
    assert table.x.iloc[0] == 0.0
    assert (
        abs(cf.structural_paths(table, top=3).total - cf.accounts(table).consumption.sum()) < 1e-9
    )
