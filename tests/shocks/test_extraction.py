"""Hypothetical extraction against dense matrices with rows and columns taken out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.worlds.strategies import tables
from support.worlds.three_regions import three_regions

import carbonflows_fast as cf
from carbonflows_fast.errors import InputError, LabelError


def expected_left(table: cf.Table, T: Any, direction: str, part: float) -> Any:
    """Output that is left, from the matrices of the definition."""
    A, y, x = table.A.toarray(), table.Y.sum(axis=1).to_numpy(), table.x.to_numpy()
    one = np.eye(table.n)
    if direction == "total":
        A, y = A.copy(), y.copy()
        A[T] *= 1 - part
        y[T] *= 1 - part
        return np.linalg.solve(one - A, y)
    if direction == "backward":
        A = A.copy()
        A[:, T] *= 1 - part
        return np.linalg.solve(one - A, y)
    made = x != 0  # Ghosh's coefficients need an output
    Z = A * x
    v = x - Z.sum(axis=0)
    B = Z[np.ix_(made, made)] / x[made][:, None]
    B[T[made]] *= 1 - part
    left = np.zeros(table.n)
    left[made] = v[made] @ np.linalg.inv(np.eye(int(made.sum())) - B)
    return left


@given(
    tables(),
    st.sampled_from(["total", "backward", "forward"]),
    st.sampled_from([1.0, 0.5, 0.01]),
    st.data(),
)
def test_what_is_left_is_that_of_the_definition(
    table: cf.Table, direction: str, part: float, data: st.DataObject
) -> None:
    T = np.array(data.draw(st.lists(st.booleans(), min_size=table.n, max_size=table.n)), dtype=bool)
    stressor, s = table.stressors[-1], table.S.to_numpy()[-1]
    got = cf.extraction(table, T, stressor=stressor, direction=direction, part=part)
    left = expected_left(table, T, direction, part)
    x = table.x.to_numpy()
    size = float(np.abs(s) @ (np.abs(x) + np.abs(left)))
    limit = got.attrs["error_bound"] + 1e-10 * size + 1e-12
    assert np.abs(got["emissions_left"] - s * left).sum() <= limit
    assert np.abs(got["emissions"] - s * x).sum() <= limit
    gap = got["emissions"] - got["emissions_left"] - got["emissions_lost"]
    assert np.abs(gap).sum() <= limit
    scale = np.abs(x).sum() + np.abs(left).sum()
    assert np.abs(got["output_left"] - left).sum() <= 1e-7 * scale


@given(tables(negatives=False))
def test_all_of_it_leaves_nothing_and_none_all(table: cf.Table) -> None:
    everything, nothing = np.ones(table.n, dtype=bool), np.zeros(table.n, dtype=bool)
    stressor = table.stressors[0]
    assert (cf.extraction(table, everything, stressor=stressor)["output_left"] == 0.0).all()
    kept = cf.extraction(table, nothing, stressor=stressor, direction="forward")
    np.testing.assert_allclose(kept["output_left"], kept["output"], rtol=1e-8, atol=1e-8)


@given(tables(negatives=False, zero_outputs=False))
def test_backward_and_forward_lose_less_than_all(table: cf.Table) -> None:
    T = np.arange(table.n) == 0
    total = cf.extraction(table, T, stressor=table.stressors[0])
    backward = cf.extraction(table, T, stressor=table.stressors[0], direction="backward")
    scale = 1e-8 * total["output"].sum()
    assert (backward["output_lost"] <= total["output_lost"] + scale).all()
    assert (total["output_lost"] >= -scale).all()


@pytest.mark.real_data
@pytest.mark.parametrize("direction", ["total", "backward", "forward"])
def test_wiod(real_data: Path, direction: str) -> None:
    table = cf.read(real_data / "wiod2013_2009.zip", progress=False)
    mask = np.array([pair == ("CHN", "Basic Metals and Fabricated Metal") for pair in table.rows])
    got = cf.extraction(table, mask, stressor=table.stressors[0], direction=direction)
    left = expected_left(table, mask, direction, 1.0)
    np.testing.assert_allclose(
        got["emissions_left"], table.S.to_numpy()[0] * left, atol=1e-8 * got["emissions"].sum()
    )


def test_bad_input() -> None:
    table = three_regions()
    with pytest.raises(InputError, match=r"direction: expected 'total', 'backward' or 'forward'"):
        cf.extraction(table, "goods", direction="sideways")
    with pytest.raises(InputError, match=r"part: expected a number above 0 and at most 1, got 2"):
        cf.extraction(table, "goods", part=2)
    with pytest.raises(LabelError, match="rows: expected"):
        cf.extraction(table, "gods")
    mixed = three_regions(row_units=["M.EUR", *"tttt"])
    with pytest.raises(InputError, match="table: expected rows in one unit"):
        cf.extraction(mixed, "goods", direction="forward")
    assert len(cf.extraction(mixed, "goods", direction="backward")) == 5
