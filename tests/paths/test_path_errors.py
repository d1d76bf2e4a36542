"""Standard deviations of paths against the derivative of every path to every cell."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from support.references.chain_errors_reference import PathErrorsReference
from support.running.solving import iterated
from support.worlds.uncertain_tables import questions

import carbonflows_fast as cf
from carbonflows_fast.table._selection import select_demand

Array = npt.NDArray[np.float64]


def chains_of(paths: cf.Paths) -> list[list[int]]:
    return [list(map(int, one)) for one in np.split(paths.rows, paths.starts[1:-1])]


@st.composite
def searches(draw: Any) -> tuple[cf.Paths, PathErrorsReference]:
    """Paths of some demand with errors, and what these come to the slow way."""
    table, stressor, errors, slow = draw(questions())
    demand: Any = draw(st.sampled_from([None, table.regions[0], "own"]))
    if demand == "own":
        demand = np.random.default_rng(table.n).uniform(-1.0, 3.0, table.n)
    end = draw(st.sampled_from([None, table.sectors[0]]))
    with iterated() if draw(st.booleans()) else nullcontext():
        paths = cf.structural_paths(table, stressor, demand=demand, top=draw(st.integers(1, 25)),
                                    end=end, errors=errors)  # fmt: skip
    columns = select_demand(table, demand).columns
    asked = demand if columns is None else columns
    return paths, PathErrorsReference.of_chains(slow, chains_of(paths) if len(paths) else [], asked)


@given(searches())
def test_every_number_is_that_of_the_derivatives(search: Any) -> None:
    paths, slow = search
    if not len(paths):
        assert paths.sd.shape == paths.larger_than_next.shape == (0,)
        return
    value, covariance = np.abs(slow.answers()), slow.covariance
    np.testing.assert_allclose(np.abs(paths.value), value, rtol=1e-9)
    sd = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(paths.sd, sd, rtol=1e-6, atol=1e-6 * value.max())
    np.testing.assert_allclose(paths.sd / value, sd / value, rtol=1e-6, atol=1e-6)
    signs = np.sign(slow.answers())
    sized = covariance * np.outer(signs, signs)
    of_difference = np.diag(sized)[:, None] + np.diag(sized) - 2 * sized
    distance = value[:, None] - value
    clear = of_difference > 1e-9 * (np.diag(sized)[:, None] + np.diag(sized))
    expected = norm.cdf(distance / np.sqrt(np.where(clear, of_difference, 1.0)))
    got = paths.probability_larger()
    assert np.isnan(np.diag(got)).all()
    other = clear & ~np.eye(len(paths), dtype=bool)
    np.testing.assert_allclose(got.to_numpy()[other], expected[other], rtol=1e-6, atol=1e-6)
    beside = np.arange(len(paths) - 1)
    assert np.isnan(paths.larger_than_next[-1])
    known = other[beside, beside + 1]
    near = paths.larger_than_next[:-1][known]
    np.testing.assert_allclose(near, expected[beside, beside + 1][known], rtol=1e-6, atol=1e-6)


def test_frames_and_files_have_them_and_only_with_errors(tmp_path: Any) -> None:
    table = cf.synthetic.world(3, 4)
    plain = cf.structural_paths(table, top=50)
    assert plain.sd is None
    assert plain.larger_than_next is None
    assert list(plain.to_frame().columns) == ["value", "share", "stage", "path"]
    paths = cf.structural_paths(table, top=50, errors=cf.Errors(Z=0.1, Y=0.1, F=0.1))
    frame = paths.to_frame()
    columns = ["value", "share", "sd", "larger_than_next", "stage", "path"]
    assert list(frame.columns) == columns
    pd.testing.assert_frame_equal(frame[list(plain.to_frame().columns)], plain.to_frame())
    for kind in ("csv", "parquet", "json"):
        file = paths.save(tmp_path / f"paths.{kind}")
        read = getattr(pd, f"read_{kind}")(file)
        np.testing.assert_allclose(read["sd"], paths.sd)
        np.testing.assert_allclose(read["larger_than_next"], paths.larger_than_next)
    assert list(paths.to_arrow().column_names) == columns


def test_many_paths_have_the_numbers_of_few(monkeypatch: pytest.MonkeyPatch) -> None:
    table, errors = cf.synthetic.world(3, 10), cf.Errors(
        Z=0.1, Y=0.2, F=0.1, shared=cf.SharedError("a", 0.1, Z=1.0))  # fmt: skip
    paths = cf.structural_paths(table, top=3000, errors=errors)
    whole = paths.sd, paths.larger_than_next
    monkeypatch.setattr("carbonflows_fast.paths._chain_list.BLOCK_ENTRIES", 100)
    again = cf.structural_paths(table, top=3000, errors=errors)
    assert len(list(again._blocks())) > 10
    for one, other in zip(whole, (again.sd, again.larger_than_next), strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_two_paths_share_does_not_change_their_ranks() -> None:
    table = cf.synthetic.world(3, 4)
    everything = cf.SharedError("emission factors", 0.3, F=1.0)
    paths = cf.structural_paths(table, top=20, errors=cf.Errors(shared=everything))
    np.testing.assert_allclose(paths.sd, 0.3 * np.abs(paths.value), rtol=1e-12)
    np.testing.assert_allclose(paths.larger_than_next[:-1], norm.cdf(1 / 0.3), rtol=1e-9)
    upper = paths.probability_larger().to_numpy()[np.triu_indices(20, 1)]
    np.testing.assert_allclose(upper, norm.cdf(1 / 0.3), rtol=1e-9)
    alone = cf.structural_paths(table, top=20, errors=cf.Errors(F=0.3))
    assert (alone.larger_than_next[:-1] < 0.99).any()
    np.testing.assert_allclose(alone.sd, 0.3 * np.abs(alone.value), rtol=1e-12)


def test_a_row_with_one_buyer_has_a_sure_share() -> None:
    # All that a sells goes to b: whatever z_ab is, b's chain emits what a emits.
    table = cf.Table(Z=[[0.0, 8.0], [0.0, 0.0]], Y=[[0.0], [10.0]], F=[4.0, 1.0], regions="DE",
                     sectors=["a", "b"], stressors="CO2")  # fmt: skip
    paths = cf.structural_paths(table, errors=cf.Errors(Z=0.5, Y=0.5))
    assert len(paths) == 2
    assert (paths.sd == 0.0).all()


@pytest.mark.real_data
@pytest.mark.parametrize("source", ["Z", "Y", "F"])
def test_single_cells_of_wiod(real_data: Path, source: str) -> None:
    table = cf.read(real_data / "wiod2013_2009.zip", progress=False)
    plain = cf.structural_paths(table, top=300, threads=1)
    chains = chains_of(plain)
    slow = PathErrorsReference(
        table, {table.stressors[0]: 1.0}, "paths", {}, [], chains, np.ones(len(table.demand)) > 0
    )
    longest = max(chains, key=len)
    seller, buyer, other = longest[1], longest[0], longest[-1]
    demand = int(np.abs(table.Y.to_numpy()[buyer]).argmax())
    row = int(np.abs(table.Z[[seller]].toarray()).argmax())
    cells = {"Z": [(seller, buyer), (seller, row)], "Y": [(buyer, demand), (other, demand)],
             "F": [(0, other)]}  # fmt: skip
    for cell in cells[source]:
        deviations = sp.csr_array(([0.1], ([cell[0]], [cell[1]])), shape=slow.cells[source].shape)
        errors = cf.Errors(**{source: deviations})
        found = cf.structural_paths(table, top=300, threads=1, errors=errors)
        expected = np.abs(slow.slope(source, cell) * slow.cells[source][cell]) * 0.1
        assert expected.max() > 0.0
        np.testing.assert_allclose(found.sd, expected, rtol=1e-6, atol=1e-7 * expected.max())
        np.testing.assert_array_equal(found.value, plain.value)
