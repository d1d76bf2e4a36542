"""Standard deviations of studies against the derivative of every sum to every cell."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from support.references.study_errors_reference import StudyErrorsReference
from support.running.solving import iterated
from support.worlds.moved_cells import STEP, WEIGHTS, moved
from support.worlds.uncertain_tables import allowed, questions

import carbonflows_fast as cf
from carbonflows_fast.errors import InputError

STEPS = ("emitted", "made", "consumed")


def sds(study: cf.SectorStudy) -> Any:
    assert study.sd is not None
    return np.concatenate([study.sd, *(study.sd_by(step) for step in STEPS)])


@given(questions(), st.data())
def test_every_number_is_that_of_the_derivatives(question: Any, data: Any) -> None:
    table, stressor, errors, slow = question
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    rows = rng.random(table.n) < data.draw(st.sampled_from([0.3, 0.7, 1.0]))
    rows[rng.integers(table.n)] = True
    demand: Any = data.draw(st.sampled_from([None, table.regions[0], "own"]))
    asked: Any = np.ones(len(table.demand), dtype=bool)
    if demand == "own":
        demand = asked = rng.uniform(0.5, 3.0, table.n)
    elif demand is not None:
        asked = np.array(table.demand.get_level_values("region")) == demand
    with iterated() if data.draw(st.booleans()) else nullcontext():
        study = cf.sector_study(table, stressor, sectors=rows, demand=demand, errors=errors)
    reference = StudyErrorsReference.of_rows(slow, rows, asked)
    values = np.concatenate([
        [study.total, study.direct, study.upstream], *(study.by(step) for step in STEPS)
    ])  # fmt: skip
    near = {"rtol": 1e-6, "atol": allowed(slow, table) * (1.0 if demand is None else 10.0)}
    np.testing.assert_allclose(values, reference.answers(), **near)
    sd = np.sqrt(np.diag(reference.covariance))
    near["atol"] += 1e-7 * np.abs(values).max()
    np.testing.assert_allclose(sds(study), sd, **near)


def test_the_study_stays_and_its_paths_know_the_errors() -> None:
    table = cf.synthetic.world(3, 6)
    errors = cf.Errors(Z=0.1, Y=0.1, F=0.1)
    plain = cf.sector_study(table, sectors=table.sectors[0])
    assert plain.sd is None
    with pytest.raises(InputError, match="errors: expected a study with errors"):
        plain.sd_by("made")
    found = cf.sector_study(table, sectors=table.sectors[0], errors=errors)
    pd.testing.assert_frame_equal(found.flow, plain.flow, check_exact=True)
    assert found.paths(top=5).sd is not None
    assert plain.paths(top=5).sd is None
    assert (sds(found) > 0.0).all()


def test_of_all_sectors_it_is_the_footprint() -> None:
    table = cf.synthetic.world(4, 6)
    errors = cf.Errors(Z={"domestic": 0.1, "trade": 0.2}, Y=0.1, F=0.1)
    study = cf.sector_study(table, sectors=np.ones(table.n, dtype=bool), errors=errors)
    table = table.with_changes(F_Y=np.zeros(table.F_Y.shape))
    accounts = cf.uncertainty(table, errors=errors)
    near = {"rtol": 1e-6, "check_names": False}
    pd.testing.assert_series_equal(study.sd_by("consumed"), accounts.sd["consumption"], **near)
    pd.testing.assert_series_equal(study.sd_by("emitted"), accounts.sd["production"], **near)


def test_same_bits_for_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    errors = cf.Errors(Z=0.1, Y=0.1, F=0.1, shared=cf.SharedError("a", 0.1, Z={"trade": 1.0}))
    found = []
    for threads in ("1", "2"):
        monkeypatch.setenv("CARBONFLOWS_NUM_THREADS", threads)
        table = cf.synthetic.world(4, 30)
        found.append(sds(cf.sector_study(table, sectors=table.sectors[0], errors=errors)))
    np.testing.assert_array_equal(*found)


@pytest.mark.real_data
@pytest.mark.parametrize("source", ["Z", "Y", "F"])
def test_single_cells_of_wiod_are_finite_differences(real_data: Path, source: str) -> None:
    table = cf.read(real_data / "wiod2013_2009.zip", progress=False)
    cells = table.Z.toarray() if source == "Z" else getattr(table, source).to_numpy().copy()
    if source == "Z":
        np.fill_diagonal(cells, 0.0)  # what an industry buys of itself moves next to nothing
    cell = np.unravel_index(np.argsort(-np.abs(cells).ravel())[30], cells.shape)
    deviations = sp.csr_array(([0.1], ([cell[0]], [cell[1]])), shape=cells.shape)
    errors = cf.Errors(**{source: deviations})
    found = sds(cf.sector_study(table, sectors="steel", errors=errors))
    slope: Any = 0.0
    for k, weight in WEIGHTS.items():
        other = cf.sector_study(moved(table, source, cell, k * STEP), sectors="steel", rtol=1e-11)
        sums = [[other.total, other.direct, other.upstream], *(other.by(step) for step in STEPS)]
        slope = slope + weight * np.concatenate(sums) / STEP
    change = 0.1 * np.abs(slope)
    assert change.max() > 0.0
    np.testing.assert_allclose(found, change, rtol=1e-6, atol=1e-5 * change.max())
