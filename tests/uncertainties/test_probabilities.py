"""Probabilities, ranks, and changes between two tables, against dense covariances."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from support.references.uncertainty_reference import ACCOUNTS, UncertaintyReference
from support.worlds.uncertain_tables import allowed, questions

import carbonflows_fast as cf
from carbonflows_fast.uncertainties._some_draws import some_draws, tidy, with_draws


def world(**changes: Any) -> cf.Table:
    made = cf.synthetic.world(3, 4)
    return made.with_changes(**changes) if changes else made


@given(questions())
def test_probabilities_are_of_normal_answers(question: Any) -> None:
    table, stressor, errors, slow = question
    found = cf.uncertainty(table, stressor, errors, of=slow.of)
    limit = float(np.median(found.value.to_numpy()))
    pairs = zip(found.value.to_numpy().ravel(), found.sd.to_numpy().ravel(), strict=True)
    expected = [
        1.0 - NormalDist(value, sd).cdf(limit) if sd > 0.0 else float(value > limit)
        for value, sd in pairs
    ]
    got = found.probability(limit)
    assert got.index.equals(found.value.index)
    assert got.columns.equals(found.value.columns)
    np.testing.assert_allclose(got.to_numpy().ravel(), expected, atol=1e-9)
    exactly = (found.value == limit) & (found.sd == 0.0)  # neither above nor below
    below = found.probability(below=limit)
    np.testing.assert_allclose(got + below, np.where(exactly, 0.0, 1.0), atol=1e-12)


@given(questions())
def test_ranks_are_told_apart_through_covariances(question: Any) -> None:
    table, stressor, errors, slow = question
    slow.of = "accounts"
    found = cf.uncertainty(table, stressor, errors)
    for account in ("production", "consumption"):
        at = slice(ACCOUNTS.index(account), None, len(ACCOUNTS))
        values, covariance = slow.answers()[at], slow.covariance[at, at]
        got = found.probability_larger(account)
        for r in range(len(values)):
            assert np.isnan(got.iloc[r, r])
            for q in set(range(len(values))) - {r}:
                variance = covariance[r, r] + covariance[q, q] - 2.0 * covariance[r, q]
                sd = np.sqrt(max(variance, 0.0))
                if sd > 100.0 * allowed(slow, table):
                    expected = NormalDist().cdf((values[r] - values[q]) / sd)
                    np.testing.assert_allclose(got.iloc[r, q], expected, atol=1e-3)
                    np.testing.assert_allclose(got.iloc[r, q] + got.iloc[q, r], 1.0)


def test_errors_that_move_both_alike_do_not_change_their_order() -> None:
    shared = cf.SharedError("all", 0.3, F=1.0, F_Y=1.0)
    found = cf.uncertainty(world(), errors=cf.Errors(shared=shared))
    order = found.value.consumption.to_numpy()
    larger = (order[:, None] > order).astype(float)
    got = found.probability_larger().to_numpy().copy()
    np.fill_diagonal(got, 0.0)
    assert np.abs(got - larger).max() < 0.01


def test_a_net_importer_consumes_more_than_it_produces() -> None:
    errors = cf.Errors(Z=0.1, Y=0.1, F=0.1, shared=cf.SharedError("all", 0.2, F=1.0, F_Y=1.0))
    found = cf.uncertainty(world(), errors=errors)
    slow = UncertaintyReference(
        world(), {"CO2": 1.0}, "accounts",
        {name: np.full(getattr(world(), name).shape, 0.1) for name in ("Z", "Y", "F")},
        [(0.2, {name: np.ones(getattr(world(), name).shape) for name in ("F", "F_Y")})],
    )  # fmt: skip
    for r in range(3):
        made, used = (6 * r + ACCOUNTS.index(name) for name in ("production", "consumption"))
        C, values = slow.covariance, slow.answers()
        sd = np.sqrt(C[made, made] + C[used, used] - 2.0 * C[made, used])
        expected = NormalDist().cdf((values[used] - values[made]) / sd)
        np.testing.assert_allclose(found.probability().net_imports.iloc[r], expected, atol=1e-7)


def test_what_did_not_change_neither_rose_nor_fell() -> None:
    factors = cf.SharedError("emission factors of BE", 0.1, F={"BE": 1.0})
    found = cf.uncertainty(world(), errors=cf.Errors(shared=factors))
    same = cf.difference(found, found)
    for chance in (same.probability(), same.probability(below=0.0)):
        assert (chance == 0.0).all(axis=None)
    total = found.total("production", ["AT"])
    assert total.sd == total.probability(total.value) == total.probability(below=total.value) == 0.0
    assert total.probability() == total.probability(below=2.0 * total.value) == 1.0


def test_of_what_there_is_not_no_probability_is_known() -> None:
    nothing = world(F=world().F * 0.0, F_Y=world().F_Y * 0.0)
    shares = cf.uncertainty(nothing, errors=cf.Errors(Z=0.1, F=0.1), of="traded_share")
    assert shares.value.isna().all(axis=None)
    assert shares.probability().isna().all(axis=None)


# --- changes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("of", ["accounts", "flows"])
def test_changes_are_derivatives_of_both(of: Any) -> None:
    before, after = world(), world(F=world().F * np.tile([1.0, 0.8, 1.3], 4))
    regions = np.array(before.rows.get_level_values("region"))
    kinds: list[tuple[str, float, dict[str, Any]]] = [
        ("both", 0.1, {"F": (regions == before.regions[0])[None, :] * 1.0}),
        ("trade", 0.2, {"Z": (regions[:, None] != regions) * 1.0}),
    ]
    found, slow = [], []
    for table, chosen in ((before, kinds), (after, kinds[:1])):
        shared = [cf.SharedError(name, sd, **loadings) for name, sd, loadings in chosen]
        errors = cf.Errors(Z=0.1, Y=0.05, F=0.1, shared=shared)
        found.append(cf.uncertainty(table, errors=errors, of=of))
        sizes = {"Z": 0.1, "Y": 0.05, "F": 0.1}
        full = {name: np.full(getattr(table, name).shape, size) for name, size in sizes.items()}
        slow.append(
            UncertaintyReference(table, {"CO2": 1.0}, of, full, [one[1:] for one in chosen])
        )
    change = cf.difference(*found)
    own = sum(np.diag(np.sum(one.covariances[:4], axis=0)) for one in slow)
    moves = [one.moves for one in slow]
    variance = own + (moves[1][0] - moves[0][0]) ** 2 + moves[0][1] ** 2
    np.testing.assert_allclose(change.sd.to_numpy().ravel(), np.sqrt(variance), rtol=1e-6, atol=1.0)
    assert change.value.equals(found[1].value - found[0].value)
    assert change.value.attrs == {"stressor": "CO2", "unit": "kt"}
    low, high = change.interval(0.5)
    pd.testing.assert_frame_equal((high - low) / 2, 0.6744897501960817 * change.sd)
    rise = change.probability()
    z = (change.value / change.sd).to_numpy()
    some = np.isfinite(z)
    expected = [NormalDist().cdf(one) for one in z[some]]
    np.testing.assert_allclose(rise.to_numpy()[some], expected, atol=1e-12)


@pytest.mark.parametrize("of", ["accounts", "flows"])
@pytest.mark.parametrize("form", ["number", "by cell", "another hole"])
@pytest.mark.parametrize("surplus", [False, True])
def test_correlated_errors_of_cells_cancel(of: Any, form: str, surplus: bool) -> None:
    found, slow = [], []
    rng = np.random.default_rng(3)
    for year in (2010, 2019):
        plain = cf.synthetic.world(3, 4, year=year)
        Z: Any = plain.Z.toarray()
        if form == "by cell":  # other cells are empty in the other year
            Z *= rng.random((12, 12)) < 0.8
        if form == "another hole":  # as many cells, but not the same
            Z[0, 1 + len(found)] = 0.0
        x = Z.sum(axis=1) + plain.Y.to_numpy().sum(axis=1)
        table = cf.Table(
            Z=Z, Y=plain.Y.to_numpy(), F=plain.F.to_numpy(), F_Y=plain.F_Y.to_numpy(),
            x=x * (1.0 + 0.2 * rng.random(12)) if surplus else x,
            regions=plain.rows.get_level_values(0), sectors=plain.rows.get_level_values(1),
            demand=list(plain.demand), stressors="CO2", stressor_units="kt",
        )  # fmt: skip
        given: dict[str, Any] = {"Z": 0.1, "Y": 0.05, "F": 0.1, "F_Y": 0.3}
        if form == "by cell":
            given["Z"] = rng.uniform(0.0, 0.3, (12, 12))
        found.append(cf.uncertainty(table, errors=cf.Errors(**given), of=of))
        shapes = {name: getattr(table, name).shape for name in given}
        sizes = {name: np.broadcast_to(size, shapes[name]) for name, size in given.items()}
        slow.append(UncertaintyReference(table, {"CO2": 1.0}, of, sizes, []))
    moved = [
        {name: one.slopes[name] * one.sizes[name] for name in ("Z", "Y", "F", "F_Y")}
        for one in slow
    ]
    count = len(slow[0].answers())
    parts = [(moved[0][name] * moved[1][name]).reshape(count, -1) for name in moved[0]]
    common = np.sum([part.sum(axis=1) for part in parts], axis=0)
    own = [np.diag(one.covariance) for one in slow]
    for rho in (0.4, 1.0):
        sd = cf.difference(*found, correlation=rho).sd
        expected = np.sqrt(np.maximum(own[0] + own[1] - 2.0 * rho * common, 0.0))
        np.testing.assert_allclose(sd.to_numpy().ravel(), expected, rtol=1e-6, atol=1.0)
    same = cf.difference(found[0], found[0], correlation=1.0)
    assert (same.sd <= 1e-6 * found[0].sd).all(axis=None)


def test_what_is_shared_cancels_and_what_is_not_adds() -> None:
    shared = cf.SharedError("all", 0.3, F=1.0, F_Y=1.0)
    found = cf.uncertainty(world(), errors=cf.Errors(Z=0.1, F=0.1, shared=shared))
    alone = cf.uncertainty(world(), errors=cf.Errors(Z=0.1, F=0.1))
    same = cf.difference(found, found)
    np.testing.assert_allclose(same.sd, np.sqrt(2.0) * alone.sd, rtol=1e-9)
    assert (same.value == 0.0).all(axis=None)
    other = cf.SharedError("other name", 0.3, F=1.0, F_Y=1.0)
    apart = cf.difference(
        found, cf.uncertainty(world(), errors=cf.Errors(Z=0.1, F=0.1, shared=other))
    )
    np.testing.assert_allclose(apart.sd, np.sqrt(2.0) * found.sd, rtol=1e-9)
    assert repr(apart) == "Difference('CO2' in kt, accounts 3 × 6)"


def turned(table: cf.Table) -> cf.Table:
    """The same table with its regions in another order."""
    at = np.argsort(-table.content.region_codes, kind="stable")
    columns = np.argsort(-table.content.demand_codes, kind="stable")
    rows = table.rows[at]
    return cf.Table(
        Z=table.Z.toarray()[np.ix_(at, at)], Y=table.Y.to_numpy()[np.ix_(at, columns)],
        F=table.F.to_numpy()[:, at], F_Y=table.F_Y.to_numpy()[:, columns],
        regions=rows.get_level_values(0), sectors=rows.get_level_values(1),
        demand=list(table.demand[columns]), stressors=table.stressors, stressor_units="kt",
    )  # fmt: skip


@pytest.mark.parametrize("of", ["accounts", "flows", "footprints"])
def test_the_order_of_regions_does_not_matter(of: Any) -> None:
    before, after = world(), world(F=world().F * np.tile([1.0, 0.8, 1.3], 4))
    shared = cf.SharedError("factors of BE", 0.1, F={"BE": 1.0})
    asked: dict[str, Any] = {"errors": cf.Errors(Z=0.1, F=0.1, shared=shared), "of": of}
    if of == "footprints":
        asked["products"] = ["Wheat", ("BE", None)]
    one, same, other = (cf.uncertainty(t, **asked) for t in (before, after, turned(after)))
    assert list(other.value.index) != list(one.value.index)
    expected, found = cf.difference(one, same), cf.difference(one, other)
    pd.testing.assert_frame_equal(found.value, expected.value, rtol=1e-9, atol=1e-3)
    pd.testing.assert_frame_equal(found.sd, expected.sd, rtol=1e-6, atol=1e-3)
    assert found.value.attrs == expected.value.attrs
    if of != "footprints":
        with pytest.raises(cf.LabelError, match=r"^correlation: .* same order, got another order;"):
            cf.difference(one, other, correlation=0.5)


def test_draws_of_years_in_another_order_are_subtracted_by_label() -> None:
    of: Any = "flows"
    errors = cf.Errors(F=0.1, shared=cf.SharedError("factors", 0.1, F=1.0))
    tables = [cf.synthetic.world(3, 4, year=year) for year in (2010, 2011)]
    asked: Any = {"of": of, "seed": 0, "correlation": 0.0, "rtol": 1e-10, "numbers": [0, 3]}
    parts = [some_draws(table, "CO2", errors, **asked) for table in tables]
    change = cf.difference(*(cf.uncertainty(one, errors=errors, of=of) for one in tables))
    cells = {"value": change.value, "sd": change.sd}
    arrays = {name: frame.to_numpy() for name, frame in cells.items()}
    frame = tidy(of, change.value.index, change.value.columns, **arrays)
    expected = with_draws(frame, [[parts[0]], [parts[1]]], of, 0, 4)
    other = parts[1].sort_index(level=[0, 1, 2], ascending=[True, False, False])
    assert list(other.index) != list(parts[1].index)
    for one in (other, other.reset_index()):  # as files of them are read
        found = with_draws(frame, [[parts[0]], [one]], of, 0, 4)
        pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_units_do_not_matter() -> None:
    tiny = 1e-190
    small = world(F=world().F * tiny, F_Y=world().F_Y * tiny)
    errors = cf.Errors(Z=0.1, F=0.1, shared=cf.SharedError("a", 0.1, F=1.0))
    one, other = (cf.uncertainty(table, errors=errors) for table in (small, world()))
    np.testing.assert_allclose(
        cf.difference(one, one).sd / tiny, cf.difference(other, other).sd, rtol=1e-7
    )


def test_what_is_wrong_is_said() -> None:
    found = cf.uncertainty(world(), errors=cf.Errors(F=0.1))
    flows = cf.uncertainty(world(), errors=cf.Errors(F=0.1), of="flows")
    other_rows = cf.uncertainty(cf.synthetic.world(3, 3), errors=cf.Errors(F=0.1))
    footprints = cf.uncertainty(world(), errors=cf.Errors(F=0.1), of="footprints", products="Wheat")
    fewer = cf.uncertainty(cf.synthetic.world(2, 4), errors=cf.Errors(F=0.1))
    for ask, said in (
        (lambda: cf.difference(found, 3), "after: expected a result of cf.uncertainty, got an int"),
        (lambda: cf.difference(world(), found), "before: expected a result of cf.uncertainty"),
        (lambda: cf.difference(found, flows),
         "after: expected accounts of 'CO2' in 'kt', as before, got flows of 'CO2' in 'kt'"),
        (lambda: cf.difference(found, fewer),
         r"after: expected the regions of before, got 1 only in before \('BG"),
        (lambda: cf.difference(found, found, correlation=2),
         "correlation: expected a number from 0 to 1, got 2"),
        (lambda: cf.difference(found, other_rows, correlation=0.5),
         "correlation: expected the same rows in both tables, in the same order, got others"),
        (lambda: found.probability(np.nan), "above: expected a finite number .*, got nan"),
        (lambda: found.probability("0"), "above: expected a finite number .*, got '0'"),
        (lambda: found.probability(below=np.inf), "below: expected a finite number .*, got inf"),
        (lambda: found.probability(0, below=0), "below: expected one limit, got above too; leave"),
        (lambda: found.probability_larger("imports"), "account: expected 'consumption', 'prod"),
        (lambda: found.covariance("industries"), "account: expected 'consumption', 'production' o"),
        (lambda: found.total("imports"), "account: expected 'consumption', 'production' or 'net_i"),
        *((getattr(flows, name), "of: expected accounts, got flows; ask cf.uncertainty")
          for name in ("probability_larger", "covariance", "total", "industries")),
        (lambda: footprints.covariance("imports"), "of: expected accounts, got footprints"),
        (lambda: footprints.top_cells("AT"), "of: expected accounts or flows, got footprints"),
        (lambda: flows.top_cells("BE"),
         "consumer: expected the region that consumes what 'BE' emits, got none; give e.g. con"),
    ):  # fmt: skip
        with pytest.raises(cf.InputError, match=f"^{said}"):
            ask()


@pytest.mark.parametrize("above", [pd.Series([1.0, 2.0, 3.0]), np.ones((2, 2)), [[1, 2], [3]]])
def test_what_is_no_number_is_named_on_one_line(above: Any) -> None:
    found = cf.uncertainty(world(), "CO2", cf.Errors(F=0.1))
    with pytest.raises(cf.errors.InputError, match="above: expected a finite number") as caught:
        found.probability(above)
    assert "\n" not in str(caught.value)
