"""Footprints of products against the derivative of them to every cell, and what cannot be asked."""

from __future__ import annotations

from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from support.references.footprint_errors_reference import FootprintReference, nothing_beside
from support.running.solving import iterated
from support.worlds.uncertain_tables import SOURCES, allowed, questions

import carbonflows_fast as cf
from carbonflows_fast.uncertainties import _of_multipliers


def asked(table: cf.Table, errors: cf.Errors, products: Any, **more: Any) -> cf.Uncertainty:
    stressor = more.pop("stressor", "CO2")
    return cf.uncertainty(table, stressor, errors, of="footprints", products=products, **more)


def slowly(slow: Any) -> FootprintReference:
    return FootprintReference(slow.table, slow.weights, "footprints", slow.sizes, slow.shared)


@given(questions(), st.booleans(), st.data())
def test_every_number_is_that_of_the_derivatives(question: Any, by_region: bool, data: Any) -> None:
    table, stressor, errors, flows = question
    slow, R = slowly(flows), len(table.regions)
    place = st.integers(0, table.n - 1)
    rows = np.array(sorted(data.draw(st.lists(place, min_size=1, unique=True))))
    products = [tuple(table.rows[row]) for row in rows]
    with pytest.MonkeyPatch.context() as patch, iterated() if by_region else nullcontext():
        patch.setattr(_of_multipliers, "AT_ONCE", 2)
        found = asked(table, errors, products, stressor=stressor)
    near = {"rtol": 1e-6, "atol": nothing_beside(slow)}
    size = table.n * R
    cells = (rows[:, None] * R + np.arange(R)).ravel()

    def same(got: Any, expected: Any) -> None:
        np.testing.assert_allclose(got.to_numpy().ravel(), expected, **near)

    answers = slow.answers()
    same(found.value, answers[cells])
    same(found.sd, np.sqrt(np.diag(slow.covariance)[cells]))
    assert list(found.by_source.columns) == [*SOURCES, *(one.name for one in errors.shared)]
    for name, part in zip(found.by_source, slow.covariances, strict=True):
        got = np.sqrt(found.by_source[name].fillna(0.0)) * found.sd.to_numpy().ravel()
        same(got, np.sqrt(np.diag(part)[cells]))
    x = table.x.to_numpy()[rows]
    of_products = found.multipliers
    assert of_products is not None
    same(of_products.value * x, answers[size + rows] * x)
    same(of_products.sd * np.abs(x), np.sqrt(np.diag(slow.covariance)[size + rows]) * np.abs(x))
    _same_by_seller(found, slow, cells, near)


def _same_by_seller(
    found: cf.Uncertainty, slow: FootprintReference, cells: Any, near: dict[str, float]
) -> None:
    """An error of Z, Y or F is that of its row's region and sector."""
    rows = slow.table.rows
    parts = [slow.parts[source][cells].sum(axis=2) for source in ("Z", "Y")]
    by_row = np.sum([*parts, slow.parts["F"][cells].sum(axis=1)], axis=0)
    sd = found.sd.to_numpy().ravel()
    for name, shares in (("region", found.by_region), ("sector", found.by_sector)):
        for label in rows.unique(name):
            expected = by_row[:, rows.get_level_values(name) == label].sum(axis=1)
            got = np.sqrt(shares[label].fillna(0.0)) * sd
            np.testing.assert_allclose(got, np.sqrt(expected), **near)


@given(questions())
def test_all_products_together_are_consumption(question: Any) -> None:
    table, stressor, errors, flows = question
    slow, R = slowly(flows), len(table.regions)
    answers = slow.answers()[: table.n * R].reshape(table.n, R).sum(axis=0)
    covariance = slow.covariance[: table.n * R, : table.n * R].reshape(table.n, R, table.n, R)
    known = {name: getattr(errors, name) for name in ("Z", "Y", "F")}
    shared = [
        cf.SharedError(one.name, one.sd, **{name: getattr(one, name) for name in known})
        for one in errors.shared
        if any(getattr(one, name) is not None for name in known)
    ]
    whole = cf.uncertainty(table, stressor, cf.Errors(**known, shared=shared))
    near = {"rtol": 1e-6, "atol": 10 * allowed(slow, table)}
    np.testing.assert_allclose(answers, whole.value.consumption - whole.value.households, **near)
    of_sums = np.einsum("iqjq->q", covariance)
    np.testing.assert_allclose(np.sqrt(of_sums.clip(0)), whole.sd.consumption, **near)
    found = asked(table, errors, [tuple(row) for row in table.rows], stressor=stressor)
    np.testing.assert_allclose(found.value.sum(axis=0), answers, **near)


# --- what is asked ------------------------------------------------------------------------------


def world(year: int = 2010) -> cf.Table:
    return cf.synthetic.world(regions=4, sectors=30, year=year)


def errors() -> cf.Errors:
    trade = cf.SharedError("trade statistics", 0.1, Z={"trade": 1}, Y={"trade": 1}, F=1.0)
    return cf.Errors(Z=0.1, Y=0.2, F=0.1, F_Y=0.1, shared=trade)


def test_footprints_are_those_of_the_accounts() -> None:
    table = world()
    sector = table.sectors[3]
    found = asked(table, errors(), sector)
    mine = [row for row in table.rows if row[1] == sector]
    assert list(found.value.index) == mine
    assert found.multipliers is not None
    M = cf.multipliers(table, "CO2")
    np.testing.assert_allclose(found.multipliers.value, M.loc["CO2", mine], rtol=1e-9)
    D_cba = cf.footprints(table, "CO2").D_cba.loc["CO2"]
    bought = D_cba[D_cba.index.get_level_values("sector") == sector]
    np.testing.assert_allclose(found.value.sum(axis=0), bought, rtol=1e-9)
    assert 0.0 < found.value.attrs["error_bound"] < 1e-8 * D_cba.sum()


def test_no_row_depends_on_what_else_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    table, found = world(), []
    products = [tuple(row) for row in table.rows[20:70]]
    for threads, some in (("1", products), ("2", products), ("1", products[7:8])):
        monkeypatch.setenv("CARBONFLOWS_NUM_THREADS", threads)
        found.append(asked(table, errors(), some))
    one, two, alone = found
    pd.testing.assert_frame_equal(one.sd, two.sd, check_exact=True)
    pd.testing.assert_frame_equal(one.by_source, two.by_source, check_exact=True)
    pd.testing.assert_frame_equal(one.sd.iloc[7:8], alone.sd, rtol=1e-9)


def test_what_is_shared_by_two_years_cancels() -> None:
    years = [asked(world(year), errors(), (None, world().sectors[0])) for year in (2010, 2019)]
    change = cf.difference(*years)
    apart = np.hypot(*(year.sd.to_numpy() for year in years))
    assert (change.sd.to_numpy() <= apart).all()
    assert (change.sd.to_numpy() < 0.99 * apart).any()
    fewer = asked(world(), errors(), tuple(world().rows[0]))
    with pytest.raises(cf.errors.LabelError, match="after: expected the products of before"):
        cf.difference(years[0], fewer)


def test_it_says_what_it_is_and_what_cannot_be_asked() -> None:
    table = world()
    product = tuple(table.rows[0])
    found = asked(table, errors(), product)
    assert repr(found).startswith("Uncertainty('CO2' in kt, footprints 1 × 4, median of footprints")
    low, high = found.interval(0.5)
    pd.testing.assert_frame_equal((high - low) / 2, 0.6744897501960817 * found.sd)
    assert found.probability().shape == found.relative.shape == (1, 4)
    for ask in (
        lambda: found.top_cells("BE"),
        lambda: found.covariance(),
        lambda: found.total(),
        lambda: found.probability_larger(),
        lambda: asked(table, errors(), product, draws=3),
        lambda: cf.difference(found, found, correlation=0.5),
        lambda: cf.figures.ranking(found),
    ):
        with pytest.raises(cf.errors.InputError, match="footprints"):
            ask()
    nothing = np.zeros(table.n, dtype=bool)
    with pytest.raises(cf.errors.InputError, match="products: expected 1 to 1,000 products, got 0"):
        asked(table, errors(), nothing)


def test_errors_of_final_users_must_fit_and_move_nothing() -> None:
    table = world()
    own = cf.Errors(F_Y=0.3, shared=cf.SharedError("heating", 0.1, F_Y=1.0))
    assert (asked(table, own, tuple(table.rows[0])).sd.to_numpy() == 0.0).all()
    wrong = cf.Errors(shared=cf.SharedError("heating", 0.1, F_Y={"XX": 1.0}))
    with pytest.raises(cf.errors.LabelError, match="shared 'heating', F_Y"):
        asked(table, wrong, tuple(table.rows[0]))


# --- WIOD 2009 ----------------------------------------------------------------------------------

STEP = 0.01
WEIGHTS = {1: 8 / 12, -1: -8 / 12, 2: -1 / 12, -2: 1 / 12}  # differences of the fourth order


@cache
def wiod(folder: Path) -> cf.Table:
    return cf.read(folder / "wiod2013_2009.zip", progress=False)


def moved(table: cf.Table, source: str, cell: tuple[int, int], by: float, rows: Any) -> Any:
    """Footprints (rows, R) after one cell is changed; output and coefficients follow."""
    parts = {"Z": table.Z.tolil(), "Y": table.Y.to_numpy().copy(), "F": table.F.to_numpy().copy()}
    parts[source][cell] *= 1.0 + by
    changed = cf.Table(
        **parts | {"Z": parts["Z"].tocsr()}, F_Y=table.F_Y.to_numpy(),
        regions=table.rows.get_level_values("region"),
        sectors=table.rows.get_level_values("sector"),
        demand=list(table.demand), stressors=table.stressors,
    )  # fmt: skip
    bought = changed.Y.T.groupby(level="region", sort=False).sum().T[list(table.regions)].to_numpy()
    return cf.multipliers(changed, rtol=1e-11).to_numpy()[0, rows, None] * bought[rows]


@pytest.mark.real_data
@pytest.mark.parametrize("source", ["Z", "Y", "F"])
def test_single_cells_are_finite_differences(real_data: Path, source: str) -> None:
    table = wiod(real_data)
    cells = getattr(table, source)
    sizes = cells.toarray() if source == "Z" else cells.to_numpy().copy()
    if source == "Z":
        np.fill_diagonal(sizes, 0.0)  # what an industry buys of itself changes nothing
    i, j = (int(k) for k in np.unravel_index(np.argmax(np.abs(sizes)), sizes.shape))
    seller = j if source == "F" else i
    rows = np.array(sorted({seller, 5, (seller + 40) % table.n}))
    deviations = sp.csr_array(([0.1], ([i], [j])), shape=sizes.shape)
    one = cf.Errors(**{source: deviations})
    products = [tuple(table.rows[row]) for row in rows]
    found = cf.uncertainty(table, errors=one, of="footprints", products=products)
    slope = sum(w * moved(table, source, (i, j), k * STEP, rows) for k, w in WEIGHTS.items()) / STEP
    change = 0.1 * np.abs(slope)
    np.testing.assert_allclose(found.sd, change, rtol=1e-6, atol=2e-6 * change.max())
    assert change.max() > 0.0
