"""`rtol=` of the questions: what is looser is certified as looser, takes fewer passes, and does not
answer what is asked more accurately."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.references.reference import Reference
from support.running.solving import iterated
from support.worlds.strategies import tables

import carbonflows_fast as cf
from carbonflows_fast.accounting._region_flows import region_flows
from carbonflows_fast.accounting._solves import source_multipliers
from carbonflows_fast.errors import ConvergenceError, InputError
from carbonflows_fast.paths._network import network_of
from carbonflows_fast.table._kept import Kept, Key

SECTOR = "Wheat"
QUESTIONS: dict[str, Callable[..., Any]] = {
    "accounts": cf.accounts,
    "flows": cf.flows,
    "footprints": lambda table, **options: cf.footprints(table, **options).D_cba,
    "multipliers": cf.multipliers,
    "structural_paths": cf.structural_paths,
    "sector_study": lambda table, **options: cf.sector_study(table, sectors=SECTOR, **options),
}


@pytest.fixture(autouse=True)
def _iterated() -> Iterator[None]:
    with iterated():
        yield


def world() -> cf.Table:
    return cf.synthetic.world(5, 12)


def bound_of(found: Any) -> float:
    """Return the bound of an answer."""
    bound = found.error_bound if hasattr(found, "error_bound") else found.attrs["error_bound"]
    return float(sum(bound.values()) if isinstance(bound, dict) else bound)


def numbers_of(found: Any) -> Any:
    """Return the numbers of an answer, to the bit."""
    if isinstance(found, cf.Flows):
        return [found.matrix.to_numpy(), found.by_product(), found.bilateral_trade()]
    if isinstance(found, cf.Paths):
        return [found.value, found.total, found.gross, found.remainder, found.pruned]
    if isinstance(found, cf.SectorStudy):
        return [found.flow.value, found.total, found.direct, found.products, found.tiers]
    return [found]


# --- what it means ------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(tables(), st.floats(-11.0, -0.4), st.floats(-11.0, -0.4))
def test_bounds_hold_at_any_tolerance(table: cf.Table, first: float, second: float) -> None:
    """Of two tolerances one after the other, so that what is kept answers only where it may."""
    reference, name = Reference(table), table.stressors[0]
    s, Y = table.S.to_numpy()[0], np.abs(table.Y.to_numpy()).sum(axis=1)
    E, m = reference.flows(s), reference.M(s)
    size = float(np.abs(s) @ np.abs(reference.L) @ Y) + 1e-300
    for rtol in (10.0**first, 10.0**second):
        slack = 1e-12 * size  # of the reference, which is computed in float64 itself
        flows = cf.flows(table, name, rtol=rtol)
        assert flows.report.error_bound <= rtol
        assert np.abs(flows.matrix.to_numpy() - E).sum() <= flows.error_bound + slack
        products = flows.by_product()
        wrong = np.abs(products.to_numpy() - np.asarray(reference.by_product(s))).sum()
        assert wrong <= products.attrs["error_bound"] + slack
        frame = cf.accounts(table, name, rtol=rtol)
        wrong = float(abs(frame.exports.to_numpy() - (E.sum(axis=1) - np.diag(E))).sum())
        assert wrong <= frame.attrs["error_bound"] + slack
        found = cf.multipliers(table, name, rtol=rtol)
        wrong = float(np.abs(found.to_numpy()[0] - m) @ Y)
        assert wrong <= found.attrs["error_bound"][name] + slack
        paths = cf.structural_paths(table, name, top=5, rtol=rtol)
        assert abs(paths.total - E.sum()) <= paths.error_bound + slack
        left = E.sum() - paths.value.sum()
        assert abs(paths.remainder - left) <= paths.error_bound + slack
        study = cf.sector_study(table, name, sectors=np.arange(table.n) % 2 == 0, rtol=rtol)
        assert abs(study.flow.value.sum() - study.total) <= study.error_bound + slack
        every = cf.sector_study(table, name, sectors=np.ones(table.n, bool), rtol=rtol)
        assert abs(every.total - E.sum()) <= every.error_bound + slack


@pytest.mark.parametrize("name", [name for name in QUESTIONS if name != "footprints"])
def test_a_looser_answer_has_a_larger_bound_which_holds(name: str) -> None:
    ask = QUESTIONS[name]
    exact, close, loose = ask(world()), ask(world(), rtol=1e-7), ask(world(), rtol=1e-2)
    assert bound_of(exact) < 0.1 * bound_of(close) < 1e-4 * bound_of(loose)
    if name != "structural_paths":  # whose values are products along each chain
        first, last = (np.asarray(numbers_of(found)[0], float) for found in (exact, loose))
        assert np.abs(first - last).max() > bound_of(exact)


def test_footprints_are_solved_to_the_tolerance() -> None:
    """They have no bound of their own; the weight of M bounds all of D_cba."""
    exact, table = cf.footprints(world(), rtol=1e-12), world()
    loose = cf.footprints(table, rtol=1e-3)
    size = float(exact.D_cba.abs().to_numpy().sum())
    for account in ("D_cba", "D_pba", "D_exp", "D_imp"):
        far = float(np.abs(getattr(loose, account) - getattr(exact, account)).to_numpy().sum())
        assert 1e-11 * size < far < 2e-3 * size, account


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_default_is_a_tolerance_like_any_other(name: str) -> None:
    """With the same bits, but for paths, whose default is as accurate as rounding allows."""
    default = {"footprints": 1e-11, "structural_paths": 1e-12}.get(name, 1e-10)
    for one, other in zip(
        numbers_of(QUESTIONS[name](world())), numbers_of(QUESTIONS[name](world(), rtol=default))
    ):
        assert np.array_equal(np.asarray(one), np.asarray(other), equal_nan=name == "accounts")


@pytest.mark.parametrize("name", QUESTIONS)
@pytest.mark.parametrize("rtol", [0.0, 1.0, -1e-6, float("nan"), "1e-6", True, [1e-6]])
def test_what_is_no_tolerance_is_refused(name: str, rtol: Any) -> None:
    with pytest.raises(InputError, match=r"^rtol: expected a number above 0 and below 1, got "):
        QUESTIONS[name](world(), rtol=rtol)


@pytest.mark.parametrize("name", QUESTIONS)
def test_what_rounding_forbids_is_refused(name: str) -> None:
    with pytest.raises(ConvergenceError, match=r"^rtol: .*rounding alone is .*give an rtol above"):
        QUESTIONS[name](world(), rtol=1e-17)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_numbers_of_numpy_are_tolerances(kind: Any) -> None:
    assert cf.flows(world(), rtol=kind(1e-3)).report.error_bound <= 1.1e-3


# --- passes -------------------------------------------------------------------------------------


def passes(table: cf.Table, **options: Any) -> int:
    return cf.flows(table, **options).report.passes


def test_a_looser_answer_takes_fewer_passes() -> None:
    counts = [passes(world(), rtol=rtol) for rtol in (1e-10, 1e-8, 1e-6, 1e-4, 1e-2)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] >= counts[2] + 2 >= counts[4] + 4


@pytest.mark.real_data
def test_passes_on_a_published_table(real_data: Path) -> None:
    """Certificate included, for all 41 regions."""

    def table() -> cf.Table:
        return cf.read(real_data / "wiod2013_2009.zip")

    loose, exact = cf.flows(table(), rtol=1e-6), cf.flows(table())
    assert loose.report.passes <= 6
    assert loose.report.passes <= exact.report.passes - 2
    assert loose.report.error_bound <= 1e-6
    far = float(np.abs(loose.matrix - exact.matrix).to_numpy().sum())
    assert far <= loose.error_bound + exact.error_bound
    assert loose.error_bound < 1e-6 * exact.total


# --- what is kept with the table ----------------------------------------------------------------


def test_kept_results_serve_what_is_asked_less_accurately() -> None:
    kept, key = Kept(), Key("a result")
    assert kept.get(key, lambda: "close", "q", 1e-8) == "close"
    assert kept.get(key, lambda: "loose", "q", 1e-4) == "close"
    assert kept.get(key, lambda: "closer", "q", 1e-9) == "closer"
    assert kept.get(key, lambda: "other", "p", 1e-4) == "other"
    assert kept.get(key, lambda: "other, closer", "p", 1e-5) == "other, closer"
    assert kept.get(key, lambda: "as close as can be", "p") == "as close as can be"
    assert kept.get(key, lambda: "loose", "p", 1e-4) == "loose"
    assert kept.peek(key) == "loose"
    assert kept.peek(Key("another")) is None


def test_a_looser_answer_is_never_that_of_a_closer_question() -> None:
    table, s = world(), world().S.to_numpy()[0]
    loose = region_flows(table, "CO2", rtol=1e-3)
    assert region_flows(table, "CO2", rtol=1e-2) is loose
    close = region_flows(table, "CO2")
    assert close is not loose
    assert close.report.error_bound <= 1e-10 < loose.report.error_bound
    assert region_flows(table, "CO2", rtol=1e-3) is close
    assert region_flows(table, "CO2", rtol=1e-11) is not close

    rough, bound = source_multipliers(table, s, 1e-3)
    better, smaller = source_multipliers(table, s)
    assert smaller < 1e-5 * bound
    assert source_multipliers(table, s, 1e-3)[0] is better
    assert not np.array_equal(rough, better)

    network = network_of(table, s, None, None, 1, rtol=1e-3)
    assert network_of(table, s, None, None, 1, rtol=1e-2) is network
    assert network_of(table, s, None, None, 1, rtol=1e-6) is not network
    assert network_of(table, s, None, None, 1).rtol is None
    assert network_of(table, s, None, None, 1).bound < 1e-5 * network.bound


def test_a_loose_question_leaves_no_trace_in_later_answers() -> None:
    """Not even as a start: the default has its bits whatever was asked before."""
    table = world()
    for ask in QUESTIONS.values():
        ask(table, rtol=1e-2)
    for name, ask in QUESTIONS.items():
        for one, other in zip(numbers_of(ask(table)), numbers_of(ask(world()))):
            assert np.array_equal(np.asarray(one), np.asarray(other), equal_nan=True), name


# --- results keep it ----------------------------------------------------------------------------


def test_what_flows_solve_later_is_as_accurate() -> None:
    loose, exact = cf.flows(world(), rtol=1e-2), cf.flows(world())
    for flows in (loose, pickle.loads(pickle.dumps(loose)), loose.aggregate(regions="EU27")):
        for frame in (flows.by_product(), flows.split()):
            assert frame.attrs["error_bound"] > 1e-6 * exact.total
    # Where the flows are kept from a closer question, what comes later is still as was asked.
    table = world()
    cf.flows(table)
    assert cf.flows(table, rtol=1e-2).by_product().attrs["error_bound"] > 1e-6 * exact.total


def test_footprints_keep_their_tolerance_when_pickled() -> None:
    loose = pickle.loads(pickle.dumps(cf.footprints(world(), rtol=1e-2)))
    assert not np.array_equal(loose.M, cf.footprints(world()).M)
    assert np.array_equal(loose.M, cf.footprints(world(), rtol=1e-2).M)


def test_paths_of_a_study_take_their_own() -> None:
    study = cf.sector_study(world(), sectors=SECTOR, rtol=1e-2)
    assert study.paths(top=3).error_bound < 1e-6 * study.error_bound
    assert study.paths(top=3, rtol=1e-2).error_bound > 1e-4 * study.error_bound
    assert study.tiers.attrs["error_bound"] > 1e-5 * study.error_bound


def test_paths_do_not_depend_on_it() -> None:
    exact, loose = cf.structural_paths(world(), top=50), cf.structural_paths(world(), rtol=0.1)
    assert np.array_equal(exact.value, loose.value[:50])
    assert np.array_equal(exact.rows, loose.rows[: exact.rows.size])
