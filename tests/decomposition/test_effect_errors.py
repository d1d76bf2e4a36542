"""Standard deviations of effects against the derivative of every effect to every cell."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from support.running.solving import iterated
from support.worlds.moved_cells import STEP, WEIGHTS, moved
from support.worlds.uncertain_years import two_years

import carbonflows_fast as cf

METHODS = ("integral", "shapley", "polar")


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=settings.default.max_examples // 3)  # type: ignore[union-attr]
@given(st.data())
def test_every_number_is_that_of_the_derivatives(method: str, data: Any) -> None:
    asked, slow = data.draw(two_years(method))
    rho = data.draw(st.sampled_from([0.0, 0.6]))
    with iterated() if data.draw(st.booleans()) else nullcontext():
        found = cf.structural_decomposition(**asked, correlation=rho)
    slow.nodes = found.nodes or 1
    effects, covariance = slow.effects(), slow.covariance(rho)
    largest = found.gross_before + abs(found.before) + abs(found.after)
    frame = found.to_frame()
    np.testing.assert_allclose(frame["effect"], effects, rtol=1e-7, atol=1e-8 * largest)
    sd = np.sqrt(np.diag(covariance).clip(0.0))
    near = {"rtol": 1e-6, "atol": 1e-7 * max(largest, sd.max())}
    np.testing.assert_allclose(frame["sd"], sd, **near)
    squares = 1e-6 * sd.max() ** 2 + near["atol"] ** 2
    np.testing.assert_allclose(found.covariance(), covariance, rtol=1e-6, atol=squares)


# --- what is asked ------------------------------------------------------------------------------


def world() -> tuple[cf.Table, cf.Table]:
    before, after = (cf.synthetic.world(3, 6, year=year) for year in (2010, 2019))
    return before, after


@pytest.mark.parametrize("method", METHODS)
def test_nothing_else_changes_and_the_covariance_is_that_of_the_total(method: Any) -> None:
    plain = cf.structural_decomposition(*world(), method=method)
    assert plain.sd is None
    errors = cf.Errors(Z={"domestic": 0.1, "trade": 0.3}, Y=0.1, F=0.1)
    found = cf.structural_decomposition(*world(), method=method, errors=errors)
    pd.testing.assert_frame_equal(found.to_frame()[["effect"]], plain.to_frame())
    change = cf.difference(*(cf.uncertainty(one, errors=errors) for one in world()))
    # The total is the change of all production: F alone moves it.
    by_F = np.hypot(*(0.1 * np.sqrt(np.square(one.F.to_numpy()).sum()) for one in world()))
    np.testing.assert_allclose(np.sqrt(found.covariance().to_numpy().sum()), by_F, rtol=1e-6)
    assert (change.sd["households"] == 0.0).all()
    assert (found.sd > 0.0).all()
    np.testing.assert_array_equal(found.to_frame()["sd"], found.sd)
    sure = found.probability()
    np.testing.assert_allclose(found.probability(below=0.0), 1.0 - sure, atol=1e-15)
    assert ((sure > 0.5) == (plain.to_frame()["effect"] > 0)).all()
    far = found.probability(above=float(plain.to_frame()["effect"].max() * 10 + 1e9))
    assert (far < 1e-9).all()


def test_what_both_years_share_cancels() -> None:
    before = cf.synthetic.world(3, 6)
    after = before.with_changes(S=before.S * 0.8)
    everywhere = cf.Errors(shared=cf.SharedError("emission factors", 0.1, F=1.0))
    found = cf.structural_decomposition(before, after, errors=everywhere)
    total = np.sqrt(found.covariance().to_numpy().sum())
    np.testing.assert_allclose(total, 0.1 * abs(found.total), rtol=1e-9)
    alone = cf.structural_decomposition(
        before, after, errors=(everywhere, cf.Errors(F=0.0)))  # fmt: skip
    np.testing.assert_allclose(
        np.sqrt(alone.covariance().to_numpy().sum()), 0.1 * alone.before, rtol=1e-9
    )
    nothing = cf.structural_decomposition(before, before, errors=everywhere)
    for chance in (nothing.probability(), nothing.probability(below=0.0)):
        assert (chance == 0.0).all()  # no factor raised or lowered what surely stayed
    same = cf.structural_decomposition(
        before, before.with_changes(year=2020), errors=cf.Errors(Z=0.1, Y=0.1, F=0.1), correlation=1
    )
    assert (same.sd <= 1e-6 * same.before).all()
    apart = cf.structural_decomposition(
        before, before.with_changes(year=2020), errors=cf.Errors(Z=0.1, Y=0.1, F=0.1)
    )
    assert apart.sd is not None
    assert (apart.sd.drop("population") > 1e-4 * same.before).all()


def test_same_bits_for_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    errors = cf.Errors(Z=0.1, Y=0.1, F=0.1, shared=cf.SharedError("a", 0.1, Z={"trade": 1.0}))
    found = []
    for threads in ("1", "2"):
        monkeypatch.setenv("CARBONFLOWS_NUM_THREADS", threads)
        found.append(cf.structural_decomposition(*world(), errors=errors).covariance())
    pd.testing.assert_frame_equal(*found, check_exact=True)


def test_many_entries_have_the_numbers_of_few(monkeypatch: pytest.MonkeyPatch) -> None:
    errors = cf.Errors(Z=0.1, Y=0.1, shared=cf.SharedError("a", 0.1, Z={"trade": 1.0}))
    whole = cf.structural_decomposition(*world(), errors=errors).covariance()
    monkeypatch.setattr("carbonflows_fast.decomposition._effect_slopes.AT_ONCE", 40)
    parts = cf.structural_decomposition(*world(), errors=errors).covariance()
    np.testing.assert_allclose(parts, whole, rtol=1e-10, atol=1e-12 * float(whole.to_numpy().max()))


# --- real tables --------------------------------------------------------------------------------


@pytest.mark.real_data
@pytest.mark.parametrize("source", ["Z", "Y", "F"])
def test_single_cells_of_wiod_are_finite_differences(real_data: Path, source: str) -> None:
    tables = [cf.read(real_data / f"wiod2013_{y}.zip", progress=False) for y in (2000, 2009)]
    for year, table in enumerate(tables):
        cells = table.Z.toarray() if source == "Z" else getattr(table, source).to_numpy().copy()
        if source == "Z":
            np.fill_diagonal(cells, 0.0)
        cell = np.unravel_index(np.argsort(-np.abs(cells).ravel())[20], cells.shape)
        deviations = sp.csr_array(([0.1], ([cell[0]], [cell[1]])), shape=cells.shape)
        errors = [cf.Errors(), cf.Errors()]
        errors[year] = cf.Errors(**{source: deviations})
        found = cf.structural_decomposition(*tables, method="polar", errors=tuple(errors))
        slope: Any = 0.0
        for k, weight in WEIGHTS.items():
            both = list(tables)
            both[year] = moved(table, source, cell, k * STEP)
            effect = cf.structural_decomposition(*both, method="polar").to_frame()["effect"]
            slope = slope + weight * effect / STEP
        change = 0.1 * slope.abs()
        assert change.max() > 0.0
        np.testing.assert_allclose(found.sd, change, rtol=1e-6, atol=1e-5 * change.max())
