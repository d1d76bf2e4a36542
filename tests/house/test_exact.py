"""Bounds against exact arithmetic: a sample of `nox -s exact`, and what it once found."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("flint")

import exact_run
from flint import arb, arb_mat
from support.exact.exact_case import QUESTIONS, Claim
from support.references.exact_reference import Exact, any_sum, exact, missed, summed, transposed

import carbonflows_fast as cf
from carbonflows_fast.errors import InputError, NotProductiveError
from carbonflows_fast.leontief._byproducts import certificate_by_columns
from carbonflows_fast.leontief._dense_lu import DenseFactors


def test_no_bound_is_below_the_true_error() -> None:
    found = exact_run.run_chunk(range(160))
    assert found.violations == []
    assert set(found.asked) >= set(QUESTIONS) - {"calc_all"}
    assert found.answered.total() > 0.8 * found.asked.total()
    assert found.claims > 700


@pytest.mark.parametrize("seed", [9005556, 20022448])
def test_what_overflows_on_the_way_is_refused_without_a_warning(seed: int) -> None:
    assert exact_run.run_case(seed).violations == []


def test_the_comparison_finds_what_is_wrong() -> None:
    """A claim is judged by balls: too small a bound, none at all, and one that is not a number."""
    third = arb(1) / 3
    assert exact_run.ratio_of(Claim("", third, 1 / 3)) <= 1.0
    assert exact_run.ratio_of(Claim("", third, np.nextafter(1 / 3, 0))) > 1.0
    assert exact_run.ratio_of(Claim("", third, 0.0)) == np.inf
    assert exact_run.ratio_of(Claim("", third, float("nan"))) == np.inf
    assert exact_run.ratio_of(Claim("", third, float("inf"))) == 0.0
    assert exact_run.ratio_of(Claim("", arb(0), 0.0)) == 0.0


def test_a_false_bound_is_a_violation(monkeypatch: pytest.MonkeyPatch) -> None:
    def lies(case: Any) -> Any:
        yield Claim("lie", arb(1), 0.5)

    monkeypatch.setitem(QUESTIONS, "solve", lies)
    found = exact_run.run_case(3, ["solve"])
    assert len(found.violations) == 1
    assert "seed 3 solve lie: error 1 is 2 of its bound" in found.violations[0]


# --- weights ------------------------------------------------------------------------------------


def table_of(A: Any, Y: Any = None, S: Any = None, **options: Any) -> cf.Table:
    n = len(A)
    return cf.Table(
        A=np.asarray(A), Y=np.ones((n, 1)) if Y is None else Y,
        S=np.ones((1, n)) if S is None else S, sectors=[f"s{i}" for i in range(n)],
        stressors=[f"e{i}" for i in range(1 if S is None else len(S))],
        **{"regions": "AA"} | options,
    )  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_weights_that_vanish_beside_others_are_refused(dtype: str) -> None:
    """They were raised in silence, and the bound was about other weights than the caller's."""
    system = cf.system(table_of([[0.1, 0.2], [0.3, 0.1]]), dtype=dtype)
    y = np.array([1.0, 1e-150])
    with pytest.raises(InputError, match=r"weight: expected numbers above 1e-100 .* at row 1; rai"):
        system.solve(y, weight=[1.0, 1e-120])
    assert system.solve(y, weight=[1.0, 1e-99]).report.error_bound <= 1e-10
    assert system.solve(y, weight=[1.0, 0.0]).report.error_bound <= 1e-10


def test_accounts_in_units_that_differ_by_ninety_digits_stay_certified() -> None:
    unit = np.array([1e-45, 1.0, 1e45])
    A = np.array([[0.1, 0.2, 0.1], [0.3, 0.1, 0.2], [0.1, 0.3, 0.2]]) * unit[:, None] / unit
    table = table_of(A, Y=unit[:, None], S=[1.0 / unit])
    frame = cf.accounts(table)
    true = exact(table.S.to_numpy()) * Exact(table).L * exact(table.Y.to_numpy())
    assert abs(arb(float(frame["consumption"].iloc[0])) - true.entries()[0]) <= arb(
        frame.attrs["error_bound"]
    )
    assert frame.attrs["error_bound"] < 1e-8


# --- parts of a demand that cancel --------------------------------------------------------------


def test_multipliers_bound_every_part_of_a_demand_that_cancels() -> None:
    """The weight was |Σ Y|, which says nothing of +y beside −y."""
    rng = np.random.default_rng(5)
    A = rng.random((12, 12)) / 13
    large = rng.random(12) * 1e9
    table = table_of(
        A, Y=np.column_stack([large, 1e-6 - large]), x=np.ones(12), S=rng.random((2, 12)),
        demand=[("AA", "sold"), ("AA", "returned")],
    )  # fmt: skip
    frame = cf.multipliers(table)
    M = Exact(table).multipliers(table.S.to_numpy())
    for k, name in enumerate(table.stressors):
        errors = missed(frame.loc[name], arb_mat([M.table()[k]]))
        wrong = summed(arb(float(v)) * abs(e) for v, e in zip(large, errors))
        assert wrong <= arb(frame.attrs["error_bound"][name])


def test_columns_of_demand_that_cancel_are_in_the_bound() -> None:
    """Adding them up rounds relative to their sizes, not to what is left."""
    Y = np.array([[1e20, 3.0, -1e20], [1.0, 2.0, 3.0]])
    demand = [("AA", name) for name in "abc"]
    table = table_of([[0.1, 0.2], [0.3, 0.1]], Y=Y, x=np.ones(2), demand=demand)
    frame = cf.accounts(table)
    y = exact(Y) * exact(np.ones(3))
    true = (exact(table.S.to_numpy()) * Exact(table).L * y).entries()[0]
    error = abs(arb(float(frame["consumption"].iloc[0])) - true)
    assert 1 < error <= arb(frame.attrs["error_bound"])


# --- by-products --------------------------------------------------------------------------------

STONE = np.array([[0.3, -0.7], [0.6, 0.5]])


def test_byproducts_are_answered_with_a_bound() -> None:
    table = table_of(STONE, Y=np.array([[60.0], [20.0]]), S=[[0.5, 0.2]])
    frame = cf.accounts(table)
    true = (exact(table.S.to_numpy()) * Exact(table).L * exact(table.Y.to_numpy())).entries()[0]
    assert abs(arb(float(frame["consumption"].iloc[0])) - true) <= arb(frame.attrs["error_bound"])
    assert frame.attrs["error_bound"] < 1e-9
    assert frame["consumption"].iloc[0] == pytest.approx(23.376623376623375)
    assert cf.check(table).ok
    study = cf.sector_study(table, sectors="s0")
    assert study.error_bound < 1e-8


def test_the_factors_of_the_proof_solve_for_byproducts() -> None:
    """400 rows and few nonzeros, where iterations would be taken otherwise."""
    n = 400
    A = np.diag(np.full(n, 0.2))
    A[:2, :2] = STONE
    report = cf.system(table_of(A)).solve(np.ones(n)).report
    assert (report.method, report.why.split(":")[0]) == ("direct", "by-products")
    A[0, 1] = 0.1
    assert cf.system(table_of(A)).solve(np.ones(n)).report.method == "gmres"


@pytest.mark.parametrize("method", ["gmres", "direct"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("seed", range(10))
def test_byproducts_of_many_rows(seed: int, dtype: str, method: Any) -> None:
    """Sizes of A with a spectral radius up to 3, by every method that gets there."""
    rng = np.random.default_rng(seed)
    n = 40
    A = rng.random((n, n)) * (rng.random((n, n)) < 0.3)
    A *= 0.8 / np.abs(np.linalg.eigvals(A)).max()
    A[rng.random((n, n)) < 0.05] -= rng.uniform(0.3, 0.8)
    assert np.abs(np.linalg.eigvals(np.abs(A))).max() > 1
    table = table_of(A, x=np.ones(n), regions=[f"r{i // 10}" for i in range(n)],
                     demand=[("r0", "all")])  # fmt: skip
    system, L = cf.system(table, dtype=dtype), Exact(table).L
    sides = rng.normal(size=(n, 3))
    for adjoint in (False, True):
        ask = system.solve_adjoint if adjoint else system.solve
        solution = ask(sides.T if adjoint else sides, method=method)
        found = solution.values.T if adjoint else solution.values
        true = (transposed(L) if adjoint else L) * exact(sides)
        for j, bound in enumerate(solution.report.error_bounds):
            errors = missed(found[:, j], arb_mat([[row[j]] for row in true.table()]))
            size = summed(abs(arb(float(v))) for v in found[:, j])
            assert summed(abs(e) for e in errors) <= arb(float(bound)) * size


@pytest.mark.parametrize("seed", range(5))
def test_the_proof_by_columns_bounds_the_inverse(seed: int) -> None:
    """scale h' ≥ t'|L|, entry by entry, in exact arithmetic, and not much more."""
    rng = np.random.default_rng(seed)
    n = 12
    table = table_of(rng.normal(size=(n, n)) * 0.3, x=np.ones(n))
    tiles, t = cf.system(table).tiles, rng.random(n) + 0.1
    for adjoint in (False, True):
        proof = certificate_by_columns(tiles, DenseFactors(tiles), t, adjoint=adjoint, threads=1)
        assert proof is not None
        L = Exact(table).L if not adjoint else transposed(Exact(table).L)
        for j in range(n):
            reached = summed(arb(float(t[i])) * abs(L[i, j]) for i in range(n))
            least = arb(float(proof.guard[j])) * arb(proof.scale)
            assert reached <= least <= reached * arb(1.0 + 1e-9)


def test_what_by_products_would_hide_is_refused_as_before() -> None:
    """A sector that needs more than it delivers, with a by-product elsewhere."""
    with pytest.raises(NotProductiveError, match=r"expected I − \|A\| to be an M-matrix"):
        cf.accounts(table_of([[1.2, 0.0], [-0.5, 0.1]], x=np.ones(2)))


def test_by_products_close_to_singular_are_refused_with_the_reason() -> None:
    A = np.array([[0.5, -1.0], [0.5, 0.1]])  # I − A = [[.5, 1], [−.5, .9]]
    assert cf.accounts(table_of(A)).attrs["error_bound"] < 1e-9
    near = np.array([[0.0, -1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 0.5]])
    near[0, 1] += 1e-17
    with pytest.raises(NotProductiveError):
        cf.accounts(table_of(near, x=np.ones(3)))


def test_path_searches_say_why_by_products_stop_them() -> None:
    table = table_of(STONE)
    for ask in (
        lambda: cf.structural_paths(table),
        lambda: cf.structural_path_decomposition(table, table),
    ):
        with pytest.raises(NotProductiveError, match=r"\(by-products\) that cancel chains"):
            ask()
    without = table.with_changes(A=np.maximum(STONE, 0.0))  # the remedy of the message
    assert len(cf.structural_paths(without, top=3)) == 3


def test_a_sum_of_flows_is_within_the_bound_of_its_parts() -> None:
    """`any_sum` is the worst sum of some errors, which is what bounds are about."""
    assert any_sum([arb(1), arb(-3), arb(1)]) == arb(3)


# A sector of b sells 3 of i beside each unit that i buys; the rest of b stands in the way of |A|.
PARTS = np.array([[0.1, 0.1, 0.1], [0.1, 0.0, -3.0], [0.1, 0.5, 0.0]])


def test_parts_of_a_table_with_byproducts_have_proofs_of_their_own() -> None:
    """One column of a part has negative inputs alone, which is no fault of the table there."""
    Y = np.array([[5.0, 1.0], [60.0, 2.0], [3.0, 3.0]])
    table = cf.Table(
        A=PARTS, Y=Y, S=[[1.0, 1.0, 1.0]], regions=["a", "b", "b"], sectors=["g", "h", "i"],
        demand=[("a", "f"), ("b", "f")], stressors=["CO2"],
    )  # fmt: skip
    L = np.linalg.inv(np.eye(3) - PARTS)
    study = cf.sector_study(table, sectors="g")
    off = np.linalg.inv(np.eye(2) - PARTS[1:, 1:])
    delivered = Y[0].sum() + PARTS[0, 1:] @ off @ Y[1:].sum(axis=1)
    assert study.total == pytest.approx(L.sum(axis=0)[0] * delivered, rel=1e-12)
    assert study.error_bound < 1e-9
    trade = cf.flows(table).bilateral_trade()
    x, M_b = L @ Y.sum(axis=1), np.ones(2) @ off
    assert trade.loc["b", "a"] == pytest.approx(M_b @ (PARTS[1:, 0] * x[0] + Y[1:, 0]), rel=1e-12)
    assert trade.loc["a", "b"] == pytest.approx(
        (PARTS[0, 1:] @ x[1:] + Y[0, 1]) / (1 - PARTS[0, 0]), rel=1e-12
    )
    with pytest.raises(NotProductiveError, match=r"ask cf.flows or cf.production_layers, which"):
        study.paths(top=2)


def test_a_part_without_an_inverse_is_refused_with_the_reason() -> None:
    A = np.array([[0.1, 0.1, 0.1], [0.1, 0.0, -3.0], [0.1, -1 / 3, 0.0]])
    table = cf.Table(
        A=A, Y=np.diag([50.0, 60.0, 3.0]), S=[[1.0, 1.0, 1.0]], regions=["a", "b", "c"],
        sectors=["g", "h", "i"], stressors=["CO2"],
    )  # fmt: skip
    cf.flows(table)
    with pytest.raises(NotProductiveError, match=r"by-products\) .* close to a singular matrix"):
        cf.sector_study(table, sectors="g")
