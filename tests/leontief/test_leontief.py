"""The solver: against the dense inverse, its proofs, its determinism, its refusals."""

from __future__ import annotations

import signal
import threading
import time
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from support.running.solving import METHODS, relative_error, solve_exactly, table_of, world
from support.worlds import strategies

import carbonflows_fast as cf
from carbonflows_fast.leontief._sweeps import Stopping
from carbonflows_fast.leontief._tiles import RegionTiles, cut_blocks


@given(
    A=strategies.productive(max_size=12),
    k=st.integers(1, 19),
    seed=st.integers(0, 2**32 - 1),
    method=st.sampled_from(METHODS),
)
def test_solutions_agree_with_the_inverse_and_bounds_hold(
    A: Any, k: int, seed: int, method: Any
) -> None:
    n = len(A)
    rng = np.random.default_rng(seed)
    L = np.linalg.inv(np.eye(n) - A)
    # One region a row, so that there are many blocks to sweep over.
    system = cf.system(table_of(A, regions=[f"r{i}" for i in range(n)]))
    Y = rng.normal(size=(n, k))
    t = rng.random(n)
    for weight in (None, t):
        solution = system.solve(Y, weight=weight, method=method)
        # The inverse has an error of its own, hence the 1e-13.
        assert (
            relative_error(solution.values, L @ Y, weight) <= solution.report.error_bounds + 1e-13
        ).all()
        assert solution.report.error_bound <= 1e-10
        adjoint = system.solve_adjoint(Y.T, weight=weight, method=method)
        assert (
            relative_error(adjoint.values.T, L.T @ Y, weight) <= adjoint.report.error_bounds + 1e-13
        ).all()


@given(A=strategies.productive(max_size=5), seed=st.integers(0, 2**32 - 1))
def test_bounds_hold_in_exact_arithmetic(A: Any, seed: int) -> None:
    """No tolerance: the true solution is computed in rationals."""
    n = len(A)
    y = np.random.default_rng(seed).normal(size=n)
    solution = cf.system(table_of(A, regions=[f"r{i}" for i in range(n)])).solve(y)
    values = [Fraction(float(v)) for v in solution.values]
    error = sum(abs(v - true) for v, true in zip(values, solve_exactly(A, y), strict=True))
    size = sum(map(abs, values))
    bound = Fraction(float(solution.report.error_bounds[0]))
    assert error <= bound * size
    assert bound * size <= 100 * error + Fraction(1e-12) * size


def test_shapes_come_back() -> None:
    system = cf.system(world())
    n = system.n
    Y = np.random.default_rng(0).random((n, 3))
    assert system.solve(Y[:, 0]).values.shape == (n,)
    assert system.solve(Y).values.shape == (n, 3)
    assert system.solve(Y[:, :0]).values.shape == (n, 0)
    assert system.solve_adjoint(Y[:, 0]).values.shape == (n,)
    adjoint = system.solve_adjoint(Y.T)
    assert adjoint.values.shape == (3, n)
    assert adjoint.values.flags.c_contiguous
    assert adjoint.report.error_bounds.shape == (3,)
    frame = world().Y.iloc[:, :3]
    np.testing.assert_array_equal(
        system.solve(frame).values, system.solve(np.asfortranarray(frame.to_numpy())).values
    )


def test_same_bits_for_any_number_of_threads() -> None:
    system = cf.system(world())
    Y = np.random.default_rng(1).normal(size=(system.n, 21))
    for method, (call, sides) in product(
        METHODS[:2], ((system.solve, Y), (system.solve_adjoint, Y.T))
    ):
        one = call(sides, method=method, threads=1)
        for threads in (2, 3, 5):
            other = call(sides, method=method, threads=threads)
            assert other.values.tobytes() == one.values.tobytes()
            assert other.report.error_bounds.tobytes() == one.report.error_bounds.tobytes()
            assert other.report.threads == threads


def test_several_python_threads_may_solve_at_once() -> None:
    table = world()
    Y = np.random.default_rng(2).random((table.n, 9))
    expected = cf.system(world()).solve(Y, method="gmres").values
    results: list[Any] = []
    workers = [
        threading.Thread(
            target=lambda: results.append(
                cf.system(table).solve(Y, method="gmres", threads=2).values
            )
        )
        for _ in range(6)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(results) == 6
    assert all(r.tobytes() == expected.tobytes() for r in results)


def test_order_of_rows_does_not_matter_beyond_rounding() -> None:
    table = world()
    A = table.A
    n = table.n
    regions = np.array(table.rows.get_level_values("region"))
    y = np.random.default_rng(3).random(n)
    expected = cf.system(table).solve(y).values
    shuffled = np.random.default_rng(4).permutation(n)  # regions no longer stand together
    mixed = table_of(A[shuffled][:, shuffled], regions=list(regions[shuffled]))
    system = cf.system(mixed)
    assert system.tiles.order is not None
    np.testing.assert_allclose(system.solve(y[shuffled]).values, expected[shuffled], rtol=1e-9)
    expected = cf.system(table).solve_adjoint(y).values
    np.testing.assert_allclose(
        system.solve_adjoint(y[shuffled]).values, expected[shuffled], rtol=1e-9
    )
    difference = system.tiles.to_csr() - A[shuffled][:, shuffled]
    assert abs(difference).max() == 0.0


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "C", "F", "strided", "unsorted"])
def test_every_form_of_a_gives_the_same_tiles(form: str) -> None:
    A = world().A
    expected = cf.system(table_of(A)).tiles.core
    dense = A.toarray()
    if form == "strided":
        given_form: Any = np.repeat(np.repeat(dense, 2, axis=0), 2, axis=1)[::2, ::2]
    elif form == "unsorted":
        given_form = A.copy()
        for i in range(A.shape[0]):
            row = slice(A.indptr[i], A.indptr[i + 1])
            given_form.indices[row] = A.indices[row][::-1]
            given_form.data[row] = A.data[row][::-1]
        given_form.has_sorted_indices = False
        given_form.has_canonical_format = False
    else:
        given_form = dense.copy(order=form) if form in "CF" else A.asformat(form)
    got = cf.system(table_of(given_form)).tiles.core
    for name in ("starts", "entries", "masks", "values"):
        np.testing.assert_array_equal(getattr(got, name), getattr(expected, name), strict=True)


def test_64_bit_indices_are_accepted() -> None:
    A = world().A
    wide = sp.csr_array(
        (A.data, A.indices.astype(np.int64), A.indptr.astype(np.int64)), shape=A.shape
    )
    np.testing.assert_array_equal(
        cf.system(table_of(wide)).tiles.core.values, cf.system(table_of(A)).tiles.core.values
    )


@pytest.mark.parametrize("adjoint", [False, True])
def test_float32_tiles_are_refined_to_the_float64_table(adjoint: bool) -> None:
    table = world()
    double, single = cf.system(table), cf.system(table, dtype="float32")
    assert cf.system(table, dtype="float32") is single
    Y = np.random.default_rng(9).normal(size=(table.n, 5))
    Y[:, 0] = np.abs(Y[:, 0])
    Y[:, 1] = 0.0
    sides = Y.T if adjoint else Y
    solve = single.solve_adjoint if adjoint else single.solve
    exact = (double.solve_adjoint if adjoint else double.solve)(sides, method="direct").values
    got = solve(sides, method="gmres")
    error = got.values - exact
    axis = 1 if adjoint else 0
    assert (np.abs(error).sum(axis) <= 2e-10 * np.abs(exact).sum(axis)).all()
    assert got.report.error_bound <= 1e-10
    assert got.report.passes <= 16
    for threads in (1, 3):
        assert (
            solve(sides, method="gmres", threads=threads).values.tobytes() == got.values.tobytes()
        )
    warm = solve(sides, method="gmres", x0=got.values)
    assert warm.report.passes == 1
    with pytest.raises(cf.ConvergenceError, match="rounding alone"):
        solve(sides, method="gmres", rtol=1e-15)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("k", [17, 33, 49, 97])
def test_any_number_of_right_hand_sides_is_solved_in_groups(dtype: str, k: int) -> None:
    table = world()
    Y = np.random.default_rng(k).random((table.n, k))
    got = cf.system(table, dtype=dtype).solve(Y, method="gmres")
    exact = cf.system(table).solve(Y, method="direct").values
    assert (np.abs(got.values - exact).sum(axis=0) <= 2e-10 * exact.sum(axis=0)).all()


@pytest.mark.parametrize("power", [-900, -40, 40, 900])
def test_float32_vectors_survive_any_unit_of_the_right_hand_side(power: int) -> None:
    table = world()
    single = cf.system(table, dtype="float32")
    y = np.random.default_rng(3).random(table.n)
    plain = single.solve(y, method="gmres").values
    scaled = single.solve(np.ldexp(y, power), method="gmres").values
    np.testing.assert_array_equal(scaled, np.ldexp(plain, power))


def test_coefficients_beyond_float32_are_refused() -> None:
    table = world()
    A = table.A.copy()
    A.data[0] = 1e39
    with pytest.raises(cf.InputError, match="fit into float32"):
        cf.system(table_of(A), dtype="float32")


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_proof_is_one_pass_whatever_the_signs(
    sign: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = world()
    system = cf.system(table)
    y = sign * np.random.default_rng(5).random(table.n)
    system.solve(y)  # the guard is made and kept
    passes = []
    product = RegionTiles.product

    def counted(self: RegionTiles, *arguments: Any, **options: Any) -> Any:
        passes.append(options)
        return product(self, *arguments, **options)

    monkeypatch.setattr(RegionTiles, "product", counted)
    system.solve(y)
    assert len(passes) == 1
    assert not passes[0].get("absolute", False)


def test_blocks_follow_regions() -> None:
    def starts(*sizes: int) -> list[int]:
        order, cut = cut_blocks(np.repeat(np.arange(len(sizes), dtype=np.int32), sizes))
        assert order is None
        return list(cut)

    assert starts(200, 200) == [0, 200, 400]
    assert starts(35, 35, 35, 35) == [0, 105, 140]  # small neighbours share a block
    assert starts(411) == [0, 205, 411]  # one large region is cut evenly
    assert starts(1) == [0, 1]
    assert max(np.diff(starts(40_000))) <= 256
    assert starts(300, 5, 200) == [0, 150, 305, 505] or starts(300, 5, 200)[-1] == 505


def test_zero_right_hand_sides_are_exact() -> None:
    system = cf.system(world())
    Y = np.zeros((system.n, 3))
    Y[5, 1] = 1.0
    for method in METHODS:
        solution = system.solve(Y, method=method)
        assert not solution.values[:, [0, 2]].any()
        assert solution.report.error_bounds[0] == solution.report.error_bounds[2] == 0.0
        assert 0.0 < solution.report.error_bounds[1] <= 1e-10


def test_start_values_help_and_change_nothing_else() -> None:
    system = cf.system(world())
    y = np.random.default_rng(6).random(system.n)
    for method in METHODS[:2]:
        cold = system.solve(y, method=method)
        warm = system.solve(y, method=method, x0=cold.values)
        assert warm.report.passes < cold.report.passes
        assert relative_error(warm.values, cold.values) <= 2e-10


@pytest.mark.parametrize(("method", "most"), [("gmres", 10), ("gauss-seidel", 14)])
def test_passes_are_few_and_counted(method: Any, most: int) -> None:
    table = world()
    report = cf.system(table).solve(table.Y.sum(axis=1), method=method).report
    assert 2 <= report.passes <= most
    assert report.matrix_bytes == cf.system(table).tiles.nbytes
    assert report.method == method
    assert report.why == "asked for"


def test_auto_says_why() -> None:
    system = cf.system(cf.synthetic.world(20, 60))
    one = system.solve(np.ones(system.n)).report
    assert one.method == "gmres"
    many = system.solve(np.eye(system.n)).report
    assert many.method == "direct"
    assert "right-hand sides" in many.why
    small = system.solve(np.eye(system.n), memory_limit=1000.0).report
    assert small.method == "gmres"
    assert "memory" in small.why


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("radius", [0.95, 1 - 1e-6])
def test_hard_cases_are_certified_or_refused(radius: float, weighted: bool) -> None:
    """Columns that sum to far more than 1, as with mixed units, and slow convergence."""
    rng = np.random.default_rng(7)
    n = 60
    A = rng.random((n, n)) * (rng.random((n, n)) < 0.3)
    A *= radius / np.abs(np.linalg.eigvals(A)).max()
    units = 10.0 ** rng.uniform(-4, 4, n)
    A = A * units[None, :] / units[:, None]  # D⁻¹ A D
    assert A.sum(axis=0).max() > 10
    system = cf.system(table_of(A, regions=[f"r{i}" for i in range(n)]))
    y = rng.random(n)
    weight = units if weighted else None
    try:
        solution = system.solve(y, weight=weight, rtol=1e-9)
    except cf.ConvergenceError as error:
        assert "rounding" in str(error)  # noqa: PT017
        assert radius > 0.99
    else:
        true = np.linalg.solve(np.eye(n) - A, y)
        assert relative_error(solution.values, true, weight) <= 1e-9 + 1e-12 / (1 - radius)


def test_threads_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3,2")
    assert cf.build_info()["threads"] == 3
    monkeypatch.setenv("CARBONFLOWS_NUM_THREADS", "2")
    assert cf.build_info()["threads"] == 2
    assert cf.system(world()).solve(np.ones(280)).report.threads == 2
    monkeypatch.setenv("CARBONFLOWS_NUM_THREADS", "many")
    with pytest.raises(cf.InputError, match=r"CARBONFLOWS_NUM_THREADS: .*got 'many'"):
        cf.build_info()


def test_instruction_sets_agree_within_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    table = world()
    y = table.Y.to_numpy()[:, :6]
    values = {}
    for isa in cf.build_info()["instruction_sets"]:
        monkeypatch.setenv("CARBONFLOWS_ISA", isa)
        assert cf.build_info()["instruction_set"] == isa
        values[isa] = cf.system(table).solve(y, method="gmres").values
    assert "baseline" in values
    for other in values.values():
        np.testing.assert_allclose(other, values["baseline"], rtol=1e-9, atol=1e-12)
    monkeypatch.setenv("CARBONFLOWS_ISA", "abacus")
    with pytest.raises(cf.InputError, match=r"CARBONFLOWS_ISA: .*got 'abacus'"):
        cf.build_info()


def test_ctrl_c_interrupts_a_long_solve() -> None:
    """An interrupt in the middle of thousands of slow sweeps comes through within moments."""
    n = 600
    A = np.random.default_rng(8).random((n, n))
    A *= (1 - 1e-4) / A.sum(axis=0)
    system = cf.system(table_of(A, regions=[f"r{i // 2:03}" for i in range(n)]))
    X = np.zeros((n, 16))

    def endless() -> None:
        forever = Stopping(most=10**9)
        system._solvers.sweeps.run(
            np.ones((n, 16)), X, forever, from_zero=True, adjoint=False, threads=2
        )

    main = threading.main_thread().ident
    assert main is not None
    timer = threading.Timer(0.3, lambda: signal.pthread_kill(main, signal.SIGINT))
    timer.start()
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        endless()
    assert time.monotonic() - begun < 60  # it would run for days
    assert system.solve(np.ones(n), rtol=1e-8).report.error_bound <= 1e-8


def test_forked_children_can_solve() -> None:
    import os

    table = world()
    expected = cf.system(table).solve(np.ones(table.n), threads=2).values
    child = os.fork()
    if child == 0:
        got = cf.system(table).solve(np.ones(table.n), threads=2).values
        os._exit(0 if got.tobytes() == expected.tobytes() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_output_of_a_changed_table_is_solved() -> None:
    table = world()
    doubled = table.with_changes(Y=2 * table.Y)
    np.testing.assert_allclose(doubled.x, 2 * table.x, rtol=1e-9, atol=1e-9)
    n = 200  # so close to unproductive that 1e-12 could not be proved
    close = table_of(np.full((n, n), 0.99 / n))
    np.testing.assert_allclose(close.with_changes(Y=close.Y * 2).x, 200 * np.ones(n), rtol=1e-9)
