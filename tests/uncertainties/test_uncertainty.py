"""Standard deviations against the derivative of every answer to every cell, and against draws."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from support.references.uncertainty_reference import ACCOUNTS
from support.running.solving import iterated
from support.worlds.uncertain_tables import SOURCES, allowed, labels_of, questions

import carbonflows_fast as cf

Array = npt.NDArray[np.float64]


@given(questions(), st.booleans())
def test_every_number_is_that_of_the_derivatives(question: Any, by_region: bool) -> None:
    table, stressor, errors, slow = question
    with iterated() if by_region else nullcontext():  # a block for each region, or for several
        found = cf.uncertainty(table, stressor, errors, of=slow.of)
    near = {"rtol": 1e-6, "atol": allowed(slow, table)}
    sd = np.sqrt(np.diag(slow.covariance))
    np.testing.assert_allclose(found.sd.to_numpy().ravel(), sd, **near)
    np.testing.assert_allclose(found.value.to_numpy().ravel(), slow.answers(), **near)
    assert list(found.by_source.columns) == [*SOURCES, *(one.name for one in errors.shared)]
    for name, part in zip(found.by_source, slow.covariances, strict=True):
        got = np.sqrt(found.by_source[name].fillna(0.0).to_numpy()) * found.sd.to_numpy().ravel()
        np.testing.assert_allclose(got, np.sqrt(np.diag(part)), **near, err_msg=name)
    if slow.of == "accounts":
        assert list(found.sd.columns) == ACCOUNTS
        for account in ("production", "consumption", "net_imports"):
            at = slice(ACCOUNTS.index(account), None, len(ACCOUNTS))
            expected = slow.covariance[at, at]
            size = near["atol"] * (near["atol"] + np.sqrt(np.abs(expected).max()))
            got = found.covariance(account)
            np.testing.assert_allclose(got, expected, rtol=1e-6, atol=size)
            sds = np.sqrt(np.diag(got).clip(0))
            np.testing.assert_allclose(sds, found.sd[account], **near)


@given(questions(), st.data())
def test_sums_over_regions_have_the_covariances_of_their_parts(question: Any, data: Any) -> None:
    table, stressor, errors, slow = question
    slow.of = "accounts"
    found = cf.uncertainty(table, stressor, errors)
    regions = list(table.regions)
    chosen = data.draw(st.lists(st.sampled_from(regions), min_size=1, unique=True))

    def expected(signs: dict[str, float], within: list[str]) -> tuple[float, float]:
        sides = [[signs.get(name, 0.0) * (one in within) for name in ACCOUNTS] for one in regions]
        side = np.ravel(sides)
        return float(side @ slow.answers()), float(np.sqrt(max(side @ slow.covariance @ side, 0)))

    near = {"rtol": 1e-6, "atol": 10 * allowed(slow, table)}
    for account in ("production", "consumption", "net_imports"):
        for within in (chosen, regions):
            total = found.total(account, None if within is regions else within)
            got = total.value, total.sd
            np.testing.assert_allclose(got, expected({account: 1.0}, within), **near)
    made = found.industries()
    wanted = expected({"production": 1.0, "households": -1.0}, regions)
    np.testing.assert_allclose((made.value, made.sd), wanted, **near)


def test_flows_have_no_sums_of_accounts() -> None:
    found = cf.uncertainty(world(), "CO2", cf.Errors(F=0.3), of="flows")
    for ask in (found.industries, found.total, found.covariance, found.probability_larger):
        with pytest.raises(cf.errors.InputError, match="expected accounts, got flows"):
            ask()


def test_net_imports_that_cancel_are_exactly_nothing() -> None:
    errors = cf.Errors(Z=0.2, Y=0.2, F=0.3)
    alone = cf.uncertainty(cf.synthetic.world(1, 20), "CO2", errors)
    assert (alone.sd.net_imports == 0.0).all()
    assert alone.by_source.xs("net_imports", level="account").isna().all(axis=None)
    everyone = cf.uncertainty(world(), "CO2", errors).total("net_imports")
    assert (everyone.value, everyone.sd) == (0.0, 0.0)


def test_a_sum_has_an_interval_and_a_probability() -> None:
    table = world()
    found = cf.uncertainty(table, "CO2", cf.Errors(Z=0.2, Y=0.2, F=0.3))
    one, frame = table.regions[0], found.value.net_imports
    total = found.total("net_imports", one)
    assert (total.value, total.unit) == (frame[one], found.unit)
    assert total.sd == pytest.approx(found.sd.net_imports[one])
    assert total.probability() == pytest.approx(found.probability().net_imports[one])
    ends = [side.net_imports[one] for side in found.interval(0.8)]
    np.testing.assert_allclose(total.interval(0.8), ends)
    assert repr(total) == f"Total({total.value:,.0f} ± {total.sd:,.0f} {total.unit})"
    assert found.total("net_imports", [one, one]) == total  # a union, in which it counts once


@given(questions(balanced=True))
def test_shares_close_and_totals_of_production_stay(question: Any) -> None:
    table, stressor, errors, slow = question
    found = cf.uncertainty(table, stressor, errors, of=slow.of)
    total = found.by_source.sum(axis=1, skipna=False)
    certain = found.sd.to_numpy().ravel() == 0.0
    np.testing.assert_allclose(total[~certain], 1.0)
    assert total[certain].isna().all()
    moved = cf.uncertainty(table, stressor, cf.Errors(Z=errors.Z, Y=errors.Y)).sd
    assert (moved["production"] <= allowed(slow, table)).all()
    assert (moved["households"] == 0.0).all()


# --- draws --------------------------------------------------------------------------------------


def drawn(table: cf.Table, sd: float, shared: float, count: int) -> Array:
    """Production, consumption and net imports of a table with random cells, (draws, R, 3)."""
    rng = np.random.default_rng(7)
    n, R = table.n, len(table.regions)
    Z, Y, F = table.Z.toarray(), table.Y.to_numpy(), table.F.to_numpy()[0]
    Z = Z * (1 + sd * rng.standard_normal((count, *Z.shape)))
    Y = Y * (1 + sd * rng.standard_normal((count, *Y.shape)))
    F = F * (1 + sd * rng.standard_normal((count, *F.shape)))
    F[:, :3] += table.F.to_numpy()[0, :3] * shared * rng.standard_normal((count, 1))
    x = Z.sum(axis=2) + Y.sum(axis=2)
    L = np.linalg.inv(np.eye(n) - Z / x[:, None, :])
    consumer = np.array(table.demand.get_level_values("region"))
    by_consumer = np.stack([Y[:, :, consumer == q].sum(axis=2) for q in table.regions], axis=2)
    emitted = (F / x)[:, :, None] * (L @ by_consumer)
    E = emitted.reshape(count, R, n // R, R).sum(axis=2)
    made, used = E.sum(axis=2), E.sum(axis=1)
    return np.stack([made, used, used - made], axis=2)


def test_plain_draws_agree_within_their_sampling_error() -> None:
    table = cf.synthetic.world(3, 3)
    regions = table.regions
    errors = cf.Errors(
        Z=0.02, Y=0.02, F=0.02, shared=cf.SharedError("one region", 0.03, F={regions[0]: 1.0})
    )
    found = cf.uncertainty(table, "CO2", errors)
    count = 2000
    table = table.with_changes(F_Y=np.zeros(table.F_Y.shape))  # nothing of it is uncertain
    draws = drawn(table, 0.02, 0.03, count)
    columns = ["production", "consumption", "net_imports"]
    ratio = draws.std(axis=0, ddof=1) / found.sd[columns].to_numpy()
    assert (np.abs(ratio - 1.0) < 4.0 / np.sqrt(2 * count)).all(), ratio
    mean = cf.accounts(table, "CO2")[columns].to_numpy()
    off = (draws.mean(axis=0) - mean) / (found.sd[columns].to_numpy() / np.sqrt(count))
    assert (np.abs(off) < 4.0).all(), off
    low, high = (end[columns].to_numpy() for end in found.interval(0.9))
    shift = found.value[columns].to_numpy() - mean  # direct emissions of households
    inside = ((draws + shift >= low) & (draws + shift <= high)).mean(axis=0)
    assert (np.abs(inside - 0.9) < 4 * np.sqrt(0.09 / count)).all(), inside
    correlation = np.corrcoef(draws[:, :, 1].T)
    covariance = found.covariance("consumption")
    expected = covariance / np.outer(found.sd.consumption, found.sd.consumption)
    assert np.abs(correlation - expected.to_numpy()).max() < 4 / np.sqrt(count)


# --- what is asked ------------------------------------------------------------------------------


def world() -> cf.Table:
    return cf.synthetic.world(4, 30)


@pytest.mark.parametrize("of", ["accounts", "flows"])
def test_same_bits_for_any_number_of_threads(of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    n = world().n
    shared = [cf.SharedError("a", 0.1, Z=1.0, F=1.0), cf.SharedError("b", 0.1, Z=np.ones((n, n)))]
    errors = cf.Errors(Z={"domestic": 0.1, "trade": 0.2}, Y=0.1, F=0.1, F_Y=0.1, shared=shared)
    for threads in ("1", "2"):
        monkeypatch.setenv("CARBONFLOWS_NUM_THREADS", threads)
        found.append(cf.uncertainty(world(), "CO2", errors, of=of))
    one, two = found
    pd.testing.assert_frame_equal(one.sd, two.sd, check_exact=True)
    pd.testing.assert_frame_equal(one.by_source, two.by_source, check_exact=True)
    if of == "accounts":
        got, same = one.covariance(), two.covariance()
        pd.testing.assert_frame_equal(got, same, check_exact=True)


@pytest.mark.parametrize("joined", [True, False])  # regions in a block, or in blocks of their own
@pytest.mark.parametrize("order", ["by region", "by sector"])
def test_blocks_are_arrays_of_two_numbers(joined: bool, order: str) -> None:
    table = cf.synthetic.world(4, 30)
    if order == "by sector":
        turned = np.arange(table.n).reshape(4, 30).T.ravel()
        rows = table.rows[turned]
        table = cf.Table(
            Z=table.Z.toarray()[np.ix_(turned, turned)], Y=table.Y.to_numpy()[turned],
            F=table.F.to_numpy()[:, turned], regions=rows.get_level_values(0),
            sectors=rows.get_level_values(1), demand=list(table.demand), stressors="CO2",
        )  # fmt: skip
    seller, buyer = labels_of(table, "Z")
    every = np.where(seller[:, None] == buyer, 0.05, 0.2)
    given = {"domestic": 0.05, "trade": 0.2}
    with nullcontext() if joined else iterated():
        for source in ("own", "shared"):
            errors = [
                cf.Errors(Z=one) if source == "own"
                else cf.Errors(shared=cf.SharedError("a", 1.0, Z=one))
                for one in (given, every, sp.csr_array(every))
            ]  # fmt: skip
            found, *others = (cf.uncertainty(table, "CO2", one, of="flows").sd for one in errors)
            assert found.to_numpy().min() > 0.0
            for other in others:
                np.testing.assert_allclose(found, other, rtol=1e-12)
        apart = [cf.uncertainty(table, "CO2", cf.Errors(Z={name: 0.1})).sd for name in given]
        whole = cf.uncertainty(table, "CO2", cf.Errors(Z=0.1)).sd
        np.testing.assert_allclose(apart[0] ** 2 + apart[1] ** 2, whole**2, rtol=1e-9, atol=1e-6)


def test_one_region_is_moved_by_its_emissions_alone() -> None:
    table = cf.Table(Z=[[5.0, 3.0], [2.0, 9.0]], Y=[[4.0], [6.0]], F=[3.0, 8.0], F_Y=[2.0],
                     regions="DE", sectors=["a", "b"], stressors="CO2")  # fmt: skip
    found = cf.uncertainty(table, "CO2", cf.Errors(Z=0.3, Y=0.3, F=0.1, F_Y=0.5))
    sd = np.sqrt(0.3**2 + 0.8**2 + 1.0)
    np.testing.assert_allclose(found.sd.loc["DE"], [sd, sd, 0, 0, 0, 1.0], rtol=1e-12, atol=1e-12)
    assert cf.uncertainty(table, "CO2", cf.Errors(Z=0.3, Y=0.3)).sd.to_numpy().max() < 1e-9


def test_units_do_not_matter() -> None:
    table, tiny = world(), 1e-190
    small = table.with_changes(F=table.F * tiny, F_Y=table.F_Y * tiny)
    errors = cf.Errors(Z=0.1, Y=0.1, F=0.1, F_Y=0.1)
    found, expected = (cf.uncertainty(one, "CO2", errors) for one in (small, table))
    np.testing.assert_allclose(found.sd / tiny, expected.sd, rtol=1e-7)
    shares = found.by_source.to_numpy()
    np.testing.assert_allclose(shares, expected.by_source, rtol=1e-6, atol=1e-9)


def test_regions_by_other_names_and_groups() -> None:
    table = cf.synthetic.world(4, 5)
    errors = [cf.Errors(F={name: 0.1}) for name in (table.regions[0], "Austria")]
    assert table.regions[0] == "AT"
    found = [cf.uncertainty(table, errors=one).sd for one in errors]
    pd.testing.assert_frame_equal(*found)
    union, everywhere = (cf.uncertainty(table, errors=cf.Errors(F=one)).sd for one in
                         ({"EU27": 0.1}, 0.1))  # fmt: skip
    np.testing.assert_allclose(union, everywhere)


def test_what_is_independent_averages_out_and_what_is_shared_does_not() -> None:
    table = cf.synthetic.world(5, 40)
    alone = cf.uncertainty(table, errors=cf.Errors(F=0.1))
    together = cf.uncertainty(table, errors=cf.Errors(
        shared=cf.SharedError("all", 0.1, F=1.0, F_Y=1.0)))  # fmt: skip
    np.testing.assert_allclose(together.relative, 0.1, rtol=1e-7)
    assert (alone.relative["consumption"] < 0.05).all()


def test_it_is_as_it_was_and_says_what_it_is() -> None:
    table = cf.synthetic.world(3, 4)
    found = cf.uncertainty(table, "CO2", cf.Errors(F=0.1))
    said = "Uncertainty('CO2' in kt, accounts 3 × 6, median of consumption ± "
    assert repr(found).startswith(said)
    flows = cf.uncertainty(table, "CO2", cf.Errors(F=0.1), of="flows")
    assert repr(flows).startswith("Uncertainty('CO2' in kt, flows 3 × 3, median of flows ± ")
    with pytest.raises(AttributeError):
        found.sd = found.value  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        found.sd.to_numpy()[0, 0] = 1.0
    pd.testing.assert_frame_equal(found.value, cf.accounts(table, "CO2")[ACCOUNTS])
    pd.testing.assert_frame_equal(flows.value, cf.flows(table, "CO2").matrix)
    low, high = found.interval(0.5)
    pd.testing.assert_frame_equal((high - low) / 2, 0.6744897501960817 * found.sd)
    assert cf.uncertainty(table, errors=cf.Errors()).sd.to_numpy().max() == 0.0


def test_production_has_no_share_of_the_rounding_of_solves() -> None:
    found = cf.uncertainty(cf.synthetic.world(5, 40), "CO2", cf.Errors(Z=0.1, Y=0.1))
    assert (found.sd.production == 0.0).all()
    assert found.by_source.xs("production", level="account").isna().all(axis=None)
    assert (found.sd.consumption > 0.0).all()
