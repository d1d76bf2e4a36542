"""The traded share against the derivative of it to every cell, and what cannot be asked of it."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.references.uncertainty_reference import UncertaintyReference
from support.running.solving import iterated
from support.worlds.uncertain_tables import SOURCES, questions

import carbonflows_fast as cf


@given(questions(), st.booleans())
def test_every_number_is_that_of_the_derivatives(question: Any, by_region: bool) -> None:
    table, stressor, errors, slow = question
    flows = UncertaintyReference(table, slow.weights, "flows", {}, []).answers()
    sizes = np.abs(flows)
    assume(sizes.max() > 0.0)
    assume(not ((sizes > 0.0) & (sizes < 1e-9 * sizes.max())).any())  # a size has no slope at 0
    slow.of = "traded_share"
    with iterated() if by_region else nullcontext():
        found = cf.uncertainty(table, stressor, errors, of="traded_share")
    near = {"rtol": 1e-6, "atol": 1e-8}
    np.testing.assert_allclose(found.value.to_numpy().ravel(), slow.answers(), **near)
    sd = np.sqrt(np.diag(slow.covariance))
    np.testing.assert_allclose(found.sd.to_numpy().ravel(), sd, **near)
    assert list(found.by_source.columns) == [*SOURCES, *(one.name for one in errors.shared)]
    for name, part in zip(found.by_source, slow.covariances, strict=True):
        got = np.sqrt(found.by_source[name].fillna(0.0).to_numpy()) * found.sd.to_numpy().ravel()
        np.testing.assert_allclose(got, np.sqrt(np.diag(part)), **near, err_msg=name)
    result = cf.flows(table, stressor)
    np.testing.assert_allclose(
        found.value.traded_share, [result.traded_share, result.traded_share_all], rtol=1e-12
    )


def world(year: int = 2010) -> cf.Table:
    return cf.synthetic.world(regions=5, sectors=12, year=year)


def errors() -> cf.Errors:
    trade = cf.SharedError("trade statistics", 0.1, Z={"trade": 1}, Y={"trade": 1})
    return cf.Errors(Z=0.1, Y=0.2, F=0.1, F_Y=0.1, shared=trade)


def test_parts_by_region_and_sector_are_those_of_single_cells() -> None:
    table = world()
    whole = cf.uncertainty(table, "CO2", errors(), of="traded_share")
    for parts in (whole.by_region, whole.by_sector):
        np.testing.assert_allclose(parts.sum(axis=1), 1.0)
    F = np.zeros(table.F.shape)
    F[table.stressors.index("CO2"), table.rows.get_level_values("region") == "BE"] = 0.1
    F_Y = np.zeros(table.F_Y.shape)
    F_Y[table.stressors.index("CO2"), table.demand.get_level_values("region") == "BE"] = 0.1
    of_BE = (table.rows.get_level_values("region") == "BE")[:, None]
    own = cf.Errors(
        Z=np.where(of_BE, 0.1, np.zeros((table.n, table.n))),
        Y=np.where(of_BE, 0.2, np.zeros(table.Y.shape)),
        F=F,
        F_Y=F_Y,
    )
    part = cf.uncertainty(table, "CO2", own, of="traded_share")
    share = np.square(part.sd.to_numpy() / whole.sd.to_numpy()).ravel()
    np.testing.assert_allclose(whole.by_region["BE"], share, rtol=1e-9)


def test_what_is_shared_by_two_years_cancels() -> None:
    years = [
        cf.uncertainty(world(year), "CO2", errors(), of="traded_share") for year in (2010, 2019)
    ]
    change = cf.difference(*years)
    apart = np.hypot(*(year.sd.to_numpy() for year in years))
    assert (change.sd.to_numpy() < 0.7 * apart).all()
    assert change.value.to_numpy() == pytest.approx(
        years[1].value.to_numpy() - years[0].value.to_numpy()
    )
    with pytest.raises(cf.errors.InputError, match="correlation: expected accounts or flows"):
        cf.difference(*years, correlation=0.5)


@pytest.mark.parametrize("threads", ["1", "2"])
def test_same_bits_for_any_number_of_threads(threads: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARBONFLOWS_NUM_THREADS", threads)
    found = cf.uncertainty(cf.synthetic.world(4, 150), "CO2", errors(), of="traded_share")
    monkeypatch.setenv("CARBONFLOWS_NUM_THREADS", "3")
    again = cf.uncertainty(cf.synthetic.world(4, 150), "CO2", errors(), of="traded_share")
    assert found.sd.equals(again.sd)


def test_nothing_emitted_has_no_share() -> None:
    table = world().with_changes(F=0.0 * world().F, F_Y=0.0 * world().F_Y)
    found = cf.uncertainty(table, "CO2", errors(), of="traded_share")
    assert found.value.isna().all(axis=None)
    assert found.sd.isna().all(axis=None)


def test_it_says_what_it_is_and_what_cannot_be_asked() -> None:
    found = cf.uncertainty(world(), "CO2", errors(), of="traded_share")
    assert repr(found).startswith("Uncertainty('CO2', traded share ")
    for ask in (
        lambda: found.top_cells("BE"),
        lambda: found.covariance(),
        lambda: found.total(),
        lambda: found.industries(),
        lambda: found.probability_larger(),
        lambda: cf.uncertainty(world(), "CO2", errors(), of="traded_share", draws=3),
        lambda: cf.figures.ranking(found),
    ):
        with pytest.raises(cf.errors.InputError, match="traded_share"):
            ask()
